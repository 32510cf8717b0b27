"""A small household to write tests about: people in a chat, a group, a run, all on a clock that stands still."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from intercomd.domain.chat import Group, GroupProgress, IncomingMessage, Ingested
from intercomd.domain.events import EventCode
from intercomd.domain.ids import ChatJid, DutyName, Folder, Generation, InputId, OutboxId, RunId, Seq
from intercomd.domain.leases import DISPATCH, Fence, Holder, delivery_duty
from intercomd.domain.outbox import NewText, OutboxRow, TextKind
from intercomd.domain.runs import OpenedRun, Outcome, Recorded, RunEnding
from intercomd.store.ports import FrameWrite, InputLimits, RetryPolicy, Store

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
KITCHEN = ChatJid("local:kitchen")
COOKS = Folder("cooks")
HOLDER = Holder("boot-1", 100, 1)
OTHER = Holder("boot-2", 200, 2)
RUN = RunId("run-1")
PROMPT = InputId("input-1")
ONE_RETRY = RetryPolicy((timedelta(seconds=5),))


def message(
    external_id: str,
    content: str = "hello",
    *,
    chat_jid: ChatJid = KITCHEN,
    sent_at: datetime = NOON,
    is_bot: bool = False,
) -> IncomingMessage:
    """What a channel hands over."""
    return IncomingMessage(chat_jid, external_id, "u1", "Uma", content, sent_at, is_bot=is_bot)


def reply(key: str, chat_jid: ChatJid = KITCHEN) -> NewText:
    """A text for the outbox."""
    return NewText(OutboxId(key), chat_jid, TextKind.COMMAND, f"text of {key}")


class Household:
    """Short forms of the store's methods, with the group `cooks` registered for the chat `local:kitchen`."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now = NOON
        self.register(COOKS, KITCHEN)
        self.dispatch = self._own(DISPATCH)
        self.delivery = self._own(delivery_duty("local"))

    def _own(self, duty: DutyName) -> Fence:
        epoch = self.store.leases.take(duty, None, HOLDER)
        assert epoch is not None, f"the lease of {duty} was not free"
        return Fence(duty, epoch)

    def register(self, folder: Folder, chat_jid: ChatJid, *, requires_trigger: bool = False) -> Group:
        group = Group(chat_jid, f"Group {folder}", folder, requires_trigger=requires_trigger)
        return self.store.groups.add(group, self.now)

    def say(self, external_id: str, content: str = "hello", *, chat_jid: ChatJid = KITCHEN) -> Ingested:
        return self.store.chats.ingest(message(external_id, content, chat_jid=chat_jid), self.now)

    def open(
        self,
        run_id: RunId = RUN,
        *,
        folder: Folder = COOKS,
        input_id: InputId = PROMPT,
        limits: InputLimits | None = None,
    ) -> OpenedRun:
        opened = self.store.runs.open_run(self.dispatch, folder, run_id, input_id, limits or InputLimits(), self.now)
        assert opened is not None, "nothing was pending"
        return opened

    def record(
        self,
        run_id: RunId = RUN,
        *,
        frame: int = 0,
        replies: tuple[str, ...] = (),
        settles: tuple[InputId, ...] = (),
        session_id: str | None = None,
        generation: int = 0,
        notice: str | None = None,
    ) -> Recorded:
        write = FrameWrite(run_id, frame, Generation(generation), replies, settles, session_id, notice=notice)
        return self.store.runs.record_frame(write, self.now)

    def record_lost(self, session_id: str, *, frame: int) -> Recorded:
        """The agent of the run does not know this session."""
        code = EventCode.SESSION_FORGOTTEN
        write = FrameWrite(RUN, frame, Generation(0), notice="afresh", event=code, lost_session=session_id)
        return self.store.runs.record_frame(write, self.now)

    def end(
        self, run_id: RunId = RUN, outcome: Outcome = Outcome.SUCCEEDED, policy: RetryPolicy = ONE_RETRY
    ) -> RunEnding:
        return self.store.runs.end_run(run_id, outcome, None, policy, self.now)

    def claim(self, limit: int = 50) -> list[OutboxRow]:
        return self.store.outbox.claim(self.delivery, "local", self.now, limit)

    def fail_for_good(self, number: int) -> None:
        """A run of everything pending that fails with its last try."""
        run_id = RunId(f"failing-{number}")
        self.open(run_id, input_id=InputId(f"failing-input-{number}"))
        self.end(run_id, Outcome.FAILED, RetryPolicy(()))

    def progress(self, folder: Folder = COOKS) -> GroupProgress:
        return self.store.groups.get(folder)

    def contents(self, chat_jid: ChatJid = KITCHEN) -> list[str]:
        return [stored.content for stored in self.store.chats.history(chat_jid, Seq(0), 100_000)]


class HouseClock:
    """The household's clock, which stands still."""

    def __init__(self, house: Household) -> None:
        self._house = house

    def now(self) -> datetime:
        return self._house.now

    def monotonic(self) -> float:
        return 0.0
