"""Carries a plan out against a daemon, as patient people would: what was not accepted is sent again under its id."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import Protocol

from tests.soak.plan import Fault, Listen, Plan, Say, Step
from tests.support.cutting_proxy import CuttingProxy
from tests.support.cutting_proxy import Fault as Cut
from tests.support.daemon import DaemonProcess

_OK, _UNAVAILABLE = range(200, 300), 503
_SETTLE_S = 60.0
_LISTEN_S = 1.0


class Breakable(Protocol):
    """A store that goes away on demand."""

    def cut(self) -> None: ...

    def heal(self) -> None: ...


class ProxiedPostgres:
    """Breaks connections in turn: a COMMIT that is lost, one whose answer is lost, a server that refuses everybody."""

    def __init__(self, proxy: CuttingProxy) -> None:
        self._proxy = proxy
        self._cuts = 0

    def cut(self) -> None:
        self._proxy.arm((Cut.LOSE_COMMIT, Cut.LOSE_ANSWER, Cut.REFUSE)[self._cuts % 3])
        self._cuts += 1

    def heal(self) -> None:
        self._proxy.heal()


class LockedSqlite:
    """Another process takes the file's write lock and keeps it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock: sqlite3.Connection | None = None

    def cut(self) -> None:
        if self._lock is None:
            self._lock = sqlite3.connect(self._path, isolation_level=None, timeout=5)
            self._lock.execute("BEGIN IMMEDIATE")

    def heal(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None


class Driver:
    """`accepted` are the ids the API took, with their chats."""

    def __init__(self, daemon: DaemonProcess, store: Breakable) -> None:
        self.accepted: dict[str, str] = {}
        self.steps = 0
        self._daemon = daemon
        self._store = store
        self._refused: list[Say] = []
        self._said: dict[str, int] = {}

    def follow(self, plan: Plan, seconds: float) -> None:
        """Do what the plan says for so long, then let everything come to its end."""
        ends_at = time.monotonic() + seconds
        for step in plan.steps():
            if time.monotonic() >= ends_at:
                break
            self.steps += 1
            self._do(step)
        self._heal()
        farewells = plan.farewells()
        for say in farewells:
            self._say(say)
        self._until(lambda: not self._refused, "everything is accepted", self._say_again)
        for say in farewells:
            self._until(lambda say=say: self._has_reply(say), f"{say.chat}: the reply {say.token!r}")  # type: ignore[misc]
        self._until(self._is_at_rest, "no slot is used and no run is live")

    def _do(self, step: Step) -> None:
        match step:
            case Say():
                self._say(step)
            case Listen(chat, seconds):
                self._listen(chat, seconds)
                self._heal()
                self._say_again()
            case Fault.KILL:
                self._daemon.kill()
                self._heal()
                self._daemon.start()
            case Fault.RESTART:
                self._heal()
                assert self._daemon.terminate() == 0
                self._daemon.start()
            case Fault.CUT:
                self._store.cut()

    def _heal(self) -> None:
        self._store.heal()

    def _say(self, say: Say) -> None:
        """Send a text; anything but success and "not now" is a defect."""
        body = json.dumps({"text": say.text, "id": say.token}).encode()
        path = f"/v1/local/chats/{say.chat}/messages"
        try:
            answer = self._daemon.client.request("POST", path, body, {"Content-Type": "application/json"})
        except (OSError, HTTPException):
            self._refused.append(say)
            return
        if answer.status in _OK:
            self.accepted[say.token] = say.chat
        else:
            assert answer.status == _UNAVAILABLE, f"{say}: HTTP {answer.status}: {answer.body!r}"
            self._refused.append(say)

    def _say_again(self) -> None:
        refused, self._refused = self._refused, []
        for say in refused:
            self._say(say)

    def _listen(self, chat: str, seconds: float) -> None:
        """Read what is there, or wait for it; an answer that cannot be given now is no defect."""
        answer = self._daemon.client.request(
            "GET", f"/v1/local/chats/{chat}/updates?after={self._said.get(chat, 0)}&wait={seconds:.2f}&limit=500"
        )
        if answer.status in _OK:
            self._said[chat] = answer.json["last_seq"]
        else:
            assert answer.status == _UNAVAILABLE, f"{chat}: HTTP {answer.status}: {answer.body!r}"

    def _until(self, is_reached: Callable[[], bool], what: str, meanwhile: Callable[[], None] | None = None) -> None:
        """Look again after every piece of news, until it is so; fails at the deadline."""
        deadline = time.monotonic() + _SETTLE_S
        while not is_reached():
            assert time.monotonic() < deadline, f"not within {_SETTLE_S:g} s: {what}"
            self._listen("nobody", _LISTEN_S)
            if meanwhile is not None:
                meanwhile()

    def _has_reply(self, say: Say) -> bool:
        return say.token in self._daemon.client.replies(say.chat)[-20:]

    def _is_at_rest(self) -> bool:
        status = self._daemon.client.get("/v1/status")
        return (status["slots"]["used"], status["store"]["live_runs"]) == (0, 0)


@contextmanager
def locked_sqlite(path: Path) -> Iterator[LockedSqlite]:
    """A file whose lock is given back at the end of the block."""
    store = LockedSqlite(path)
    try:
        yield store
    finally:
        store.heal()
