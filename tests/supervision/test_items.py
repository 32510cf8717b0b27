"""Tell, hint, ask, park, exit: what becomes of an item and its sender."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from intercomd.errors import ActorCrashed, ActorUnavailable, AskTimeout, MailboxFull, NotFound, StoreUnavailable
from intercomd.supervision.mailbox import Letter, Mailbox
from intercomd.supervision.policy import Policy
from intercomd.supervision.port import Actor, ChildSpec, Context, ExitReason, Restart
from intercomd.supervision.snapshot import NodeSnapshot, NodeState
from tests.supervision.forest import AT_ONCE, EXIT, SECOND, SOON, Call, Forest, Puppet, Raise, away
from tests.support.waiting import DEADLINE_SECONDS

CRASHED = ExitReason.CRASHED


def look(forest: Forest, path: str) -> NodeSnapshot:
    assert forest.tree is not None
    node = forest.tree.snapshot().find(path)
    assert node is not None
    return node


# -- ask ---------------------------------------------------------------------------------------------


def test_ask_returns_the_answer(forest: Forest) -> None:
    """What `handle` returns goes to the asker."""
    forest.grow(forest.puppet("a"))
    assert forest.ask("a", Call(lambda: 42)) == 42


@pytest.mark.parametrize("error", [NotFound("no such run"), StoreUnavailable("away")], ids=repr)
def test_own_error_goes_to_the_asker_and_the_actor_lives(forest: Forest, error: Exception) -> None:
    """An `IntercomError` is an answer; under ask the store's absence is one too, and nothing is parked."""
    forest.grow(forest.puppet("a"))
    with pytest.raises(type(error), match=str(error)):
        forest.ask("a", Raise(error))
    assert forest.ask("a", "there") == "there"
    assert look(forest, "a").restarts == 0


def test_other_error_goes_to_the_asker_and_is_a_crash(forest: Forest) -> None:
    """A defect is reported to whoever ran into it, and the actor starts afresh."""
    forest.grow(forest.puppet("a"))
    with pytest.raises(ActorCrashed, match="ValueError: a defect"):
        forest.ask("a", Raise(ValueError("a defect")))
    forest.await_restarted("a")
    assert look(forest, "a").last_error == "ValueError: a defect"


def test_what_would_end_the_askers_thread_is_wrapped(forest: Forest) -> None:
    """SystemExit of one actor does not travel to another through an ask."""
    forest.grow(forest.puppet("a"))
    with pytest.raises(ActorCrashed, match="a crashed: SystemExit: 3"):
        forest.ask("a", Raise(SystemExit(3)))


def test_ask_ends_at_its_deadline_and_is_not_handled_later(forest: Forest) -> None:
    """A question nobody waits for any more is left out."""
    forest.grow(forest.puppet("a"))
    gate = forest.hold("a")
    with pytest.raises(AskTimeout, match=r"a did not answer str within 0\.05 s"):
        forest.book.address("a").ask("too late", SOON)
    gate.set()
    assert forest.ask("a", "next") == "next"
    assert forest.seen.values == [("a", "start"), ("a", "next")]


def test_queued_asks_fail_when_the_actor_crashes(forest: Forest) -> None:
    """After a close no asker waits until its deadline."""
    forest.grow(forest.puppet("a", Restart.TEMPORARY))
    gate = forest.hold("a")
    forest.crash("a")
    failures: list[str] = []

    def ask() -> None:
        try:
            forest.ask("a", "?")
        except ActorUnavailable as error:
            failures.append(str(error))

    asker = threading.Thread(target=ask)
    asker.start()
    gate.set()
    asker.join(DEADLINE_SECONDS)
    assert len(failures) == 1


def test_unknown_path_is_unavailable(forest: Forest) -> None:
    """An address of nobody refuses."""
    forest.grow(forest.puppet("a"))
    with pytest.raises(ActorUnavailable, match="there is no actor b"):
        forest.tell("b", 1)
    with pytest.raises(ActorUnavailable, match="there is no dynamic supervisor a"):
        forest.book.children("a").names()


