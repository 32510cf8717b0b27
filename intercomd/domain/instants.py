"""Instants in three forms: aware UTC datetimes in the code, epoch milliseconds in the store, ISO text on the wire."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_epoch_ms(instant: datetime) -> int:
    """Milliseconds since 1970 (UTC), truncated; the form in which the store keeps instants."""
    return (instant - EPOCH) // timedelta(milliseconds=1)


def from_epoch_ms(milliseconds: int) -> datetime:
    """The aware UTC datetime of a stored instant."""
    return EPOCH + timedelta(milliseconds=milliseconds)


def iso_ms(instant: datetime) -> str:
    """`YYYY-MM-DDTHH:MM:SS.mmmZ`: the wire form of an instant, always 24 characters, always UTC."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
