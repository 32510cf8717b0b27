"""One run: drives one agent in one sandbox and records what it says, frame by frame.

Owns:      the sandbox; which inputs were handed over and answered; the run's deadlines.
Never:     decides whether to try again (the store does, when the run ends), sends a text itself.
Talks to:  GroupQueue (hint), Outbox (hint), SessionStore (hint), a channel (hint, live text only).

A run of a task takes no follow-ups and is closed as soon as its turn has ended (hazard B-80).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta

from intercomd.actors.live_text import LiveReply
from intercomd.actors.run_parts import Launched, RunParts
from intercomd.domain.endings import CUT_OFF_NOTICE, SESSION_LOST_NOTICE
from intercomd.domain.events import EventCode
from intercomd.domain.frames import Announcement, Frame, TextDelta, ToolStarted, TurnEnded
from intercomd.domain.ids import InputId
from intercomd.domain.mailbox import (
    CheckDeadline,
    CloseSandbox,
    FollowUpReady,
    FrameRead,
    Heartbeat,
    KillSandbox,
    LiveText,
    OutboxFilled,
    RunBusy,
    RunFinished,
    RunIdle,
    SandboxEnded,
    StartSandbox,
    VerifyRun,
)
from intercomd.domain.prompt import render_prompt
from intercomd.domain.runs import Ending, OpenedRun, Outcome
from intercomd.domain.text import cut, split_parts
from intercomd.domain.turns import Step, Turns, after
from intercomd.errors import ActorUnavailable, FenceLost, SandboxError, SetupNeeded, StoreUnavailable
from intercomd.logs import EventLog
from intercomd.store.ports import FrameWrite
from intercomd.supervision.port import Address, Context, ExitReason, TimerHandle

_KILL_WAIT = timedelta(seconds=2)
_CLOSE_WAIT = timedelta(seconds=10)
"""How long an agent may take to end after the close sentinel."""
_KILL_RECHECK = timedelta(seconds=1)
"""How often a run that was killed looks whether its sandbox is gone, should nobody have told it."""
_ERROR_LIMIT = 500
_BREAKS_OFF = (Outcome.FAILED, Outcome.TIMED_OUT, Outcome.DRAINED)
"""Outcomes after which a turn that had said something will say no more."""
_log = EventLog("run")


@dataclass(frozen=True, slots=True)
class _Verdict:
    """How a run ended. `cause` is in our own words and may be logged; `error` may hold what the agent said, and `words`
    what it said for people."""

    outcome: Outcome
    cause: str | None
    error: str | None = None
    words: str | None = None


class _ToMailbox:
    """Carries what the sandbox's reader sees into the run's mailbox; after the run's end nobody listens."""

    def __init__(self, address: Address) -> None:
        self._address = address

    def frame(self, number: int, frame: Frame, size_bytes: int) -> None:
        self._send(FrameRead(number, frame, size_bytes))

    def ended(self, exit_code: int | None, signal: int | None, error_tail: str) -> None:
        self._send(SandboxEnded(exit_code, signal, error_tail))

    def _send(self, item: object) -> None:
        try:
            self._address.tell(item)
        except ActorUnavailable:
            _log.debug("run.nobody_listens", item=type(item).__name__)