# -- the bound ---------------------------------------------------------------------------------------


def test_full_mailbox_is_an_error_to_the_sender(forest: Forest) -> None:
    """Tell and ask raise, hint is dropped and counted; nothing blocks, and stop is not held up."""
    forest.grow(forest.puppet("a", mailbox_limit=2))
    gate = forest.hold("a")
    address = forest.book.address("a")
    assert [address.hint(n) for n in range(4)] == [True, True, False, False]
    with pytest.raises(MailboxFull, match="a has 2 items waiting, its limit"):
        address.tell(5)
    with pytest.raises(MailboxFull):
        address.ask(6, SECOND)
    assert look(forest, "a").dropped_hints == 2
    gate.set()
    forest.await_seen(("a", "start"), ("a", 0), ("a", 1))


def test_mailbox_closes_for_good() -> None:
    """Closed: offers raise, deliveries are refused, what waited is gone, control still passes."""
    mailbox = Mailbox("a", 10)
    mailbox.offer(Letter("one", 0.0))
    assert mailbox.close() == 1
    with pytest.raises(ActorUnavailable):
        mailbox.offer(Letter("two", 0.0))
    assert not mailbox.deliver(Letter("three", 0.0))
    mailbox.give_back(Letter("four", 0.0))
    assert mailbox.take() is None
    assert mailbox.empty()


def test_items_of_one_sender_keep_their_order(forest: Forest) -> None:
    """The mailbox is a queue."""
    forest.grow(forest.puppet("a"))
    for number in range(100):
        forest.tell("a", number)
    forest.ask("a", "last")
    assert forest.seen.values[1:] == [*(("a", number) for number in range(100)), ("a", "last")]


# -- exit --------------------------------------------------------------------------------------------


def test_exit_ends_after_the_item_in_hand(forest: Forest) -> None:
    """An exit asked under ask still answers; what waits behind is refused."""
    tree = forest.grow(forest.puppet("a", Restart.TRANSIENT))
    assert forest.ask("a", EXIT) == EXIT
    forest.log.wait_for_event("actor.ended", actor="a", reason=ExitReason.NORMAL)
    assert forest.seen.values == [("a", "start"), ("a", ExitReason.NORMAL)]
    assert tree.snapshot().find("a") is not None
    assert not forest.book.address("a").hint("gone")


def test_exit_in_the_start_ends_a_child_that_has_nothing_to_do(forest: Forest) -> None:
    """A child may find at its start that it is not needed: a normal end, no failed start."""

    class Unneeded(Puppet):
        def on_start(self) -> None:
            self._context.exit()

    runs = forest.grow_runs()
    watcher = forest.book.address("watcher")
    runs.start(ChildSpec("x", lambda c: Unneeded("x", c, forest.seen), monitors=(watcher,)))
    exited = forest.await_exit("x")
    assert exited.reason is ExitReason.NORMAL


# -- parking -----------------------------------------------------------------------------------------


class Shop(Puppet):
    """Handles items only while open."""

    def __init__(self, context: Context, forest: Forest, is_open: threading.Event) -> None:
        super().__init__("a", context, forest.seen)
        self._is_open = is_open
        self._tries = forest.tries

    def handle(self, item: object) -> object:
        if not self._is_open.is_set():
            self._tries.record(item)
            raise away()
        return super().handle(item)


def grow_shop(forest: Forest, policy: Policy = AT_ONCE) -> threading.Event:
    is_open = threading.Event()

    def make(context: Context) -> Actor:
        return Shop(context, forest, is_open)

    forest.grow(ChildSpec("a", make), policy=policy)
    return is_open


