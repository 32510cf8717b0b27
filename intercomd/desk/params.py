"""The arguments of a tool call, which may be anything that JSON can say."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from intercomd.errors import InvalidInput


class Params:
    """Each method raises `InvalidInput`, naming the argument, when it is of another type. null is as if left out."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self.values = values

    def text(self, name: str) -> str:
        value = self.find_text(name)
        if value is None:
            raise InvalidInput(name, "is missing")
        return value

    def find_text(self, name: str) -> str | None:
        value = self.values.get(name)
        if value is None or isinstance(value, str):
            return value
        raise InvalidInput(name, "must be text")

    def texts(self, name: str) -> tuple[str, ...]:
        value = self.values.get(name)
        if value is None:
            return ()
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(value)
        raise InvalidInput(name, "must be a list of texts")

    def flag(self, name: str, *, default: bool) -> bool:
        value = self.values.get(name)
        if value is None:
            return default
        if isinstance(value, bool):
            return value
        raise InvalidInput(name, "must be true or false")

    def number(self, name: str, default: int) -> int:
        value = self.values.get(name)
        if value is None:
            return default
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        raise InvalidInput(name, "must be a whole number")

    def find_table(self, name: str) -> Mapping[str, object] | None:
        value = self.values.get(name)
        if value is None or isinstance(value, dict):
            return value
        raise InvalidInput(name, "must be an object")

    def find_instant(self, name: str) -> datetime | None:
        """An ISO 8601 time; without a zone it is UTC."""
        text = self.find_text(name)
        if text is None:
            return None
        try:
            instant = datetime.fromisoformat(text)
            return instant.replace(tzinfo=instant.tzinfo or UTC).astimezone(UTC)
        except (ValueError, OverflowError):
            raise InvalidInput(name, f"{text[:40]!r} is no time such as 2026-02-01T15:30:00Z") from None
