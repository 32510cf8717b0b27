"""`/v1/db/router-state/*` and `/v1/db/sessions/*`."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from intercomd.api.services import Services
from intercomd.api.wire.shapes import (
    Acknowledged,
    FolderBody,
    RouterKeyBody,
    RouterValue,
    RouterValueBody,
    SessionBody,
    SessionView,
)
from intercomd.api.wire.values import render_instant
from intercomd.domain.folder import parse_folder
from intercomd.domain.ids import Folder
from intercomd.domain.mailbox import GroupCancelled
from intercomd.errors import NotFound, StoreConflict
from intercomd.store.compat_ports import WireChats


def get_router_value(services: Services, body: RouterKeyBody) -> RouterValue:
    render = _RENDERED.get(body.key)
    if render is not None:
        return RouterValue(render(services.store.compat.chats))
    return RouterValue(services.store.compat.router.find(body.key))


def set_router_value(services: Services, body: RouterValueBody) -> Acknowledged:
    if body.key in _RENDERED:
        raise StoreConflict(f"{body.key} is rendered from the store's own numbers and cannot be set")
    services.store.compat.router.set(body.key, body.value)
    return Acknowledged()


def get_session(services: Services, body: FolderBody) -> SessionView:
    folder = parse_folder(body.group_folder, "group_folder")
    try:
        return SessionView(services.store.sessions.get(folder).session_id)
    except NotFound:
        return SessionView(None)


def set_session(services: Services, body: SessionBody) -> Acknowledged:
    _replace(services, parse_folder(body.group_folder, "group_folder"), body.session_id)
    return Acknowledged()


def list_sessions(services: Services) -> dict[str, str]:
    sessions = services.store.sessions.list_all()
    return {session.folder: session.session_id for session in sessions if session.session_id is not None}


def delete_session(services: Services, body: FolderBody) -> Acknowledged:
    folder = parse_folder(body.group_folder, "group_folder")
    try:
        _replace(services, folder, None)
    except NotFound:
        return Acknowledged()
    return Acknowledged()


def _replace(services: Services, folder: Folder, session_id: str | None) -> None:
    """A live run of the old session is over in the store; the hint ends its sandbox now and not with its next word."""
    if services.store.sessions.replace(folder, session_id, services.clock.now()):
        services.dispatcher.hint(GroupCancelled(folder))


def _last_timestamp(chats: WireChats) -> str | None:
    """What the message loop has seen is what is stored: the newest text of any group."""
    newest = max((times.newest_at for times in chats.list_group_times() if times.newest_at is not None), default=None)
    return None if newest is None else render_instant(newest)


def _last_agent_timestamp(chats: WireChats) -> str:
    """Per group the time of the last text that its next prompt does not repeat."""
    return msgspec.json.encode(
        {
            times.chat_jid: render_instant(times.context_at)
            for times in chats.list_group_times()
            if times.context_at is not None
        }
    ).decode()


_RENDERED: dict[str, Callable[[WireChats], str | None]] = {
    "last_timestamp": _last_timestamp,
    "last_agent_timestamp": _last_agent_timestamp,
}
"""The cursors of the old message loop: ours are numbers, so callers may read them as times and not set them."""