class Run:
    """See the module's text. Handlers write to the store first and change their own state after, so that an item which
    was parked while the store was away can be handled again."""

    def __init__(self, opened: OpenedRun, parts: RunParts, queue: Address, context: Context) -> None:
        self._opened = opened
        self._parts = parts
        self._queue = queue
        self._context = context
        self._turns = Turns((opened.prompt.input_id,))
        self._launched: Launched | None = None
        self._has_ended = False
        self._is_settled = False
        self._is_closing = False
        self._wants_follow_up = False
        self._next_input_id = InputId(parts.new_id("i"))
        self._verdict: _Verdict | None = None
        self._quiet_since = parts.clock.monotonic()
        self._deadline_timer: TimerHandle | None = None
        self._last_frame = 0
        self._live = LiveReply()

    def handle(self, item: object) -> object:
        match item:
            case StartSandbox():
                self._start()
            case FrameRead():
                self._on_frame(item)
            case SandboxEnded():
                self._on_ended(item)
            case FollowUpReady():
                self._follow_up()
            case CloseSandbox():
                if self._turns.is_idle:
                    self._close()
            case KillSandbox(outcome, reason):
                self._kill(outcome, reason)
            case VerifyRun():
                if not self._parts.runs.get(self._opened.run_id).is_live:
                    self._kill(Outcome.STOPPED, "superseded")
            case CheckDeadline():
                self._check_deadline()
            case Heartbeat():
                return "ok"
            case _:
                raise TypeError(f"Run does not take {item!r}")
        return None

    def on_stop(self, reason: ExitReason) -> None:
        """Nothing of the sandbox outlives its run, however the run ends."""
        if self._launched is not None and not self._has_ended:
            self._launched.sandbox.kill()
            self._launched.sandbox.wait(_KILL_WAIT)
        if not self._is_settled:
            outcome = Outcome.DRAINED if reason is ExitReason.SHUTDOWN else Outcome.ORPHANED
            try:
                self._settle(_Verdict(outcome, f"the run's actor ended: {reason}"))
            except StoreUnavailable:
                _log.warning("run.not_settled", run_id=self._opened.run_id, reason=reason)

    # -- the sandbox ----------------------------------------------------------------------------------

    def _start(self) -> None:
        run_id = self._opened.run_id
        if self._launched is None:
            try:
                self._check_lease()
                self._launched = self._parts.launcher.launch(self._opened, _ToMailbox(self._context.address))
            except FenceLost as error:
                self._finish(_Verdict(Outcome.ORPHANED, str(error)))
                return
            except SetupNeeded as error:
                _log.error("run.setup_needed", run_id=run_id, folder=self._opened.group.folder, error=error)
                self._finish(_Verdict(Outcome.REFUSED, "a person has to change something", str(error)))
                return
            except SandboxError as error:
                _log.error("run.no_sandbox", run_id=run_id, folder=self._opened.group.folder, error=error)
                self._finish(_Verdict(Outcome.FAILED, "no sandbox", str(error)))
                return
            self._quiet_since = self._parts.clock.monotonic()
            self._arm()
        launched = self._launched
        recorded = self._parts.runs.record_start(
            run_id,
            launched.sandbox.identity,
            launched.log_path,
            launched.runtime,
            launched.model,
            self._parts.clock.now(),
        )
        if recorded.is_superseded:
            self._kill(Outcome.STOPPED, "cancelled before it started")
        _log.info(
            "run.started",
            run_id=run_id,
            folder=self._opened.group.folder,
            pid=launched.sandbox.identity.pid,
            runtime=launched.runtime,
        )

    def _check_lease(self) -> None:
        """A process that stood still may have been replaced since the run was opened."""
        fence = self._parts.dispatch_lease.fence()
        if fence.epoch != self._opened.epoch:
            raise FenceLost(f"run {self._opened.run_id} is of epoch {self._opened.epoch}, the lease of {fence.epoch}")

    def _kill(self, outcome: Outcome, reason: str) -> None:
        if self._verdict is None:
            self._verdict = _Verdict(outcome, reason)
        if self._launched is not None:
            self._launched.sandbox.kill()
            self._arm()

    def _close(self) -> None:
        if self._launched is not None and not self._is_closing:
            self._is_closing = True
            self._quiet_since = self._parts.clock.monotonic()
            self._launched.sandbox.close_input()
            self._arm()

    def _follow_up(self) -> None:
        if self._launched is None or self._is_closing or self._verdict is not None or self._has_ended:
            return
        if not self._turns.takes_follow_ups:
            self._wants_follow_up = True
            return
        given = self._parts.runs.open_follow_up(
            self._opened.run_id, self._next_input_id, self._parts.limits, self._parts.clock.now()
        )
        if given is None:
            return
        try:
            self._launched.sandbox.follow_up(given.input_id, render_prompt(given.messages, given.omitted))
        except SandboxError as error:
            self._kill(Outcome.FAILED, str(error))
            return
        self._turns = self._turns.with_input(given.input_id)
        self._next_input_id = InputId(self._parts.new_id("i"))
        self._quiet_since = self._parts.clock.monotonic()
        self._arm()
        _log.debug("run.follow_up", run_id=self._opened.run_id, folder=self._opened.group.folder)
        self._queue.hint(RunBusy(self._opened.run_id, given.input_id))

    # -- frames ---------------------------------------------------------------------------------------

    def _on_frame(self, read: FrameRead) -> None:
        step = after(self._turns, read.frame)
        if step.is_worth_recording and not self._record(read.number, step):
            self._kill(Outcome.STOPPED, "superseded")
        self._turns = step.turns
        self._last_frame = read.number
        if not self._is_closing:
            self._quiet_since = self._parts.clock.monotonic()
        if self._launched is not None:
            self._launched.sandbox.release(read.size_bytes)
        if step.reply is not None or _notice_for(step) is not None:
            self._parts.outbox.hint(OutboxFilled())
        self._show(read.frame)
        if isinstance(read.frame, Announcement) and self._wants_follow_up:
            self._wants_follow_up = False
            self._context.address.hint(FollowUpReady())
        if isinstance(read.frame, TurnEnded) and read.frame.usage is not None:
            _log.info("run.usage", run_id=self._opened.run_id, **asdict(read.frame.usage))
        if self._turns.is_idle and isinstance(read.frame, TurnEnded):
            self._on_idle()

    def _record(self, number: int, step: Step) -> bool:
        opened = self._opened
        write = FrameWrite(
            run_id=opened.run_id,
            frame=number,
            generation=opened.generation,
            replies=split_parts(step.reply, self._parts.part_limit) if step.reply else (),
            settles=step.settles,
            session_id=step.new_session_id,
            notice=_notice_for(step),
            event=_event_for(step),
            lost_session=step.lost_session,
        )
        recorded = self._parts.runs.record_frame(write, self._parts.clock.now())
        _log.debug("run.recorded", run_id=opened.run_id, folder=opened.group.folder, frame=number)
        return not recorded.is_superseded

    def _on_idle(self) -> None:
        _log.debug("run.idle", run_id=self._opened.run_id, folder=self._opened.group.folder)
        self._queue.hint(RunIdle(self._opened.run_id))
        if self._turns.takes_follow_ups and self._opened.task is None:
            self._arm()
        else:
            self._close()

    def _show(self, frame: Frame) -> None:
        shown = self._live.after(frame)
        if shown is not None:
            self._hint_live(shown, frame.tool if isinstance(frame, ToolStarted) else None)
        elif not isinstance(frame, TextDelta | ToolStarted | Announcement):
            self._hint_live("", None)

    def _hint_live(self, text: str, tool: str | None) -> None:
        chat_jid = self._opened.group.jid
        channel = self._parts.channel_of(chat_jid)
        if channel is not None:
            channel.hint(LiveText(chat_jid, self._opened.run_id, text, tool))

    # -- deadlines ------------------------------------------------------------------------------------

    def _allowed_quiet(self) -> timedelta:
        if self._is_closing:
            return _CLOSE_WAIT
        return self._parts.times.idle if self._turns.is_idle else self._silence

    @property
    def _silence(self) -> timedelta:
        own = None if self._launched is None else self._launched.silence
        return own or self._parts.times.run

    def _arm(self) -> None:
        if self._deadline_timer is not None:
            self._deadline_timer.cancel()
        quiet = timedelta(seconds=self._parts.clock.monotonic() - self._quiet_since)
        rest = _KILL_RECHECK if self._verdict is not None else max(self._allowed_quiet() - quiet, timedelta(0))
        self._deadline_timer = self._context.timers.after(rest, CheckDeadline())

    def _check_deadline(self) -> None:
        if self._has_ended or self._launched is None:
            return
        if self._launched.sandbox.wait(timedelta(0)):
            # Its last word was lost on the way: the reader is gone, so nothing more will come.
            self._on_ended(SandboxEnded(None, None, ""))
            return
        if self._verdict is not None:
            self._arm()
            return
        quiet = self._parts.clock.monotonic() - self._quiet_since
        if quiet < self._allowed_quiet().total_seconds():
            self._arm()
        elif self._is_closing:
            self._kill(Outcome.SUCCEEDED, "it did not end after the close sentinel")
        elif self._turns.is_idle:
            self._close()
        else:
            self._kill(Outcome.TIMED_OUT, f"no answer within {self._silence.total_seconds():g} s")

    # -- the end --------------------------------------------------------------------------------------

    def _on_ended(self, ended: SandboxEnded) -> None:
        self._has_ended = True
        verdict = self._verdict or self._judge(ended)
        if verdict.outcome in _BREAKS_OFF and self._is_reply_cut_off:
            self._record(self._last_frame + 1, Step(self._turns, wants_notice=True))
            self._parts.outbox.hint(OutboxFilled())
        self._finish(verdict)

    @property
    def _is_reply_cut_off(self) -> bool:
        """Something was said in a turn that did not end, by an agent that says when its turns end."""
        turns = self._turns
        return turns.takes_follow_ups and turns.has_replied_in_turn and turns.failure is None and not turns.open_inputs

    def _judge(self, ended: SandboxEnded) -> _Verdict:
        """What an end that nobody asked for means."""
        tail = cut(ended.error_tail.strip(), _ERROR_LIMIT)
        if self._turns.failure is not None:
            failure = self._turns.failure
            outcome = Outcome.REFUSED if failure.is_final else Outcome.FAILED
            error = cut(failure.notice or failure.error, _ERROR_LIMIT)
            return _Verdict(outcome, "the agent reported an error", error, error if failure.notice else None)
        if ended.exit_code != 0:
            how = f"exited with code {ended.exit_code}" if ended.signal is None else f"died of signal {ended.signal}"
            return _Verdict(Outcome.FAILED, f"the agent {how}", f"the agent {how}: {tail}")
        if self._turns.open_inputs and not self._turns.answered:
            return _Verdict(Outcome.FAILED, "the agent ended without an answer")
        return _Verdict(Outcome.SUCCEEDED, None)

    def _finish(self, verdict: _Verdict) -> None:
        self._settle(verdict)
        self._hint_live("", None)
        self._queue.hint(RunFinished(self._opened.run_id))
        self._context.exit()

    def _settle(self, verdict: _Verdict) -> None:
        run_id, outcome = self._opened.run_id, verdict.outcome
        error = verdict.error or verdict.cause
        self._parts.note_effects(self._opened.group.folder)
        now = self._parts.clock.now()
        ending = self._parts.runs.end_run(run_id, outcome, error, self._parts.retry, now, verdict.words)
        self._is_settled = True
        if ending.ending is Ending.GAVE_UP or outcome is Outcome.FAILED:
            self._parts.outbox.hint(OutboxFilled())
        report = _log.info if outcome in (Outcome.SUCCEEDED, Outcome.STOPPED, Outcome.DRAINED) else _log.warning
        report(
            "run.ended",
            run_id=run_id,
            folder=self._opened.group.folder,
            outcome=outcome,
            ending=ending.ending,
            retry_at=ending.retry_at,
            cause=verdict.cause,
        )


def _notice_for(step: Step) -> str | None:
    if step.lost_session is not None:
        return SESSION_LOST_NOTICE
    return CUT_OFF_NOTICE if step.wants_notice else None


def _event_for(step: Step) -> EventCode | None:
    """Why a frame that was recorded said nothing; a reply speaks for itself."""
    if step.lost_session is not None:
        return EventCode.SESSION_FORGOTTEN
    if step.wants_notice:
        return EventCode.RUN_FRAME_FAILED
    return EventCode.RUN_SILENT if step.settles and step.reply is None else None
