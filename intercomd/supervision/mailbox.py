"""An actor's mailbox: bounded, closable, with a line of its own for the kit.

It stands in for Pykka's queue (`put`, `get`, `empty`). What Pykka puts (stop) and the kit puts (ping) goes ahead of
the items, so that a full mailbox delays neither; items come in through `offer` and `deliver`.

One thread gets, any thread puts. That allows a plain lock as the waiting point, which costs a third of a
`threading.Condition`: the consumer blocks on `_wakeup`, and whoever puts something releases it once.
"""

from __future__ import annotations

import threading
from collections import deque
from math import inf
from typing import TYPE_CHECKING, Any

from pykka import ThreadingFuture
from pykka._envelope import Envelope

from intercomd.errors import ActorUnavailable, MailboxFull

if TYPE_CHECKING:
    from intercomd.supervision.timers import ActorTimer

Reply = ThreadingFuture[Any]


class Letter:
    """An item on its way, with what the host must know about it."""

    __slots__ = ("expires_at", "item", "put_at", "reply", "taken_at", "timer")

    def __init__(
        self,
        item: object,
        put_at: float,
        *,
        reply: Reply | None = None,
        expires_at: float = inf,
        timer: ActorTimer | None = None,
    ) -> None:
        self.item = item
        self.put_at = put_at
        self.reply = reply
        self.expires_at = expires_at
        self.timer = timer
        self.taken_at = put_at


class Mailbox:
    """See the module. `name` is the actor's, for the text of errors."""

    def __init__(self, name: str, limit: int) -> None:
        self._name = name
        self._limit = limit
        self._letters: deque[Letter] = deque()
        self._control: deque[Envelope[Any]] = deque()
        self._lock = threading.Lock()
        self._wakeup = threading.Lock()
        self._wakeup.acquire()
        self._is_waiting = False
        self._waits_for_letters = False
        self._is_closed = False

    # -- items, any thread ---------------------------------------------------------------------------

    def offer(self, letter: Letter) -> None:
        """Add an item; raises `MailboxFull` at the limit and `ActorUnavailable` once closed."""
        with self._lock:
            if self._is_closed:
                raise ActorUnavailable(f"{self._name} is not running")
            if len(self._letters) >= self._limit:
                raise MailboxFull(f"{self._name} has {self._limit} items waiting, its limit")
            self._letters.append(letter)
            if self._is_waiting and self._waits_for_letters:
                self._wake()

    def deliver(self, letter: Letter) -> bool:
        """Add an item of the kit's own (timer, monitor), whatever the limit; False once closed."""
        with self._lock:
            if self._is_closed:
                return False
            self._letters.append(letter)
            if self._is_waiting and self._waits_for_letters:
                self._wake()
            return True

    def take_leftovers(self) -> list[object]:
        """Refuse items from now on; the told ones that wait, the kit's own left out."""
        with self._lock:
            self._is_closed = True
            leftovers = [letter for letter in self._letters if letter.reply is None and letter.timer is None]
            self._letters = deque(letter for letter in self._letters if letter.reply is not None)
        return [letter.item for letter in leftovers]

    def close(self) -> int:
        """Refuse items from now on and drop what waits; returns how many. Asks among them fail at once."""
        with self._lock:
            self._is_closed = True
            dropped, self._letters = self._letters, deque()
        for letter in dropped:
            if letter.reply is not None:
                error = ActorUnavailable(f"{self._name} ended before it took the item")
                letter.reply.set_exception((type(error), error, None))
        return len(dropped)

    @property
    def depth(self) -> int:
        return len(self._letters)

    def oldest_put_at(self) -> float | None:
        """Monotonic time at which the longest waiting item was put; takes no lock."""
        try:
            return self._letters[0].put_at
        except IndexError:
            return None

    # -- the actor's own thread ----------------------------------------------------------------------

    def take(self) -> Letter | None:
        """The next item if there is one; does not wait."""
        with self._lock:
            return self._letters.popleft() if self._letters else None

    def give_back(self, letter: Letter) -> None:
        """Put a taken item back as the next one; nothing once closed."""
        with self._lock:
            if not self._is_closed:
                self._letters.appendleft(letter)

    def wait_for_control(self, timeout: float) -> None:
        """Wait until Pykka or the kit has put something, or `timeout` seconds."""
        with self._lock:
            if self._control:
                return
            self._is_waiting = True
            self._waits_for_letters = False
        if not self._wakeup.acquire(timeout=timeout):
            with self._lock:
                was_woken, self._is_waiting = not self._is_waiting, False
            if was_woken:
                self._wakeup.acquire()

    # -- Pykka's inbox -------------------------------------------------------------------------------

    def put(self, envelope: Envelope[Any], /) -> None:
        with self._lock:
            self._control.append(envelope)
            if self._is_waiting:
                self._wake()

    def get(self) -> Envelope[Any]:
        while True:
            with self._lock:
                if self._control:
                    return self._control.popleft()
                if self._letters:
                    return Envelope(self._letters.popleft())
                self._is_waiting = True
                self._waits_for_letters = True
            self._wakeup.acquire()

    def empty(self) -> bool:
        return not self._control and not self._letters

    def _wake(self) -> None:
        self._is_waiting = False
        self._wakeup.release()
