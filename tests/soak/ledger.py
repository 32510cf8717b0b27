"""The ledger: everything that was accepted has its outcome, once.

A request is handed to an agent inside an input. An input that is settled was answered (a reply to the newest of its
messages), or ended in a declared silence, or in a notice, or was cancelled by a command. A command has its reply.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from tests.soak.records import Input, Message, Records, Text

_REQUEST, _COMMAND, _BOT = "request", "command", "bot"


@dataclass(frozen=True)
class Complaint:
    """Something that should not be, in one chat or everywhere (None)."""

    chat: str | None
    text: str


def check(records: Records, accepted: dict[str, str]) -> list[Complaint]:
    """What is wrong. `accepted` maps the ids of all messages the API took to their chats."""
    return [
        *_check_stored(records, accepted),
        *_check_requests(records),
        *_check_commands(records),
        *_check_runs(records),
        *_check_deliveries(records),
        *(Complaint(None, f"run {run_id} is still live") for run_id in records.live_runs),
    ]


def _check_stored(records: Records, accepted: dict[str, str]) -> Iterator[Complaint]:
    stored = {message.external_id for message in records.messages}
    for external_id, chat in accepted.items():
        if external_id not in stored:
            yield Complaint(chat, f"{external_id} was accepted and is not stored")


def _check_requests(records: Records) -> Iterator[Complaint]:
    """Every request is settled, by an input that holds it."""
    settled = _by_chat([handed for handed in records.inputs if handed.settled_at is not None])
    for message in records.messages:
        if message.kind != _REQUEST:
            continue
        if message.seq > records.settled_seqs[message.chat]:
            yield Complaint(message.chat, f"request {message.seq} {message.text!r} is pending")
        elif not any(handed.after < message.seq <= handed.up_to for handed in settled[message.chat]):
            yield Complaint(message.chat, f"request {message.seq} {message.text!r} counts as settled by no run")


def _check_commands(records: Records) -> Iterator[Complaint]:
    replies = Counter(text.outbox_id for text in records.texts if text.kind == _COMMAND)
    for message in records.messages:
        count = replies[f"cmd:{message.chat}:{message.seq}"]
        if message.kind == _COMMAND and count != 1:
            yield Complaint(message.chat, f"command {message.seq} {message.text!r} has {count} replies")


def _check_runs(records: Records) -> Iterator[Complaint]:
    """Every settled input of a run has an outcome, and nothing was replied twice."""
    requests: dict[str, list[Message]] = defaultdict(list)
    for message in records.messages:
        if message.kind == _REQUEST:
            requests[message.chat].append(message)
    texts: dict[str | None, list[Text]] = defaultdict(list)
    for text in records.texts:
        texts[text.run_id].append(text)
    for run_id, inputs in _by_run(records.inputs).items():
        said = texts[run_id]
        mute = [handed for handed in inputs if not _is_answered(handed, requests[handed.chat], said)]
        cancelled = [handed for handed in mute if handed.settled_at in records.cancelled_at[handed.chat]]
        outcomes = records.silences.get(run_id, 0) + sum(text.kind == "notice" for text in said)
        if outcomes < len(mute) - len(cancelled):
            what = ", ".join(f"({handed.after}, {handed.up_to}]" for handed in mute)
            yield Complaint(
                mute[0].chat, f"run {run_id}: {len(mute)} inputs without a word, {outcomes} told why: {what}"
            )
    repeated = Counter((text.chat, text.text) for text in records.texts if text.kind == "reply")
    for (chat, reply), count in repeated.items():
        if count > 1:
            yield Complaint(chat, f"{count} replies {reply!r}")


def _check_deliveries(records: Records) -> Iterator[Complaint]:
    """Every text was delivered into its chat, once."""
    delivered = Counter(message.external_id for message in records.messages if message.kind == _BOT)
    for text in records.texts:
        count = delivered[f"outbox:{text.outbox_id}"]
        if text.state != "sent" or count != 1:
            yield Complaint(text.chat, f"text {text.outbox_id} is {text.state} and was delivered {count} times")


def _is_answered(handed: Input, requests: list[Message], said: list[Text]) -> bool:
    """The reply repeats the last word of the newest request of the input."""
    held = [message for message in requests if handed.after < message.seq <= handed.up_to]
    token = held[-1].text.split()[-1]
    return any(text.kind == "reply" and token in text.text.split() for text in said)


def _by_chat(inputs: list[Input]) -> dict[str, list[Input]]:
    found: dict[str, list[Input]] = defaultdict(list)
    for handed in inputs:
        found[handed.chat].append(handed)
    return found


def _by_run(inputs: list[Input]) -> dict[str, list[Input]]:
    """Settled inputs only."""
    found: dict[str, list[Input]] = defaultdict(list)
    for handed in inputs:
        if handed.settled_at is not None:
            found[handed.run_id].append(handed)
    return found
