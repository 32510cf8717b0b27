"""`/v1/db/groups/*`: the registered chats."""

from __future__ import annotations

from intercomd.api.services import Services
from intercomd.api.wire.shapes import Acknowledged, GroupJidBody, RegisteredGroup
from intercomd.api.wire.values import parse_instant, render_instant
from intercomd.desk.groups import check_container_config
from intercomd.desk.jids import parse_jid
from intercomd.domain.chat import Group
from intercomd.domain.folder import parse_folder
from intercomd.domain.ids import ChatJid
from intercomd.domain.instants import EPOCH


def find(services: Services, body: GroupJidBody) -> RegisteredGroup | None:
    progress = services.store.groups.find_by_jid(ChatJid(body.jid))
    return None if progress is None else _render(progress.group)


def register(services: Services, body: RegisteredGroup) -> Acknowledged:
    """Takes effect at once (hazard B-31); a folder that another chat has is refused (hazard B-101)."""
    check_container_config(body.container_config)
    group = Group(
        jid=parse_jid(body.jid, "jid"),
        name=body.name,
        folder=parse_folder(body.folder),
        trigger=body.trigger,
        requires_trigger=body.requires_trigger is not False,
        runtime=body.runtime or None,
        model=body.model or None,
        container_config=body.container_config,
        added_at=parse_instant(body.added_at, "added_at") or EPOCH,
    )
    services.store.groups.add(group, services.clock.now())
    services.on_groups_changed()
    return Acknowledged()


def list_all(services: Services) -> dict[str, RegisteredGroup]:
    return {group.jid: _render(group) for group in services.store.groups.list_all()}


def _render(group: Group) -> RegisteredGroup:
    return RegisteredGroup(
        jid=group.jid,
        name=group.name,
        folder=group.folder,
        trigger=group.trigger,
        added_at=render_instant(group.added_at or EPOCH),
        container_config=None if group.container_config is None else dict(group.container_config),
        requires_trigger=group.requires_trigger,
        runtime=group.runtime,
        model=group.model,
    )
