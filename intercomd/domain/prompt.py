"""The prompt an agent reads: the escaped `<messages>` form (original.md §7.4), so that no text can pose as another
sender (hazard B-53)."""

from __future__ import annotations

from collections.abc import Sequence

from intercomd.domain.chat import ChatMessage, MessageKind
from intercomd.domain.instants import iso_ms
from intercomd.domain.runs import CarriedOver
from intercomd.domain.text import cut

_MOST_QUESTION_CHARACTERS = 300


def render_prompt(messages: Sequence[ChatMessage], omitted: int) -> str:
    """One line per message, oldest first; `omitted` says how many older ones were left out."""
    opening = f'<messages omitted="{omitted}">' if omitted else "<messages>"
    lines = (
        f'<message sender="{_escape(message.sender_name)}" time="{iso_ms(message.sent_at)}"{_answer(message)}>'
        f"{_escape(message.content)}</message>"
        for message in messages
    )
    return "\n".join([opening, *lines, "</messages>"])


def render_carried(carried: CarriedOver, assistant_name: str) -> str:
    """What was said before a switch of models, to stand before the prompt (original.md §7.4)."""
    note = f"Prior conversation with {carried.model or 'another model'}. Continue naturally."
    lines = (
        f'  <message role="{_escape(_role(message, assistant_name))}" time="{iso_ms(message.sent_at)}">'
        f"{_escape(message.content)}</message>"
        for message in carried.messages
    )
    return "\n".join([f'<conversation_history note="{_escape(note)}">', *lines, "</conversation_history>", ""])


def _role(message: ChatMessage, assistant_name: str) -> str:
    return assistant_name if message.kind is MessageKind.BOT else message.sender_name


def _answer(message: ChatMessage) -> str:
    """The question it answers: a number alone says nothing to an agent that began after it was asked."""
    if message.answers is None:
        return ""
    question = cut(message.answers.question, _MOST_QUESTION_CHARACTERS)
    return f' answers="{_escape(question)}" choice="{_escape(message.answers.choice)}"'


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
