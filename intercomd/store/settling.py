"""How a group's numbers move when its inputs reach an outcome; always under the group's row lock."""

from __future__ import annotations

from datetime import datetime

from intercomd.domain.instants import to_epoch_ms
from intercomd.store.engine import Row, Transaction


def settle(transaction: Transaction, group: Row, run_id: str, up_to_seq: int, now: datetime) -> None:
    """The inputs of `run_id` up to `up_to_seq` have their outcome: the next prompt starts after them."""
    transaction.run("settle_inputs", run_id=run_id, up_to_seq=up_to_seq, now=to_epoch_ms(now))
    transaction.run(
        "settle_group",
        folder=group["folder"],
        settled_seq=max(group["settled_seq"], up_to_seq),
        context_seq=max(group["context_seq"], up_to_seq),
        carries_failure=0,
    )


def give_up(transaction: Transaction, group: Row, run_id: str, up_to_seq: int, now: datetime) -> bool:
    """The inputs failed for good. The next run still sees their texts, so that people need not repeat them; texts
    that were carried over once already are left behind, so that a poisonous one spoils a single further run.

    Returns whether a request is left that a retry would run again.
    """
    was_carried = bool(group["carries_failure"])
    settled_seq = max(group["settled_seq"], up_to_seq)
    context_seq = group["settled_seq"] if was_carried else group["context_seq"]
    transaction.run("settle_inputs", run_id=run_id, up_to_seq=up_to_seq, now=to_epoch_ms(now))
    transaction.run(
        "settle_group",
        folder=group["folder"],
        settled_seq=settled_seq,
        context_seq=context_seq,
        carries_failure=1,
    )
    return find_retriable(transaction, group["chat_jid"], context_seq, settled_seq)


def find_retriable(transaction: Transaction, chat_jid: str, context_seq: int, settled_seq: int) -> bool:
    """Whether a request that failed still is in what the next prompt starts from."""
    request = transaction.row("find_newest_request", chat_jid=chat_jid, after_seq=context_seq, up_to_seq=settled_seq)
    return request is not None
