"""One life of an actor, from its factory to its `on_stop`: the rules every host of actors follows.

The Pykka host and the simulator differ in who calls `open`, `handle` and `close`, not in what these mean.
"""

from __future__ import annotations

from enum import Enum

from intercomd.clock import Clock
from intercomd.errors import ActorCrashed, IntercomError
from intercomd.logs import EventLog
from intercomd.supervision.mailbox import Letter, Mailbox, Reply
from intercomd.supervision.policy import Policy
from intercomd.supervision.port import Actor, Address, ChildSpec, ExitReason, Timers
from intercomd.supervision.timers import ActorTimers, Alarms

_log = EventLog("supervision")


class Verdict(Enum):
    """What the host does after an item."""

    NEXT = "next"
    PARK = "park"
    """The item is back in the mailbox; wait `park_delay_s` and take it again."""
    END = "end"


class Incarnation:
    """`open`, `handle` and `close` are called by one thread, in this order; the fields may be read by any."""

    def __init__(self, spec: ChildSpec, address: Address, mailbox: Mailbox, surroundings: Surroundings) -> None:
        self.spec = spec
        self.address = address
        self.mailbox = mailbox
        self.reason = ExitReason.NORMAL
        self.error: str | None = None
        self.in_hand: Letter | None = None
        self.parked_tries = 0
        self._clock = surroundings.clock
        self._policy = surroundings.policy
        self._timers = ActorTimers(surroundings.alarms, mailbox, surroundings.clock)
        self._actor: Actor | None = None
        self._is_exiting = False
        self._leftovers: list[object] = []

    # -- what the actor's factory gets (`Context`) ---------------------------------------------------

    @property
    def timers(self) -> Timers:
        return self._timers

    def exit(self) -> None:
        self._is_exiting = True

    # -- what the host calls -------------------------------------------------------------------------

    def open(self) -> Verdict:
        """Make the actor and start it; END when that failed or when it wants no items at all."""
        try:
            actor = self.spec.factory(self)
            on_start = getattr(actor, "on_start", None)
            if on_start is not None:
                on_start()
        except BaseException as error:  # noqa: BLE001 - the crash rule: whatever a start raises is this actor's failure alone
            self._fail(ExitReason.START_FAILED, error)
            return Verdict.END
        self._actor = actor
        return self._next()

    def handle(self, letter: Letter) -> Verdict:
        """Let the actor handle one item and answer its asker."""
        assert self._actor is not None, "handle before open"
        letter.taken_at = now = self._clock.monotonic()
        if letter.timer is not None:
            letter.timer.is_pending = False
            letter.timer = None
        if letter.expires_at < now:
            return Verdict.NEXT
        self.in_hand = letter
        try:
            answer = self._actor.handle(letter.item)
        except BaseException as error:  # noqa: BLE001 - the crash rule: SystemExit too must end this actor and no other
            verdict = self._failed(letter, error)
        else:
            if letter.reply is not None:
                letter.reply.set(answer)
            self.parked_tries = 0
            verdict = self._next()
        self.in_hand = None
        return verdict

    def request_end(self, reason: ExitReason) -> None:
        """The supervisor wants this life to end: no items and timers any more. From any thread."""
        if self.reason is ExitReason.NORMAL:
            self.reason = reason
        if self.reason is ExitReason.SHUTDOWN and hasattr(self._actor, "on_leftovers"):
            self._leftovers += self.mailbox.take_leftovers()
        self.mailbox.close()
        self._timers.end()

    def close(self) -> None:
        """Release everything; calls the actor's `on_stop` unless its start failed."""
        dropped = self.mailbox.close()
        self._timers.end()
        if dropped:
            _log.debug("actor.items_dropped", actor=self.address.name, items=dropped)
        on_leftovers = getattr(self._actor, "on_leftovers", None)
        on_stop = getattr(self._actor, "on_stop", None)
        try:
            if self._leftovers and on_leftovers is not None:
                on_leftovers(self._leftovers)
            if on_stop is not None:
                on_stop(self.reason)
        except BaseException as error:  # noqa: BLE001 - the crash rule: a failing clean-up ends no other actor
            self.error = self.error or describe(error)
            _log.error("actor.stop_failed", exc=error, actor=self.address.name)

    @property
    def has_clean_up(self) -> bool:
        """Whether `close` runs code of the actor's, which may hang."""
        return hasattr(self._actor, "on_stop")

    @property
    def park_delay_s(self) -> float:
        return self._policy.park_delay(self.parked_tries).total_seconds()

    # -- rules ---------------------------------------------------------------------------------------

    def _next(self) -> Verdict:
        return Verdict.END if self._is_exiting else Verdict.NEXT

    def _failed(self, letter: Letter, error: BaseException) -> Verdict:
        if letter.reply is None and isinstance(error, self._policy.parks_on):
            self.parked_tries += 1
            self._is_exiting = False
            if self.parked_tries == 1:
                _log.warning("actor.parked", actor=self.address.name, item=item_name(letter), error=describe(error))
            self.mailbox.give_back(letter)
            return Verdict.PARK
        if letter.reply is not None:
            self._answer_with(letter.reply, error)
            if isinstance(error, IntercomError):
                return self._next()
        self._fail(ExitReason.CRASHED, error, item=item_name(letter))
        return Verdict.END

    def _answer_with(self, reply: Reply, error: BaseException) -> None:
        """Hand the error to the asker; a defect is wrapped, so that it crashes one actor and not its askers too."""
        if not isinstance(error, IntercomError):
            wrapped = ActorCrashed(f"{self.address.name} crashed: {describe(error)}")
            wrapped.__cause__ = error
            error = wrapped
        reply.set_exception((type(error), error, error.__traceback__))

    def _fail(self, reason: ExitReason, error: BaseException, **fields: object) -> None:
        self.reason = reason
        self.error = describe(error)
        _log.error(f"actor.{reason}", exc=error, actor=self.address.name, **fields)


class Surroundings:
    """What every incarnation of a tree shares."""

    def __init__(self, clock: Clock, policy: Policy, alarms: Alarms) -> None:
        self.clock = clock
        self.policy = policy
        self.alarms = alarms


def describe(error: BaseException) -> str:
    """`ValueError: what was wrong`."""
    return f"{type(error).__name__}: {error}"


def item_name(letter: Letter) -> str:
    """The type of an item, never its content."""
    return type(letter.item).__name__
