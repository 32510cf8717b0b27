"""The answers of the Telegram and Demarch endpoints: keys and their order are those of the existing system."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

from intercomd.channels.telegram.pieces import PIECE_LIMIT


class IngressParity(Struct, frozen=True):
    trigger_required: bool = False
    trigger_present: bool = False
    runtime_profile_found: bool = False
    runtime_fallback_used: bool = False
    model_fallback_used: bool = False


class IngressAnswer(Struct, frozen=True):
    """`reason` is null when the text was accepted."""

    accepted: bool
    reason: str | None
    normalized_content: str
    group_name: str | None
    group_folder: str | None
    runtime: str | None
    model: str | None
    parity: IngressParity


class SendParity(Struct, frozen=True):
    max_chars_per_chunk: int = PIECE_LIMIT
    all_chunks_within_limit: bool = True


class SendAnswer(Struct, frozen=True):
    """Lengths are in code points."""

    ok: bool
    error: str | None = None
    message_ids: tuple[str, ...] = ()
    chunks_planned: int = 0
    chunks_sent: int = 0
    chunk_lengths: tuple[int, ...] = ()
    parity: SendParity = field(default_factory=SendParity)


class EditAnswer(Struct, frozen=True):
    ok: bool
    error: str | None = None
    truncated: bool = False
    parity_max_chars: int = PIECE_LIMIT


class CallbackAnswer(Struct, frozen=True):
    ok: bool
    action: str
    target_id: str
    result: str | None = None
    error: str | None = None


class DemarchReply(Struct, frozen=True):
    status: Literal["ok", "error"]
    result: str
