"""What a run is told: the newest messages that fit, and always the newest request among them."""

from __future__ import annotations

from dataclasses import dataclass

from intercomd.domain.chat import ChatMessage, MessageKind
from intercomd.domain.ids import ChatJid, InputId, RunId, Seq
from intercomd.domain.runs import PromptInput
from intercomd.store.engine import Row, Transaction
from intercomd.store.ports import InputLimits
from intercomd.store.rows import prompt_message_of


@dataclass(frozen=True, slots=True)
class SeqRange:
    """The messages of a chat after `after` up to `up_to`."""

    chat_jid: ChatJid
    after: Seq
    up_to: Seq


def gather_input(transaction: Transaction, input_id: InputId, span: SeqRange, limits: InputLimits) -> PromptInput:
    """The input for `span`: requests and context only, no commands, no bot messages.

    The newest request comes first in the budget, so that it is there however much was said after it.
    """
    values = _values(span)
    rows = transaction.rows("list_prompt_messages", **values, limit=limits.messages)
    newest = [prompt_message_of(row) for row in rows]
    request = _newest_request(transaction, newest, span, is_complete=len(newest) < limits.messages)
    chosen = choose_messages(newest, request, limits)
    omitted = 0
    if len(newest) == limits.messages:
        counted = transaction.row("count_prompt_messages", **values)
        assert counted is not None
        omitted = counted["count"] - len(chosen)
    else:
        omitted = len(newest) - len(chosen)
    return PromptInput(input_id, span.after, span.up_to, chosen, omitted)


def choose_messages(
    newest_first: list[ChatMessage], request: ChatMessage | None, limits: InputLimits
) -> tuple[ChatMessage, ...]:
    """`request` and as many of the newest messages without a gap as the limits leave room for; oldest first."""
    chosen = [] if request is None else [request]
    room = limits.content_bytes - sum(_size(message) for message in chosen)
    for message in newest_first:
        if message == request:
            continue
        room -= _size(message)
        if room < 0 or len(chosen) == limits.messages:
            break
        chosen.append(message)
    return tuple(sorted(chosen, key=lambda message: message.seq))


def store_input(transaction: Transaction, run_id: RunId, prompt: PromptInput) -> None:
    """Keep which messages an input holds, so that asking again gives the same ones.

    They are all from `first_seq` on, and the one at `request_seq`, which may be older.
    """
    seqs = [message.seq for message in prompt.messages]
    requests = [message.seq for message in prompt.messages if message.kind is MessageKind.REQUEST]
    request_seq = max(requests, default=prompt.up_to_seq)
    is_request_apart = len(seqs) > 0 and seqs[0] == request_seq and prompt.omitted > 0
    others = [seq for seq in seqs if not (is_request_apart and seq == request_seq)]
    transaction.run(
        "add_input",
        run_id=run_id,
        input_id=prompt.input_id,
        after_seq=prompt.after_seq,
        up_to_seq=prompt.up_to_seq,
        first_seq=min(others, default=prompt.up_to_seq + 1),
        request_seq=request_seq,
        omitted=prompt.omitted,
    )


def load_input(transaction: Transaction, chat_jid: ChatJid, row: Row) -> PromptInput:
    """A stored input with its messages."""
    messages = transaction.rows(
        "list_input_messages",
        chat_jid=chat_jid,
        after_seq=row["after_seq"],
        up_to_seq=row["up_to_seq"],
        first_seq=row["first_seq"],
        request_seq=row["request_seq"],
    )
    return PromptInput(
        row["input_id"],
        row["after_seq"],
        row["up_to_seq"],
        tuple(prompt_message_of(message) for message in messages),
        row["omitted"],
    )


def _newest_request(
    transaction: Transaction, newest: list[ChatMessage], span: SeqRange, *, is_complete: bool
) -> ChatMessage | None:
    for message in newest:
        if message.kind is MessageKind.REQUEST:
            return message
    if is_complete:
        return None
    row = transaction.row("find_newest_request", **_values(span))
    return None if row is None else prompt_message_of(row)


def _values(span: SeqRange) -> dict[str, str | int]:
    return {"chat_jid": span.chat_jid, "after_seq": span.after, "up_to_seq": span.up_to}


def _size(message: ChatMessage) -> int:
    return len(message.content.encode())
