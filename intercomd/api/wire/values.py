"""Values of the wire API: instants, and the cursor that `/messages/new` hands out."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated

import msgspec

from intercomd.api.requests import MAX_SEQ
from intercomd.domain.ids import ChatJid, Seq
from intercomd.domain.instants import EPOCH, iso_ms
from intercomd.errors import InvalidInput

Positions = Mapping[ChatJid, Seq]
"""Per chat the seq up to which a client has read."""

_Positions = dict[str, Annotated[int, msgspec.Meta(ge=0, le=MAX_SEQ)]]


def parse_instant(text: str, field: str) -> datetime | None:
    """An instant; None, which is before everything, for an empty text (hazard B-02). Without an offset it is UTC.

    Raises `InvalidInput` naming `field` for what is no ISO 8601.
    """
    if not text.strip():
        return None
    try:
        parsed = datetime.fromisoformat(text.strip())
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidInput(field, f"{text!r} is no instant; write it like 2026-01-31T12:00:00.000Z") from error


def parse_optional_instant(text: str | None, field: str) -> datetime | None:
    """The same for a field that may be absent; an empty text is the beginning of 1970."""
    return None if text is None else parse_instant(text, field) or EPOCH


def render_instant(instant: datetime) -> str:
    """ISO 8601 with milliseconds; what lies before 1970 becomes 1970 (original.md §6.2)."""
    return iso_ms(max(instant, EPOCH))


def render_optional_instant(instant: datetime | None) -> str | None:
    return None if instant is None else render_instant(instant)


def render_cursor(positions: Positions) -> str:
    """The positions as one opaque word."""
    return base64.urlsafe_b64encode(msgspec.json.encode(positions, order="sorted")).decode().rstrip("=")


def parse_cursor(text: str | None) -> dict[ChatJid, Seq]:
    """The positions in a cursor, none in an empty one; raises `InvalidInput` for what is no cursor of ours."""
    if not text:
        return {}
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars="-_", validate=True)
        return {ChatJid(jid): Seq(seq) for jid, seq in msgspec.json.decode(raw, type=_Positions).items()}
    except (binascii.Error, ValueError, msgspec.MsgspecError) as error:
        raise InvalidInput("cursor", "it is no cursor of this API; send the last `new_cursor`, or none") from error
