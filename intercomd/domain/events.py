"""Stable codes of the decisions that are recorded with every message (append-only, same transaction)."""

from __future__ import annotations

from enum import StrEnum


class EventCode(StrEnum):
    """Why something happened to a chat message, a run or a text; shown by the operator's tools, never renamed."""

    MESSAGE_REQUEST = "message.request"
    MESSAGE_CONTEXT = "message.context"
    MESSAGE_COMMAND = "message.command"
    MESSAGE_UNREGISTERED = "message.unregistered"
    MESSAGE_BLANK = "message.blank"
    GROUP_REGISTERED = "group.registered"
    GROUP_CHANGED = "group.changed"
    GROUP_REMOVED = "group.removed"
    RUN_OPENED = "run.opened"
    RUN_STARTED = "run.started"
    RUN_FOLLOW_UP = "run.follow_up"
    RUN_REPLIED = "run.replied"
    RUN_SILENT = "run.silent"
    RUN_FRAME_FAILED = "run.frame_failed"
    RUN_SUPERSEDED = "run.superseded"
    RUN_ENDED = "run.ended"
    RUN_RETRY = "run.retry"
    RUN_GAVE_UP = "run.gave_up"
    RUN_PENDING = "run.pending"
    GROUP_CANCELLED = "group.cancelled"
    GROUP_RETRY_ASKED = "group.retry_asked"
    SESSION_FORGOTTEN = "session.forgotten"
    SESSION_REPLACED = "session.replaced"
    TEXT_SENT = "text.sent"
    TEXT_POSTPONED = "text.postponed"
    TEXT_FAILED = "text.failed"
    TEXT_EXPIRED = "text.expired"
    TEXT_UNKNOWN = "text.unknown"
    TEXT_RESENT = "text.resent"
    LEASE_TAKEN = "lease.taken"
    LEASE_RELEASED = "lease.released"
    HOLD_PLACED = "hold.placed"
    HOLD_LIFTED = "hold.lifted"
