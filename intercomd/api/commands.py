"""`POST /v1/commands`: the text and effects of a slash command, as clients of the existing system ask for it."""

from __future__ import annotations

from datetime import timedelta

import falcon
import msgspec

from intercomd.api.requests import read_body
from intercomd.api.services import Services
from intercomd.api.views import command_view
from intercomd.domain.commands import CommandResult
from intercomd.domain.folder import parse_folder
from intercomd.domain.ids import ChatJid
from intercomd.domain.mailbox import CommandReply

_DEADLINE = timedelta(seconds=2)


class CommandBody(msgspec.Struct, frozen=True):
    """original.md §5.4; unknown fields are ignored there."""

    chat_jid: str
    command: str
    args: str = ""
    group_name: str | None = None
    group_folder: str | None = None
    current_model: str | None = None
    session_id: str | None = None
    container_active: bool = False


class CommandsResource:
    """Asks the Commands actor, at most two seconds; the effects are applied before it answers."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        body = read_body(request, CommandBody)
        result = self._services.commands.ask(
            CommandReply(
                chat_jid=ChatJid(body.chat_jid),
                command=body.command,
                args=body.args,
                group_name=body.group_name,
                group_folder=parse_folder(body.group_folder, "group_folder") if body.group_folder else None,
                current_model=body.current_model,
                session_id=body.session_id,
                is_container_active=body.container_active,
            ),
            _DEADLINE,
        )
        assert isinstance(result, CommandResult)
        response.media = command_view(result)
