"""The limit on concurrent runs as a value: who has a slot, who waits for one, who should yield.

There are two lines, of people's requests and of scheduled tasks. A group may stand in both, also while it has a slot
that is not good for what came meanwhile. The rules:

1. Each line is ordered by waiting time; the people's line goes first, and tasks never hold more than
   `max(1, limit - 1)` slots. So a person finds a slot however many tasks are due at one minute.
2. While a task waits and no task has a slot, people do not take the last free one. With a limit of 1 the two lines
   take turns. So tasks go on however much people write.
3. Within a group the two alternate. A request may go before its group's task, rather than stand with it behind the
   tasks of all others; on the next turn of a request the task that was passed goes first, unless other groups' tasks
   have all slots that tasks may have: a person waits for tasks of the own group only.
4. When somebody waits and nothing is free, the group that has been idle longest is asked to yield (hazard B-26); a
   group whose own task waits is asked as soon as it is idle, whatever is free.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from intercomd.actors.waiting_line import WaitingLine
from intercomd.domain.ids import ChatJid, Folder


@dataclass(slots=True)
class Granted:
    """A group with a slot, and since when it had waited for it. `idle_since` is in monotonic seconds; None while its
    agent works."""

    chat_jid: ChatJid
    waited_since: datetime | None = None
    is_for_task: bool = False
    idle_since: float | None = None
    is_yielding: bool = False


@dataclass(frozen=True, slots=True)
class Grant:
    """Whom a slot was given to, and what for."""

    folder: Folder
    is_for_task: bool


@dataclass(frozen=True, slots=True)
class SlotsView:
    """A published snapshot for health and status. `waiting` counts groups with requests, of which the first waits since
    `oldest_waiting_since`; `waiting_tasks` counts groups with tasks."""

    limit: int
    live: tuple[str, ...]
    idle: tuple[str, ...]
    waiting: int
    oldest_waiting_since: datetime | None
    is_draining: bool
    waiting_tasks: int = 0

    @property
    def used(self) -> int:
        return len(self.live)


class Slots:
    """Private state of the Dispatcher."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.granted: dict[Folder, Granted] = {}
        self.people = WaitingLine()
        self.tasks = WaitingLine()
        self._most_for_tasks = max(1, limit - 1)
        self._was_for_task = True
        self._passed: set[Folder] = set()
        """Groups whose task waited while their request had its turn."""

    @property
    def has_free(self) -> bool:
        return len(self.granted) < self.limit

    def wait(self, folder: Folder, chat_jid: ChatJid, since: datetime, *, is_for_task: bool = False) -> None:
        """Put a group into a waiting line; a place it already has keeps the older time. Nothing happens for the task
        that it has its slot for: the hint came late, or twice."""
        if not (is_for_task and self._is_running_task_of(folder, since)):
            (self.tasks if is_for_task else self.people).join(folder, chat_jid, since)
            self._sort_in(folder)

    def grant_next(self) -> Grant | None:
        """Give a free slot to the group whose turn it is."""
        if not self.has_free:
            return None
        is_for_task = self._is_turn_of_tasks()
        folder = (self.tasks if is_for_task else self.people).first
        if folder is None:
            return None
        is_for_task = is_for_task or (folder in self._passed and self._has_room_for_task)
        line = self.tasks if is_for_task else self.people
        place = line.leave(folder)
        self.granted[folder] = Granted(place.chat_jid, place.since, is_for_task)
        self._was_for_task = is_for_task
        self._passed.discard(folder)
        self._sort_in(folder)
        return Grant(folder, is_for_task)

    def adopt(self, folder: Folder) -> None:
        """Count a group that has its slot from an earlier Dispatcher."""
        self.granted[folder] = Granted(ChatJid(""))

    def release(self, folder: Folder) -> Granted | None:
        """Take a slot back; None when the group had none."""
        granted = self.granted.pop(folder, None)
        if granted is not None and not granted.is_for_task and folder in self.tasks:
            self._passed.add(folder)
        self._sort_in(folder)
        return granted

    def clear_lines(self) -> None:
        """Nobody waits any more."""
        self.people.clear()
        self.tasks.clear()
        self._passed.clear()

    def next_to_yield(self) -> Folder | None:
        """The longest idle group that was not asked yet: one whose own task waits, or any when there are more groups
        waiting than yielding."""
        idle = sorted(
            (granted.idle_since, folder)
            for folder, granted in self.granted.items()
            if granted.idle_since is not None and not granted.is_yielding
        )
        for _, folder in idle:
            if folder in self.tasks:
                return folder
        yielding = sum(granted.is_yielding for granted in self.granted.values())
        if not idle or self.has_free or self._wanting <= yielding:
            return None
        return idle[0][1]

    def view(self, is_draining: bool) -> SlotsView:
        return SlotsView(
            self.limit,
            tuple(sorted(self.granted)),
            tuple(sorted(folder for folder, granted in self.granted.items() if granted.idle_since is not None)),
            len(self.people),
            self.people.oldest(self.granted),
            is_draining,
            len(self.tasks),
        )

    def _is_running_task_of(self, folder: Folder, since: datetime) -> bool:
        granted = self.granted.get(folder)
        if granted is None or not granted.is_for_task or granted.waited_since is None:
            return False
        return since <= granted.waited_since

    @property
    def _held_by_tasks(self) -> int:
        return sum(granted.is_for_task for granted in self.granted.values())

    @property
    def _has_room_for_task(self) -> bool:
        return self._held_by_tasks < self._most_for_tasks

    def _is_turn_of_tasks(self) -> bool:
        if self.tasks.first is None or not self._has_room_for_task:
            return False
        if self.people.first is None:
            return True
        if self.limit == 1:
            return not self._was_for_task
        return self._held_by_tasks == 0 and len(self.granted) == self.limit - 1

    @property
    def _wanting(self) -> int:
        """How many more slots could be used if they were free."""
        return self.people.on_offer + min(self.tasks.on_offer, self._most_for_tasks - self._held_by_tasks)

    def _sort_in(self, folder: Folder) -> None:
        """A group with a slot keeps its places, but cannot be granted another one."""
        for line in (self.people, self.tasks):
            if folder in self.granted:
                line.hold_back(folder)
            else:
                line.offer(folder)
