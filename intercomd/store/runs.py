"""Runs: opened with their inputs in one fenced transaction, and what becomes of them."""

from __future__ import annotations

from datetime import datetime, timedelta

from intercomd.domain.events import EventCode
from intercomd.domain.ids import Epoch, Folder, Generation, InputId, RunId, Seq
from intercomd.domain.instants import to_epoch_ms
from intercomd.domain.leases import Fence
from intercomd.domain.runs import OpenedRun, Outcome, ProcessIdentity, PromptInput, Recorded, RunEnding, RunRecord
from intercomd.errors import NotFound, StoreConflict
from intercomd.store.carry_over import load_carried
from intercomd.store.engine import Database, Row, Transaction
from intercomd.store.events import record_event
from intercomd.store.fencing import check_fence
from intercomd.store.ports import FrameWrite, InputLimits, RetryPolicy
from intercomd.store.rows import group_of, run_of
from intercomd.store.run_endings import end_run
from intercomd.store.run_frames import record_frame
from intercomd.store.run_inputs import SeqRange, gather_input, load_input, store_input
from intercomd.store.task_runs import TaskRunRequest, open_task_run


class RunsTable:
    """The `Runs` port."""

    def __init__(self, database: Database, retry: RetryPolicy) -> None:
        self._database = database
        self._longest_wait = retry.longest_wait

    def open_run(
        self, fence: Fence, folder: Folder, run_id: RunId, input_id: InputId, limits: InputLimits, now: datetime
    ) -> OpenedRun | None:
        def work(transaction: Transaction) -> OpenedRun | None:
            check_fence(transaction, fence)
            group = transaction.row("lock_group", folder=folder)
            if group is None:
                raise NotFound(f"no group has the folder {folder}")
            known = transaction.row("find_run", run_id=run_id)
            if known is not None:
                prompt = load_input(transaction, known["chat_jid"], _inputs(transaction, run_id)[0])
                return _opened(transaction, group, known, prompt)
            if not _is_ready(group, now, self._longest_wait):
                return None
            return _open(transaction, fence, group, run_id, input_id, limits, now)

        return self._database.write(work)

    def open_task_run(
        self, fence: Fence, folder: Folder, run_id: RunId, input_id: InputId, now: datetime
    ) -> OpenedRun | None:
        request = TaskRunRequest(
            fence=fence, run_id=run_id, input_id=input_id, longest_wait=self._longest_wait, now=now
        )

        def work(transaction: Transaction) -> OpenedRun | None:
            check_fence(transaction, fence)
            group = transaction.row("lock_group", folder=folder)
            if group is None:
                raise NotFound(f"no group has the folder {folder}")
            return open_task_run(transaction, group, request)

        return self._database.write(work)

    def record_start(
        self, run_id: RunId, identity: ProcessIdentity, log_path: str, runtime: str, model: str | None, now: datetime
    ) -> Recorded:
        started = self._database.write(
            lambda transaction: transaction.row(
                "record_start",
                run_id=run_id,
                engine=identity.engine,
                sandbox_name=identity.name,
                pid=identity.pid,
                start_ticks=identity.start_ticks,
                log_path=log_path,
                runtime=runtime,
                model=model,
                now=to_epoch_ms(now),
            )
        )
        return Recorded(is_superseded=started is None)

    def open_follow_up(
        self, run_id: RunId, input_id: InputId, limits: InputLimits, now: datetime
    ) -> PromptInput | None:
        return self._database.write(lambda transaction: _open_follow_up(transaction, run_id, input_id, limits, now))

    def record_frame(self, write: FrameWrite, now: datetime) -> Recorded:
        return self._database.write(lambda transaction: record_frame(transaction, write, now))

    def end_run(
        self,
        run_id: RunId,
        outcome: Outcome,
        error: str | None,
        policy: RetryPolicy,
        now: datetime,
        words: str | None = None,
    ) -> RunEnding:
        return self._database.write(
            lambda transaction: end_run(transaction, run_id, outcome, error, policy, now, words)
        )

    def list_live(self, folder: Folder | None = None) -> list[RunRecord]:
        if folder is None:
            rows = self._database.rows("list_live_runs")
        else:
            rows = self._database.rows("list_live_runs_of_folder", folder=folder)
        return [run_of(row) for row in rows]

    def list_recent(self, folder: Folder | None, limit: int) -> list[RunRecord]:
        if folder is None:
            rows = self._database.rows("list_recent_runs", limit=limit)
        else:
            rows = self._database.rows("list_recent_runs_of_folder", folder=folder, limit=limit)
        return [run_of(row) for row in rows]

    def get(self, run_id: RunId) -> RunRecord:
        row = self._database.row("find_run", run_id=run_id)
        if row is None:
            raise NotFound(f"no run has the id {run_id}")
        return run_of(row)


