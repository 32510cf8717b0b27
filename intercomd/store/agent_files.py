"""Files of agents: claimed under the lease before anything is done, settled with their answer."""

from __future__ import annotations

from datetime import datetime

from intercomd.domain.agent_files import ClaimedFile, FileClaim, ToolAnswer
from intercomd.domain.events import EventCode
from intercomd.domain.ids import Folder
from intercomd.domain.instants import to_epoch_ms
from intercomd.domain.leases import Fence
from intercomd.domain.text import clean, cut
from intercomd.store.engine import Database, Transaction
from intercomd.store.events import record_event
from intercomd.store.fencing import check_fence

_MOST_DETAIL_CHARACTERS = 300


class AgentFilesTable:
    """The `AgentFiles` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, fence: Fence, claim: FileClaim, now: datetime) -> ClaimedFile:
        return self._database.write(lambda transaction: _claim(transaction, fence, claim, now))

    def settle(self, key: str, answer: ToolAnswer, now: datetime) -> None:
        self._database.write(lambda transaction: _settle(transaction, key, answer, now))

    def record_refusal(self, folder: Folder, reason: str, now: datetime) -> None:
        self._database.write(lambda transaction: _record_refusal(transaction, folder, reason, now))

    def mark_effects(self, folder: Folder) -> None:
        self._database.write(lambda transaction: transaction.row("mark_run_effects", folder=folder))


def _claim(transaction: Transaction, fence: Fence, claim: FileClaim, now: datetime) -> ClaimedFile:
    check_fence(transaction, fence)
    known = _find(transaction, claim)
    if known is not None:
        return known
    run = transaction.row("mark_run_effects", folder=claim.folder)
    run_id = None if run is None else run["run_id"]
    added = transaction.row(
        "add_agent_file",
        key=claim.key,
        folder=claim.folder,
        digest=claim.digest,
        run_id=run_id,
        now=to_epoch_ms(now),
    )
    assert added is not None, "nobody else claims under this epoch"
    record_event(
        transaction,
        EventCode.TOOL_CALLED,
        now,
        chat_jid=None if run is None else run["chat_jid"],
        folder=claim.folder,
        run_id=run_id,
        detail=cut(clean(claim.tool), _MOST_DETAIL_CHARACTERS),
    )
    return ClaimedFile(run_id)


def _find(transaction: Transaction, claim: FileClaim) -> ClaimedFile | None:
    row = transaction.row("find_agent_file", key=claim.key)
    if row is None:
        return None
    answer = None if row["answer"] is None else ToolAnswer(bool(row["is_ok"]), row["answer"])
    return ClaimedFile(row["run_id"], is_repeat=True, is_other=row["digest"] != claim.digest, answer=answer)


def _settle(transaction: Transaction, key: str, answer: ToolAnswer, now: datetime) -> None:
    text = clean(answer.text)
    row = transaction.row("settle_agent_file", key=key, is_ok=int(answer.is_ok), answer=text)
    if row is None:
        return
    code = EventCode.TOOL_DONE if answer.is_ok else EventCode.TOOL_REFUSED
    detail = "" if answer.is_ok else cut(text, _MOST_DETAIL_CHARACTERS)
    record_event(transaction, code, now, folder=row["folder"], run_id=row["run_id"], detail=detail)


def _record_refusal(transaction: Transaction, folder: Folder, reason: str, now: datetime) -> None:
    run = transaction.row("find_live_run", folder=folder)
    record_event(
        transaction,
        EventCode.TOOL_REFUSED,
        now,
        chat_jid=None if run is None else run["chat_jid"],
        folder=folder,
        run_id=None if run is None else run["run_id"],
        detail=cut(clean(reason), _MOST_DETAIL_CHARACTERS),
    )
