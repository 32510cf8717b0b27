"""What happens in a soak, drawn from a seed: people write, cancel and wait; the daemon and its store suffer."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

CHATS = tuple(f"chat{number}" for number in range(10))
_COMMANDS = ("/stop", "/reset", "/status", "/ping")
_BURST = 8
_LONGEST_WAIT_S = 0.6


@dataclass(frozen=True)
class Say:
    """Somebody writes `text` (a command too). A request's text ends with its `token`, which the reply repeats."""

    chat: str
    text: str
    token: str


@dataclass(frozen=True)
class Listen:
    """Somebody waits for news in a chat, but not for long."""

    chat: str
    seconds: float


class Fault(Enum):
    """What happens to the daemon or to its store."""

    KILL = auto()
    """kill -9, and a new daemon on the same home."""
    RESTART = auto()
    """An orderly stop, and a new daemon."""
    CUT = auto()
    """The store goes away in the middle of things, and comes back a little later."""


Step = Say | Listen | Fault


class Plan:
    """An endless sequence of steps; the same seed gives the same one."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._count = 0

    def steps(self) -> Iterator[Step]:
        while True:
            kind = self._random.choices(
                ("say", "burst", "command", "listen", "kill", "restart", "cut"), (40, 3, 8, 40, 1.5, 1, 2)
            )[0]
            match kind:
                case "say":
                    yield self._say(self._random.choice(CHATS), self._directives())
                case "burst":
                    chats = self._random.choice((CHATS, CHATS[:1]))
                    yield from (self._say(self._random.choice(chats), "") for _ in range(_BURST))
                case "command":
                    yield Say(self._random.choice(CHATS), self._random.choice(_COMMANDS), self._token())
                case "listen":
                    yield Listen(self._random.choice(CHATS), self._random.uniform(0, _LONGEST_WAIT_S))
                case _:
                    yield Fault[kind.upper()]

    def farewells(self) -> list[Say]:
        """A last request in every chat. Its reply means that everything before it has its outcome."""
        return [self._say(chat, "") for chat in CHATS]

    def _say(self, chat: str, directives: str) -> Say:
        token = self._token()
        return Say(chat, f"{directives} {token}".strip(), token)

    def _token(self) -> str:
        self._count += 1
        return f"m{self._count}."

    def _directives(self) -> str:
        slow = f"!slow {self._random.uniform(0.1, 1.5):.2f}"
        return self._random.choices(
            ("", slow, "!fail", "!crash-after", "!fork", "!big 2", "!stream", "!silent", "!exit 3", "!half", "!hang"),
            (40, 15, 4, 5, 4, 4, 8, 8, 3, 3, 2),
        )[0]