def _is_ready(group: Row, now: datetime, longest_wait: timedelta) -> bool:
    """As the query `find_ready`, of a locked row."""
    is_waiting = to_epoch_ms(now) < group["not_before"] <= to_epoch_ms(now + longest_wait)
    return bool(group["last_request_seq"] > group["settled_seq"] and not is_waiting)


def _open(
    transaction: Transaction,
    fence: Fence,
    group: Row,
    run_id: RunId,
    input_id: InputId,
    limits: InputLimits,
    now: datetime,
) -> OpenedRun:
    live = transaction.row("find_live_run", folder=group["folder"])
    if live is not None:
        raise StoreConflict(f"group {group['folder']} has the live run {live['run_id']}")
    run = {
        "run_id": run_id,
        "folder": group["folder"],
        "chat_jid": group["jid"],
        "epoch": fence.epoch,
        "generation": group["generation"],
        "attempt": group["attempts"] + 1,
    }
    span = SeqRange(group["jid"], Seq(group["context_seq"]), _newest_seq(group))
    prompt = gather_input(transaction, input_id, span, limits)
    transaction.run("add_run", **run, now=to_epoch_ms(now))
    store_input(transaction, run_id, prompt)
    _record_event(transaction, EventCode.RUN_OPENED, run, prompt, now)
    return _opened(transaction, group, run, prompt)


def _newest_seq(group: Row) -> Seq:
    """`last_seq` was read with the group's lock still waited for, `last_request_seq` with the lock held."""
    return Seq(max(group["last_seq"], group["last_request_seq"]))


def _opened(transaction: Transaction, group: Row, run: Row, prompt: PromptInput) -> OpenedRun:
    return OpenedRun(
        run["run_id"],
        group_of(group),
        Epoch(run["epoch"]),
        Generation(run["generation"]),
        run["attempt"],
        prompt,
        group["session_id"],
        carried=load_carried(transaction, group, prompt),
    )


def _open_follow_up(
    transaction: Transaction, run_id: RunId, input_id: InputId, limits: InputLimits, now: datetime
) -> PromptInput | None:
    run = transaction.row("lock_run", run_id=run_id)
    if run is None:
        raise NotFound(f"no run has the id {run_id}")
    inputs = _inputs(transaction, run_id)
    for row in inputs:
        if row["input_id"] == input_id:
            return load_input(transaction, run["chat_jid"], row)
    is_live = run["outcome"] is None and run["group_generation"] == run["generation"]
    takes_requests = is_live and run["task_id"] is None
    after = Seq(inputs[-1]["up_to_seq"])
    if not takes_requests or run["last_request_seq"] <= after:
        return None
    chat = transaction.row("find_last_seq", chat_jid=run["chat_jid"])
    assert chat is not None
    prompt = gather_input(transaction, input_id, SeqRange(run["chat_jid"], after, chat["last_seq"]), limits)
    if not prompt.messages:
        return None
    store_input(transaction, run_id, prompt)
    _record_event(transaction, EventCode.RUN_FOLLOW_UP, run, prompt, now)
    return prompt


def _inputs(transaction: Transaction, run_id: RunId) -> list[Row]:
    return transaction.rows("list_inputs", run_id=run_id)


def _record_event(transaction: Transaction, code: EventCode, run: Row, prompt: PromptInput, now: datetime) -> None:
    record_event(
        transaction,
        code,
        now,
        chat_jid=run["chat_jid"],
        folder=run["folder"],
        run_id=run["run_id"],
        seq=prompt.up_to_seq,
        detail=_in_words(prompt),
    )


def _in_words(prompt: PromptInput) -> str:
    count = len(prompt.messages)
    left_out = f", {prompt.omitted} left out" if prompt.omitted else ""
    return f"{count} message{'' if count == 1 else 's'}{left_out}"