def test_told_item_waits_for_the_store(forest: Forest) -> None:
    """The item is tried again until the store is back, before all others, and no restart is counted (hazard B-11)."""
    is_open = grow_shop(forest)
    forest.tell("a", 1)
    forest.tell("a", 2)
    assert forest.tries.wait_for_count(4)[:4] == [1, 1, 1, 1]
    is_open.set()
    forest.await_seen(("a", "start"), ("a", 1), ("a", 2))
    assert forest.seen.values == [("a", "start"), ("a", 1), ("a", 2)]
    assert look(forest, "a").restarts == 0
    assert forest.log.wait_for_event("actor.parked", actor="a", item="int")


def test_parked_actor_is_shown_as_parked(forest: Forest) -> None:
    """With what waits and since when."""
    grow_shop(forest)
    forest.tell("a", 1)
    forest.tries.wait_for_count(2)
    node = look(forest, "a")
    assert node.state is NodeState.PARKED


def test_stop_interrupts_parking(forest: Forest) -> None:
    """A pause of a minute does not hold up the stop."""
    minute = timedelta(minutes=1)
    grow_shop(forest, Policy(park_first=minute, park_longest=minute))
    forest.tell("a", 1)
    forest.tries.wait_for_count(1)
    assert forest.tree is not None
    assert forest.tree.stop(SECOND) == ()
    assert forest.seen.values[-1] == ("a", ExitReason.SHUTDOWN)


def test_parked_actor_answers_the_kits_ping(forest: Forest) -> None:
    """A restart during the store's absence succeeds: parking is no failure (no restart storm)."""
    minute = timedelta(minutes=1)
    is_open = threading.Event()
    lives = 0

    class Reopening(Shop):
        def on_start(self) -> None:
            nonlocal lives
            lives += 1
            if lives == 2:
                is_open.clear()
                self._context.address.tell("first of its life")

    is_open.set()
    policy = Policy(restart_first=timedelta(0), park_first=minute, park_longest=minute)
    forest.grow(ChildSpec("a", lambda context: Reopening(context, forest, is_open)), policy=policy)
    forest.crash("a")
    forest.tries.wait_for_count(1)
    forest.await_restarted("a")


def test_parking_types_are_a_parameter(forest: Forest) -> None:
    """What is parked is the owner's choice."""
    forest.grow(forest.puppet("a"), policy=Policy(parks_on=(KeyError,), restart_first=timedelta(0)))
    forest.tell("a", Raise(away()))
    forest.await_restarted("a")


# -- the snapshot ------------------------------------------------------------------------------------


def test_snapshot_tells_what_an_actor_does(forest: Forest) -> None:
    """Item in hand and its age, depth and age of the mailbox: read without waiting for the busy actor."""
    forest.grow(forest.puppet("a"))
    gate = forest.hold("a")
    forest.tell("a", "waits")
    node = look(forest, "a")
    assert (node.state, node.item_in_hand, node.mailbox_depth) == (NodeState.RUNNING, "WaitFor", 1)
    for age in (node.item_in_hand_age_s, node.oldest_item_age_s, node.started_age_s):
        assert age is not None
        assert 0 <= age < DEADLINE_SECONDS
    gate.set()
    forest.ask("a", "done")
    assert look(forest, "a").item_in_hand is None


def test_snapshot_lists_the_whole_tree_before_it_starts(forest: Forest) -> None:
    """Parents come before children, and reading needs no running thread."""
    tree = forest.plant(forest.puppet("a"), forest.runs())
    assert [(node.path, node.kind, node.state) for node in tree.snapshot().nodes] == [
        ("", "supervisor", "idle"),
        ("a", "actor", "idle"),
        ("runs", "dynamic", "idle"),
    ]


def test_progress_is_young_while_supervision_works(forest: Forest) -> None:
    """The watchdog's evidence: control has run something within the last seconds."""
    tree = forest.grow(forest.puppet("a"))
    assert tree.snapshot().progress_age_s < 5
