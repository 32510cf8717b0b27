"""The simulator: the daemon's actors in one thread, with a virtual clock and a seeded choice of who is next.

The tree, addresses, mailboxes, timers and the crash rule are the kit's own; only threads are replaced. What a test
sees of an actor here is what it does in the daemon, and every order of items that the daemon could produce has a seed.

    sim = Simulation(seed)
    outbox = sim.book.address("outbox")
    sim.start(ChildSpec("outbox", lambda context: Outbox(store, sim.clock, context)))
    outbox.tell(OutboxFilled())
    sim.run_until_idle()
    sim.advance(timedelta(seconds=5))
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random

from intercomd.clock import Clock
from intercomd.errors import ActorUnavailable, AskTimeout
from intercomd.supervision.addresses import AddressBook, BookAddress
from intercomd.supervision.assembly import assemble
from intercomd.supervision.errors import StartFailed
from intercomd.supervision.incarnation import Incarnation, Surroundings, Verdict
from intercomd.supervision.mailbox import Letter, Reply
from intercomd.supervision.node import Host, Node, Watcher
from intercomd.supervision.policy import Policy
from intercomd.supervision.port import Address, ChildSpec, DynamicSpec, ExitReason, SupervisorSpec, TimerHandle
from intercomd.supervision.snapshot import NodeSnapshot, NodeState
from intercomd.supervision.supervisor import Supervisor
from intercomd.supervision.timers import Alarm, AlarmHeap

_START = datetime(2026, 1, 1, 9, 0, tzinfo=UTC)
_MOST_STEPS = 100_000


class VirtualClock:
    """A `Clock` that moves only when told to."""

    def __init__(self) -> None:
        self._monotonic = 1000.0
        self._wall = _START

    def now(self) -> datetime:
        return self._wall

    def monotonic(self) -> float:
        return self._monotonic

    def move_to(self, monotonic: float) -> None:
        self._wall += timedelta(milliseconds=round((monotonic - self._monotonic) * 1000))
        self._monotonic = monotonic

    def set_wall(self, instant: datetime) -> None:
        """Somebody sets the machine's clock; the monotonic one does not notice."""
        self._wall = instant


class Simulation:
    """Hosts a tree. `trace` says what happened, for failure messages; `crashes` whom the crash rule ended, and why."""

    def __init__(
        self, seed: int, *specs: ChildSpec | SupervisorSpec | DynamicSpec, policy: Policy | None = None
    ) -> None:
        self.clock = VirtualClock()
        self.book: AddressBook = _SimulatedBook(self.clock, self)
        self.trace: list[str] = []
        self.crashes: list[str] = []
        self.gave_up: str | None = None
        self._stage = _SimulatedStage(self, policy or Policy(seed=seed))
        self._random = Random(seed)
        self._root: Supervisor | None = None
        if specs:
            self.start(*specs)

    # -- driving -------------------------------------------------------------------------------------

    def start(self, *specs: ChildSpec | SupervisorSpec | DynamicSpec) -> None:
        """Start a root supervisor, or these children under one; raises `StartFailed`."""
        is_root = len(specs) == 1 and isinstance(specs[0], SupervisorSpec)
        spec = specs[0] if is_root else SupervisorSpec("simulation", children=specs)
        assert isinstance(spec, SupervisorSpec)
        root = self._root = assemble(spec, self, self._stage)
        root.begin(again=False)
        self._step_while(lambda: root.state is NodeState.STARTING)
        if root.state is not NodeState.RUNNING:
            raise StartFailed(f"the simulation did not start: {self.gave_up or self.crashes}")

    def stop(self) -> None:
        """Stop everything in reverse order."""
        root = self._tree()
        root.end(ExitReason.SHUTDOWN)
        self._step_while(lambda: root.is_live)

    def activate(self, path: str) -> None:
        """Start a subtree that starts idle; raises `StartFailed`."""
        answers: list[str | None] = []
        self._subtree(path).activate(answers.append)
        self._step_while(lambda: not answers)
        if answers != [None]:
            raise StartFailed(f"{path} did not start: {answers}")

    def deactivate(self, path: str) -> None:
        answers: list[str | None] = []
        self._subtree(path).deactivate(answers.append)
        self._step_while(lambda: not answers)

    def step(self) -> bool:
        """Let one actor, chosen by the seed, start or handle one item; False when there is nothing to do."""
        self._stage.run_posted()
        ready = [host for host in self._stage.hosts if host.is_ready]
        if not ready:
            return False
        self._random.choice(ready).step()
        self._stage.run_posted()
        self._stage.raise_violation()
        return True

    def run_until_idle(self) -> None:
        """Step until every mailbox is empty (or parked); no time passes."""
        for _ in range(_MOST_STEPS):
            if not self.step():
                return
        raise AssertionError("the actors never come to rest; last items:\n" + "\n".join(self.trace[-20:]))

    def advance(self, delta: timedelta) -> None:
        """Let time pass: every timer due by then fires at its own time, and its consequences run before the next."""
        target = self.clock.monotonic() + delta.total_seconds()
        self.run_until_idle()
        while self._stage.fire_next(target):
            self.run_until_idle()
        self.clock.move_to(target)

    def crash(self, path: str) -> None:
        """End the actor as a crash would: its mailbox and state are lost, `on_stop` runs, its supervisor decides."""
        self._stage.host(path).crash()
        self._stage.run_posted()

    def snapshot(self, path: str) -> NodeSnapshot:
        return next(node for node in self._tree().observe() if node.path == path)

    # -- the root's parent ---------------------------------------------------------------------------

    def child_started(self, child: Node) -> None:
        self.note(child.path, "tree started")

    def child_ended(self, child: Node, reason: ExitReason, error: str | None) -> None:
        self.note(child.path, f"tree ended: {reason}")
        if reason is not ExitReason.SHUTDOWN:
            self.gave_up = error

    def note(self, path: str, what: str) -> None:
        self.trace.append(f"{self.clock.monotonic() - 1000.0:.3f} {path}: {what}")

    def ask_inline(self, path: str, letter: Letter, reply: Reply) -> object:
        """Put the question in line and run its addressee until it is answered."""
        mailbox = self.book.mailbox(path)
        self._stage.run_posted()
        host = self._stage.host(path)
        if host.is_busy:
            raise self._stage.violate(f"{path} is asked {letter.item!r} in the middle of an item: a cycle of asks")
        mailbox.offer(letter)
        while host.is_ready and not host.has_taken(letter):
            host.step()
        if host.is_parked:
            raise AskTimeout(f"{path} is parked before {type(letter.item).__name__}")
        return reply.get(timeout=0)

    def _step_while(self, is_wanted: Callable[[], bool]) -> None:
        self._stage.run_posted()
        while is_wanted() and self.step():
            pass

    def _tree(self) -> Supervisor:
        assert self._root is not None, "the simulation is not started"
        return self._root

    def _subtree(self, path: str) -> Supervisor:
        below: list[Supervisor] = [self._tree()]
        for supervisor in below:
            below += [child for child in supervisor.children if isinstance(child, Supervisor)]
        return next(supervisor for supervisor in below if supervisor.path == path)


