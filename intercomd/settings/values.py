"""Settings that are more than a number or a text: a listen address and secrets."""

from __future__ import annotations

import re
from ipaddress import ip_address
from pathlib import Path

_TCP = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.%\w]+)\]|(?P<host>[^\s:\[\]/]+)):(?P<port>\d{1,5})")
_UNIX = "unix:"
_URL_PASSWORD = re.compile(r"(://[^:]*:).*@", re.DOTALL)
_NAMED_PASSWORD = re.compile(r"(password\s*=\s*)('(?:[^'\\]|\\.)*'?|[^\s&]+)", re.IGNORECASE)
_BOT_TOKEN = re.compile(r"\d+:[A-Za-z0-9_-]+", re.ASCII)
_DSN = re.compile(r"postgres(ql)?://|\w+\s*=")


class BindAddress:
    """Where the API listens: a host and port (0 = any free one), or a unix socket's path.

    Not a dataclass, and nor are the secrets below: msgspec would take those apart instead of asking us.
    """

    __slots__ = ("host", "port", "socket_path", "text")

    def __init__(
        self, text: str, *, host: str | None = None, port: int | None = None, socket_path: Path | None = None
    ) -> None:
        self.text = text
        self.host = host
        self.port = port
        self.socket_path = socket_path

    @classmethod
    def parse(cls, text: str) -> BindAddress:
        """`HOST:PORT`, `[IPV6]:PORT` or `unix:PATH`; raises `ValueError` with what is allowed."""
        text = text.strip()
        if text.startswith(_UNIX) and len(text) > len(_UNIX):
            return cls(text, socket_path=Path(text.removeprefix(_UNIX)))
        match = _TCP.fullmatch(text)
        if not match or int(match["port"]) > 65535:
            raise ValueError("must be HOST:PORT with a port from 0 to 65535, [IPV6]:PORT, or unix:PATH")
        return cls(text, host=match["v6"] or match["host"], port=int(match["port"]))

    @property
    def is_local(self) -> bool:
        """Only programs on this machine can reach it."""
        if self.host is None or self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BindAddress) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"BindAddress({self.text!r})"


class PostgresDsn:
    """How to reach Postgres, password included: it shows itself without, whoever prints it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    @classmethod
    def parse(cls, text: str) -> PostgresDsn:
        """A URL or `key=value` words; raises `ValueError` with what is allowed."""
        if not _DSN.match(text.strip()):
            raise ValueError("must be postgresql://USER:PASSWORD@HOST:PORT/DATABASE")
        return cls(text.strip())

    def reveal(self) -> str:
        """The text with its password, for the one who connects."""
        return self._text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PostgresDsn) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __str__(self) -> str:
        return redact(self._text)

    def __repr__(self) -> str:
        return f"PostgresDsn({redact(self._text)!r})"


class BotToken:
    """A Telegram bot's token: it shows itself as stars, whoever prints it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    @classmethod
    def parse(cls, text: str) -> BotToken:
        """`NUMBER:LETTERS`; raises `ValueError` with what is allowed."""
        if not _BOT_TOKEN.fullmatch(text.strip()):
            raise ValueError("must be a bot token as Telegram's BotFather gives it: 123456:ABC-DEF")
        return cls(text.strip())

    def reveal(self) -> str:
        """The token itself, for the one who calls Telegram."""
        return self._text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BotToken) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __str__(self) -> str:
        return "***"

    def __repr__(self) -> str:
        return "BotToken('***')"


def redact(text: str) -> str:
    """`text` without the passwords of URLs and of `password=` words."""
    return _NAMED_PASSWORD.sub(r"\1***", _URL_PASSWORD.sub(r"\1***@", text))
