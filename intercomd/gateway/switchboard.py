"""One thread that accepts for the listeners of all runs, and one for each connection that is being served.

Idle runs cost a socket each: the accepting thread sleeps in one `select` over all of them. It starts with the first
listener and ends with the last, so a process without runs has nothing of this.
"""

from __future__ import annotations

import select
import selectors
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock, Thread

from intercomd.logs import EventLog

_PAUSE_SECONDS = 0.2
_log = EventLog("gateway")


@dataclass(eq=False, slots=True)
class Listener:
    """A listening socket and who takes its connections: in the accepting thread, so it must not block."""

    listening: socket.socket
    accepted: Callable[[socket.socket], None]


class Switchboard:
    """For any thread."""

    def __init__(self) -> None:
        self._guard = Lock()
        self._listeners: set[Listener] = set()
        self._resting: set[Listener] = set()
        self._retired: list[Listener] = []
        self._bell: socket.socket | None = None

    def add(self, listener: Listener) -> None:
        """From now on `listener` accepts."""
        listener.listening.setblocking(False)
        with self._guard:
            self._listeners.add(listener)
            if self._bell is not None:
                self._ring()
                return
            bell, ringer = socket.socketpair()
            ringer.setblocking(False)
            Thread(target=self._run, args=(bell,), name="gateway-accept", daemon=True).start()
            self._bell = ringer

    def remove(self, listener: Listener) -> None:
        """From now on it does not; its socket is closed by the accepting thread."""
        with self._guard:
            self._listeners.remove(listener)
            self._resting.discard(listener)
            self._retired.append(listener)
            self._ring()

    def rest(self, listener: Listener) -> None:
        """Let further connections wait in the system's queue."""
        with self._guard:
            self._resting.add(listener)
            self._ring()

    def resume(self, listener: Listener) -> None:
        """Accept again."""
        with self._guard:
            self._resting.discard(listener)
            self._ring()

    def _ring(self) -> None:
        """The guard is held, and the accepting thread may wait for it: this must not."""
        if self._bell is not None:
            with suppress(BlockingIOError):  # it is full: it rings already
                self._bell.send(b"!")

    def _run(self, bell: socket.socket) -> None:
        with selectors.DefaultSelector() as selector, bell:
            selector.register(bell, selectors.EVENT_READ)
            while self._follow(selector):
                for key, _ in selector.select():
                    if key.data is None:
                        bell.recv(4096)
                    elif not _accept(key.data):
                        select.select([bell], [], [], _PAUSE_SECONDS)

    def _follow(self, selector: selectors.BaseSelector) -> bool:
        """Watch exactly those that accept; False when no listener is left, and with it the thread's end."""
        with self._guard:
            watched = {key.data for key in selector.get_map().values() if key.data is not None}
            wanted = self._listeners - self._resting
            for listener in watched - wanted:
                selector.unregister(listener.listening)
            for listener in wanted - watched:
                selector.register(listener.listening, selectors.EVENT_READ, listener)
            while self._retired:
                self._retired.pop().listening.close()
            if not self._listeners and self._bell is not None:
                self._bell.close()
                self._bell = None
            return bool(self._listeners)


def _accept(listener: Listener) -> bool:
    """False when the process has no descriptor left: then it is time for a pause."""
    try:
        connection, _ = listener.listening.accept()
    except (BlockingIOError, ConnectionAbortedError):  # it hung up meanwhile
        return True
    except OSError as error:
        _log.warning("gateway.not_accepted", error=error)
        return False
    listener.accepted(connection)
    return True