class _SimulatedBook(AddressBook):
    def __init__(self, clock: Clock, simulation: Simulation) -> None:
        super().__init__(clock)
        self.simulation = simulation

    def address(self, path: str) -> Address:
        return _SimulatedAddress(self, path)


class _SimulatedAddress(BookAddress):
    __slots__ = ("_simulation",)

    def __init__(self, book: _SimulatedBook, path: str) -> None:
        super().__init__(book, path)
        self._simulation = book.simulation

    def ask(self, item: object, timeout: timedelta) -> object:
        reply = Reply()
        letter = Letter(item, self._simulation.clock.monotonic(), reply=reply)
        return self._simulation.ask_inline(self.name, letter, reply)


class _SimulatedHost:
    """A `Host` without a thread."""

    def __init__(self, incarnation: Incarnation, watcher: Watcher, stage: _SimulatedStage) -> None:
        self.incarnation = incarnation
        self.is_busy = False
        self.is_parked = False
        self._is_open = False
        self._is_over = False
        self._is_end_requested = False
        self._watcher = watcher
        self._stage = stage
        self._last_taken: Letter | None = None

    @property
    def is_ready(self) -> bool:
        if self._is_over or self.is_busy or self.is_parked:
            return False
        return not self._is_open or self.incarnation.mailbox.depth > 0

    def has_taken(self, letter: Letter) -> bool:
        return self._last_taken is letter

    def step(self) -> None:
        """Start, or handle the next item."""
        self.is_busy = True
        verdict = self._handle_next() if self._is_open else self._open()
        self.is_busy = False
        if verdict is Verdict.END or self._is_end_requested:
            self._end()
        elif verdict is Verdict.PARK:
            self.is_parked = True
            self._stage.later(timedelta(seconds=self.incarnation.park_delay_s), self._unpark)

    def ping(self) -> None:
        self._stage.post(self._watcher.answered, self.incarnation)

    def end(self, reason: ExitReason) -> None:
        self.incarnation.request_end(reason)
        if self.is_busy:
            self._is_end_requested = True
        else:
            self._end()

    def crash(self) -> None:
        assert not self.is_busy, f"{self.incarnation.address.name} is in the middle of an item"
        self.incarnation.reason = ExitReason.CRASHED
        self.incarnation.error = "crashed by the test"
        self._end()

    def _open(self) -> Verdict:
        self._note("starts")
        verdict = self.incarnation.open()
        self._is_open = True
        if verdict is Verdict.NEXT:
            self._stage.post(self._watcher.started, self.incarnation)
        return verdict

    def _handle_next(self) -> Verdict:
        letter = self.incarnation.mailbox.take()
        assert letter is not None, "only a ready host steps"
        self._last_taken = letter
        self._note(repr(letter.item))
        return self.incarnation.handle(letter)

    def _unpark(self) -> None:
        self.is_parked = False

    def _end(self) -> None:
        if self._is_over:
            return
        self._is_over = True
        self.is_busy = True
        self.incarnation.close()
        self._note(f"ended: {self.incarnation.reason} {self.incarnation.error or ''}".rstrip())
        self._stage.forget(self)
        self._stage.post(self._watcher.exited, self.incarnation)

    def _note(self, what: str) -> None:
        self._stage.simulation.note(self.incarnation.address.name, what)


