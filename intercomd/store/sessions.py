"""The agent's own conversation ids, and the commands that change them. A session is part of its group's row."""

from __future__ import annotations

from datetime import datetime

from intercomd.domain.chat import MessageKind
from intercomd.domain.events import EventCode
from intercomd.domain.ids import ChatJid, Folder, Generation, RunId, Seq
from intercomd.domain.instants import to_epoch_ms
from intercomd.domain.outbox import NewText
from intercomd.domain.runs import Ending, Outcome, RunEnding
from intercomd.errors import NotFound
from intercomd.store.engine import Database, Row, Transaction
from intercomd.store.events import record_event
from intercomd.store.open_questions import drop_question
from intercomd.store.outbox_table import add_texts, mark_handled
from intercomd.store.ports import Cancelled, RetryPolicy, Session
from intercomd.store.rows import session_of
from intercomd.store.run_endings import end_run, store_ending
from intercomd.store.settling import find_retriable, settle


class SessionsTable:
    """The `Sessions` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, folder: Folder) -> Session:
        row = self._database.row("find_progress", folder=folder)
        if row is None:
            raise NotFound(f"no group has the folder {folder}")
        return session_of(row)

    def list_all(self) -> list[Session]:
        return [session_of(row) for row in self._database.rows("list_groups")]

    def cancel(
        self,
        folder: Folder,
        *,
        key: str,
        clears_session: bool,
        runtime: str | None,
        model: str | None,
        reply: NewText | None,
        handled: tuple[ChatJid, Seq] | None,
        now: datetime,
    ) -> Cancelled:
        def work(transaction: Transaction) -> Cancelled:
            group = _lock_group(transaction, folder)
            known = transaction.row("find_cancel", key=key)
            if known is not None:
                return Cancelled(known["generation"], known["run_id"], is_repeat=True)
            generation = Generation(group["generation"] + 1)
            run_id = _stop_run(transaction, group, now)
            transaction.run(
                "cancel_group",
                folder=folder,
                generation=generation,
                clears_session=int(clears_session),
                runtime=runtime,
                model=model,
            )
            transaction.run(
                "add_cancel", key=key, folder=folder, generation=generation, run_id=run_id, now=to_epoch_ms(now)
            )
            add_texts(transaction, [] if reply is None else [reply], now)
            mark_handled(transaction, handled, now)
            if clears_session and model is None:  # a switch of models carries the conversation over
                drop_question(transaction, group["jid"], now)
            record_event(
                transaction,
                EventCode.GROUP_CANCELLED,
                now,
                chat_jid=group["jid"],
                folder=folder,
                run_id=run_id,
                detail=key,
            )
            return Cancelled(generation, run_id, is_repeat=False)

        return self._database.write(work)

    def replace(self, folder: Folder, session_id: str | None, now: datetime) -> bool:
        return self._database.write(lambda transaction: _replace(transaction, folder, session_id, now))

    def request_retry(self, folder: Folder, *, seq: Seq, reply: NewText | None, now: datetime) -> bool:
        return self._database.write(lambda transaction: _request_retry(transaction, folder, seq, reply, now))


def _lock_group(transaction: Transaction, folder: Folder) -> Row:
    group = transaction.row("lock_group", folder=folder)
    if group is None:
        raise NotFound(f"no group has the folder {folder}")
    return group


def _stop_run(transaction: Transaction, group: Row, now: datetime) -> RunId | None:
    """End the live run, or the retry that a failed one waits for, and settle what it was given. While a task runs there
    may be both: what people stopped does not start again by itself."""
    live = transaction.row("find_live_run", folder=group["folder"])
    is_task = live is not None and live["task_id"] is not None
    last = None if is_task else live
    if last is None and group["attempts"] > 0:
        last = transaction.row("find_last_retried_run", folder=group["folder"])
    if last is not None:
        inputs = transaction.rows("list_inputs", run_id=last["run_id"])
        settle(transaction, group, last["run_id"], inputs[-1]["up_to_seq"], now)
    if live is None:
        return None
    if is_task:
        end_run(transaction, live["run_id"], Outcome.STOPPED, "cancelled", RetryPolicy(), now)
        return RunId(live["run_id"])
    store_ending(transaction, live, Outcome.STOPPED, "cancelled", RunEnding(Ending.DONE), now)
    return RunId(live["run_id"])


def _replace(transaction: Transaction, folder: Folder, session_id: str | None, now: datetime) -> bool:
    group = _lock_group(transaction, folder)
    live = transaction.row("find_live_run", folder=folder)
    is_same = group["session_id"] == session_id
    if is_same and (session_id is not None or live is None):
        return False
    if live is not None:
        end_run(transaction, live["run_id"], Outcome.DRAINED, "its session was replaced", RetryPolicy(), now)
    transaction.run("replace_session", folder=folder, session_id=session_id)
    record_event(
        transaction,
        EventCode.SESSION_REPLACED,
        now,
        chat_jid=group["jid"],
        folder=folder,
        run_id=None if live is None else live["run_id"],
    )
    return True


def _request_retry(
    transaction: Transaction, folder: Folder, seq: Seq, reply: NewText | None, now: datetime
) -> bool:
    group = _lock_group(transaction, folder)
    message = transaction.row("find_message", chat_jid=group["jid"], seq=seq)
    if message is None:
        raise NotFound(f"chat {group['jid']} has no message {seq}")
    if message["is_retry"]:
        return True
    is_command = message["kind"] == MessageKind.COMMAND
    if not is_command or seq <= group["settled_seq"] or not _has_failed(transaction, group):
        return False
    transaction.run("mark_retry", chat_jid=group["jid"], seq=seq, now=to_epoch_ms(now))
    transaction.run(
        "note_request", chat_jid=group["jid"], seq=max(seq, group["last_request_seq"]), now=to_epoch_ms(now)
    )
    add_texts(transaction, [] if reply is None else [reply], now)
    record_event(transaction, EventCode.GROUP_RETRY_ASKED, now, chat_jid=group["jid"], folder=folder, seq=seq)
    return True


def _has_failed(transaction: Transaction, group: Row) -> bool:
    """The last outcome was a failure, its texts are still there for the next prompt, and none runs them already.

    A failed request that waits for its next try is one, too: it is run now.
    """
    if transaction.row("find_live_run", folder=group["folder"]) is not None:
        return False
    if group["attempts"] > 0:
        return True
    if not group["carries_failure"]:
        return False
    return find_retriable(transaction, group["jid"], group["context_seq"], group["settled_seq"])
