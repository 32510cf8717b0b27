"""Why a message was answered, or not yet, or not at all: the recorded decisions, and where things stand.

Only what is stored is said, but for one thing that lives in memory: whether this process runs the agents at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from zoneinfo import ZoneInfo

from intercomd.clock import Clock
from intercomd.desk.why_tasks import TaskStandings, zone_of
from intercomd.desk.why_texts import local_instant, words_for
from intercomd.domain.chat import ChatMessage, GroupProgress, MessageKind
from intercomd.domain.events import EventCode
from intercomd.domain.ids import ChatJid, OutboxId, Seq, TaskId
from intercomd.domain.markdown import plain
from intercomd.domain.outbox import OutboxRow, OutboxState
from intercomd.domain.runs import Outcome, RunRecord
from intercomd.domain.task_texts import parse_reference
from intercomd.domain.text import cut
from intercomd.errors import InvalidInput, NotFound
from intercomd.store.event_ports import EventRow
from intercomd.store.ports import Store
from intercomd.store.why_ports import MessageChain

_SHOWN_TEXT = 60
_TASK_EVENTS = 50
_STEPS_IN_CHAT = 12
_SUBJECTS = "JID#SEQ (a message), FOLDER/NUMBER or an id (a task), or a chat's JID or folder (its newest message)"
_SAID_BY_THE_FIRE = (EventCode.RUN_ENDED, EventCode.RUN_RETRY, EventCode.RUN_GAVE_UP, EventCode.RUN_PENDING)
"""What the end of a task's run means, its fire's event says better."""


@dataclass(frozen=True, slots=True)
class Step:
    """One recorded decision; `code` is stable, `text` for people."""

    at: datetime
    code: str
    run_id: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """`standing` says in one sentence how things stand now, `steps` what led there, oldest first."""

    subject: str
    standing: str
    steps: tuple[Step, ...]


class WhyDesk:
    """`idle_reason` says why this process runs no agents; None when it does. `has_scheduler`: tasks fire then. Instants
    are shown in `zone`, those of a task in its own."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        zone: ZoneInfo,
        idle_reason: Callable[[], str | None],
        *,
        has_scheduler: bool,
    ) -> None:
        self._store = store
        self._clock = clock
        self._zone = zone
        self._idle_reason = idle_reason
        self._tasks = TaskStandings(store, clock, idle_reason, has_scheduler=has_scheduler)

    def explain(self, subject: str) -> Explanation:
        """Explain a message (`JID#SEQ`), a task (`FOLDER/NUMBER` or its id) or a chat (its JID or folder: the newest
        message in it).

        Raises `NotFound`, and `InvalidInput` for a text that can be none of them.
        """
        jid, mark, seq = subject.rpartition("#")
        if mark:
            if not seq.isascii() or not seq.isdigit():
                raise InvalidInput("subject", f"{subject[:80]!r} is no message; allowed are {_SUBJECTS}")
            return self.explain_message(ChatJid(jid), Seq(int(seq)))
        if ":" in subject or "@" in subject:
            return self.explain_chat(ChatJid(subject))
        for group in self._store.groups.list_all():
            if group.folder == subject:
                return self.explain_chat(group.jid)
        return self._explain_task(subject)

    def explain_chat(self, chat_jid: ChatJid, before: Seq | None = None) -> Explanation:
        """The newest message of people in the chat, before `before` when given. Raises `NotFound`."""
        seq = self._store.chains.find_newest_of_people(chat_jid, before)
        if seq is None:
            raise NotFound(f"nobody has written in the chat {chat_jid}")
        return self.explain_message(chat_jid, seq)

    def chat_text(self, chat_jid: ChatJid, before: Seq | None) -> str:
        """The answer of `/why`, written at `before`: about the message that came before it, in Markdown."""
        try:
            found = self.explain_chat(chat_jid, before)
        except NotFound:
            return "Nobody has written anything here yet."
        steps = (f"{step.at.astimezone(self._zone):%H:%M:%S} {step.text}" for step in found.steps[-_STEPS_IN_CHAT:])
        return plain("\n".join((found.standing, "", found.subject, *steps)))

    def explain_message(self, chat_jid: ChatJid, seq: Seq) -> Explanation:
        """Raises `NotFound`."""
        found = self._store.chains.of_message(chat_jid, seq)
        message = found.message
        answer = None
        if message.kind is MessageKind.COMMAND:
            answer = self._store.chains.find_text(OutboxId(f"cmd:{chat_jid}:{seq}"))
        progress = self._store.groups.find_by_jid(chat_jid)
        steps = tuple(_steps(chain(found.events, *(run.events for run in found.runs)), self._zone))
        subject = f"{chat_jid}#{seq} “{_beginning(message.content)}” by {message.sender_name}"
        return Explanation(subject, self._standing(found, progress, answer), steps)

    def explain_task(self, task_id: TaskId) -> Explanation:
        """Raises `NotFound` for a task that never was; a removed one is explained while its events are kept."""
        events = self._store.events.list_of_task(task_id, _TASK_EVENTS)
        told = [event for event in reversed(events) if event.code not in _SAID_BY_THE_FIRE]
        try:
            task = self._store.tasks.get(task_id)
        except NotFound:
            if not events:
                raise NotFound(f"no task and no group is called {task_id}; allowed are {_SUBJECTS}") from None
            return Explanation(f"task {task_id}", "It was removed.", tuple(_steps(told, self._zone)))
        subject = f"task {task.group_folder}/{task.number} “{_beginning(task.prompt)}” ({task_id})"
        zone = zone_of(task, self._zone)
        return Explanation(subject, self._tasks.tell(task, zone), tuple(_steps(told, zone)))

    def _explain_task(self, subject: str) -> Explanation:
        reference = parse_reference(subject)
        if reference is not None and reference.folder is not None:
            task = self._store.tasks.find_by_number(reference.folder, reference.number)
            if task is not None:
                return self.explain_task(task.task_id)
        return self.explain_task(TaskId(subject))

    # -- where a message stands ----------------------------------------------------------------------

    def _standing(self, found: MessageChain, progress: GroupProgress | None, answer: OutboxRow | None) -> str:
        message = found.message
        match message.kind:
            case MessageKind.BOT:
                return "It was written by an assistant, and is nobody's request."
            case MessageKind.COMMAND if answer is None:
                return "It is a command that waits for its answer."
            case MessageKind.COMMAND:
                return f"It is a command; {self._delivery([answer])}."
            case MessageKind.CONTEXT:
                return self._context_standing(found)
            case MessageKind.REQUEST:
                return self._request_standing(found, progress)

    def _context_standing(self, found: MessageChain) -> str:
        code = found.events[0].code if found.events else EventCode.MESSAGE_CONTEXT
        why = words_for(code, "", self._zone).partition(": ")[2] or "it does not call the assistant"
        shown = [run.run.run_id for run in found.runs if run.is_given]
        seen = f" Run {shown[0]} has seen it." if shown else ""
        return f"It asks for no answer: {why}.{seen}"

    def _request_standing(self, found: MessageChain, progress: GroupProgress | None) -> str:
        last = found.runs[-1] if found.runs else None
        is_settled = progress is not None and progress.settled_seq >= found.message.seq
        if last is not None and last.run.is_live and not is_settled:
            return f"Run {last.run.run_id} has been at work on it since {self._show(last.run.opened_at)}."
        if progress is None:
            return "It has no answer, and its chat is no registered group any more."
        if progress.settled_seq < found.message.seq:
            return self._waiting(found.message, progress, None if last is None else last.run)
        if last is None:
            return "It was settled without a run: the chat was registered, or a command ended the wait, after it."
        left_out = "" if last.is_given else " The limits of a prompt left its text out."
        listens = " Its agent waits for more." if last.run.is_live else ""
        return self._outcome(last.run, last.events, last.texts) + left_out + listens

    def _outcome(self, run: RunRecord, events: Sequence[EventRow], texts: Sequence[OutboxRow]) -> str:
        codes = {event.code for event in events}
        if run.outcome is Outcome.STOPPED and not texts:
            return f"Run {run.run_id} was stopped by a command."
        if EventCode.RUN_GAVE_UP in codes:
            return f"Run {run.run_id} failed ({run.error}) and is not tried again; {self._delivery(texts)}."
        if texts:
            return f"Run {run.run_id} answered it; {self._delivery(texts)}."
        return f"The agent of run {run.run_id} had nothing to say to it."

    def _waiting(self, message: ChatMessage, progress: GroupProgress, last: RunRecord | None) -> str:
        now = self._clock.now()
        tried = ""
        if last is not None:
            tried = f"Run {last.run_id} ended without an answer ({last.error or last.outcome}). "
        if progress.not_before is not None and progress.not_before > now:
            return f"{tried}The next try is at {self._show(progress.not_before)}, or at once with /retry."
        idle_reason = self._idle_reason()
        if idle_reason is not None:
            return f"{tried}It waits, since nothing runs at present: {idle_reason}."
        live = self._store.runs.list_live(progress.group.folder)
        if live:
            return f"{tried}It waits for the group's run {live[0].run_id} to take it up or to end."
        since = progress.waiting_since or message.stored_at
        before = self._store.chains.count_waiting_before(since, now)
        overtakers = self._store.chains.count_runs_between(message.stored_at, now, progress.group.folder)
        groups = "1 other group" if before == 1 else f"{before} other groups"
        return f"{tried}It waits for a slot behind {groups}; runs of others since it was stored: {overtakers}."

    def _delivery(self, texts: Sequence[OutboxRow | None]) -> str:
        """How far the texts have come; the worst is told."""
        rows = [text for text in texts if text is not None]
        for state, (one, many) in _DELIVERY.items():
            hit = [text for text in rows if text.state is state]
            if hit:
                why = f": {hit[0].error}" if hit[0].error else ""
                return f"its text {one}{why}" if len(rows) == 1 else f"{len(hit)} of its {len(rows)} texts {many}{why}"
        return "there was no text to deliver"

    def _show(self, instant: datetime) -> str:
        return local_instant(instant, self._zone)


_DELIVERY = {
    OutboxState.FAILED: ("could not be delivered", "could not be delivered"),
    OutboxState.UNKNOWN: ("may or may not have arrived", "may or may not have arrived"),
    OutboxState.PENDING: ("waits for delivery", "wait for delivery"),
    OutboxState.SENDING: ("is being delivered", "are being delivered"),
    OutboxState.SENT: ("was delivered", "were delivered"),
}
"""Of one text and of several; the worst first."""


def _beginning(text: str) -> str:
    return cut(" ".join(text.split()), _SHOWN_TEXT)


def _steps(events: Iterable[EventRow], zone: ZoneInfo) -> Iterator[Step]:
    for event in sorted(events, key=lambda event: event.at):
        yield Step(event.at, event.code, event.run_id, words_for(event.code, event.detail, zone))