class _SimulatedStage:
    """A `Stage`: control events run between two steps, alarms when the virtual clock reaches them."""

    def __init__(self, simulation: Simulation, policy: Policy) -> None:
        self.simulation = simulation
        self.book = simulation.book
        self.surroundings = Surroundings(simulation.clock, policy, self)
        self.hosts: list[_SimulatedHost] = []
        self._policy = policy
        self._jitter = Random(policy.seed)
        self._posted: deque[tuple[Callable[..., None], tuple[object, ...]]] = deque()
        self._alarms = AlarmHeap()
        self._violation: AssertionError | None = None
        self._is_running_posted = False

    # -- Stage ---------------------------------------------------------------------------------------

    def launch(self, incarnation: Incarnation, watcher: Watcher) -> Host:
        host = _SimulatedHost(incarnation, watcher, self)
        self.hosts.append(host)
        return host

    def post(self, callback: Callable[..., None], *args: object) -> None:
        self._posted.append((callback, args))

    def later(self, delay: timedelta, callback: Callable[..., None], *args: object) -> TimerHandle:
        return self.call_later(delay, lambda: callback(*args))

    def call_later(self, delay: timedelta, callback: Callable[[], None]) -> TimerHandle:
        alarm = self._alarms.set(self.simulation.clock.monotonic() + delay.total_seconds(), callback)
        return _SimulatedHandle(self._alarms, alarm)

    def restart_delay(self, failures: int) -> timedelta:
        return self._policy.restart_delay(failures, self._jitter)

    def add_zombie(self, incarnation: Incarnation) -> None:
        """Nobody hangs here."""

    def drop_zombie(self, incarnation: Incarnation) -> None:
        """Nobody hangs here."""

    # -- for the simulation --------------------------------------------------------------------------

    def host(self, path: str) -> _SimulatedHost:
        self.book.mailbox(path)
        for host in self.hosts:
            if host.incarnation.address.name == path:
                return host
        raise ActorUnavailable(f"{path} is not launched yet")

    def forget(self, host: _SimulatedHost) -> None:
        self.hosts.remove(host)
        if host.incarnation.reason is ExitReason.CRASHED:
            self.simulation.crashes.append(f"{host.incarnation.address.name}: {host.incarnation.error}")

    def run_posted(self) -> None:
        """Run what was posted; nothing when called from what was posted (an `on_stop` that asks)."""
        if self._is_running_posted:
            return
        self._is_running_posted = True
        while self._posted:
            callback, args = self._posted.popleft()
            callback(*args)
        self._is_running_posted = False

    def fire_next(self, until: float) -> bool:
        """Move the clock to the next alarm due by `until` and run it."""
        due = self._alarms.next_due()
        if due is None or due > until:
            return False
        self.simulation.clock.move_to(max(due, self.simulation.clock.monotonic()))
        callback = self._alarms.take_due(due)
        assert callback is not None, "the next alarm is due at its due time"
        callback()
        self.run_posted()
        return True

    def violate(self, text: str) -> AssertionError:
        """A broken rule ends the test, even when an actor's crash rule swallows it on the way."""
        self._violation = AssertionError(text + "; last items:\n" + "\n".join(self.simulation.trace[-20:]))
        return self._violation

    def raise_violation(self) -> None:
        if self._violation is not None:
            raise self._violation


class _SimulatedHandle:
    def __init__(self, alarms: AlarmHeap, alarm: Alarm) -> None:
        self._alarms = alarms
        self._alarm = alarm

    def cancel(self) -> None:
        self._alarms.cancel(self._alarm)
