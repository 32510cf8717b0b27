"""What a chat message is to us, decided once, in the transaction that stores it."""

from __future__ import annotations

from intercomd.domain.chat import Group, IncomingMessage, MessageKind
from intercomd.domain.commands import parse_command
from intercomd.domain.trigger import matches_trigger, needs_trigger


def classify(group: Group | None, message: IncomingMessage, assistant_name: str, main_folder: str) -> MessageKind:
    """Bot messages are marked by their flag, never by their text (hazard B-14); a blank text asks for nothing; a
    slash word that is no command of ours is ordinary text (hazard B-96)."""
    if message.is_bot:
        return MessageKind.BOT
    if parse_command(message.content) is not None:
        return MessageKind.COMMAND
    if group is None or not message.content.strip():
        return MessageKind.CONTEXT
    if needs_trigger(group, main_folder) and not matches_trigger(group, message.content, assistant_name):
        return MessageKind.CONTEXT
    return MessageKind.REQUEST
