"""What a chat message is to us, decided once, in the transaction that stores it."""

from __future__ import annotations

from dataclasses import dataclass

from intercomd.domain.chat import Group, IncomingMessage, MessageKind
from intercomd.domain.commands import parse_command
from intercomd.domain.questions import Question, find_choice
from intercomd.domain.trigger import matches_trigger, needs_trigger, without_trigger


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a message is, and which choice of the chat's open question it makes, if any."""

    kind: MessageKind
    choice: int | None = None


def judge(
    group: Group | None, message: IncomingMessage, question: Question | None, assistant_name: str, main_folder: str
) -> Judgement:
    """The answer to an open question is a request in every group, with the trigger or without."""
    kind = classify(group, message, assistant_name, main_folder)
    if group is None or question is None or kind not in {MessageKind.REQUEST, MessageKind.CONTEXT}:
        return Judgement(kind)
    choice = find_choice(question.choices, without_trigger(group, message.content, assistant_name))
    return Judgement(kind) if choice is None else Judgement(MessageKind.REQUEST, choice)


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
