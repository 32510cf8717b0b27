"""What a conversation's next agent is told of the one before, after its model was switched.

The note that there is something to tell is kept until an agent has answered with it: a run that fails takes nothing
away (hazard B-121). `/reset` and a session set from outside remove it.
"""

from __future__ import annotations

from intercomd.domain.runs import CarriedOver, PromptInput
from intercomd.store.engine import Row, Transaction
from intercomd.store.rows import message_of

_MESSAGES = 40
_BYTES = 16 * 1024
_COMMAND_ANSWERS = "outbox:cmd:"
"""What the ids of answers to commands begin with in the chat log."""


def load_carried(transaction: Transaction, group: Row, prompt: PromptInput) -> CarriedOver | None:
    """The newest texts that fit the limits and are not in `prompt`, if the group's model was switched."""
    if group["carried_from"] is None:
        return None
    rows = transaction.rows(
        "list_carried_messages",
        chat_jid=group["jid"],
        after=prompt.after_seq,
        up_to=prompt.up_to_seq,
        answers=_COMMAND_ANSWERS,
        limit=_MESSAGES,
    )
    chosen, room = [], _BYTES
    for message in map(message_of, rows):
        room -= len(message.content.encode())
        if room < 0:
            break
        chosen.append(message)
    return CarriedOver(group["carried_from"], tuple(reversed(chosen))) if chosen else None


def consume_carried(transaction: Transaction, run: Row) -> None:
    """A request was answered: from now on the agent's own session knows what it was told."""
    transaction.run("clear_carried", folder=run["folder"])
