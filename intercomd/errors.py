"""The errors intercomd raises itself; third-party exceptions are wrapped once, in the adapter that meets them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta


class IntercomError(Exception):
    """Root of everything intercomd raises on purpose: the text says what, where and what to do."""


class ConfigError(IntercomError):
    """The configuration cannot be used. `problems` holds every problem found, one sentence each."""

    def __init__(self, source: str, problems: Sequence[str]) -> None:
        self.source = source
        self.problems = tuple(problems)
        count = f"{len(self.problems)} problem" + ("" if len(self.problems) == 1 else "s")
        super().__init__("\n".join([f"{source} has {count}:", *(f"  {p}" for p in self.problems)]))


class StoreError(IntercomError):
    """The store refused or could not do what was asked."""


class StoreUnavailable(StoreError):
    """The store is away, or a COMMIT went unanswered: repeat the same write later (every write has a key)."""


class StoreConflict(StoreError):
    """The stored state does not allow this write (duplicate folder, newer generation, ended run)."""


class FenceLost(StoreConflict):
    """The lease this write relies on has another epoch now: somebody else owns the duty."""


class SchemaMismatch(StoreError):
    """The database has a schema this program does not know (a newer version wrote it)."""


class SandboxError(IntercomError):
    """A sandbox could not be started or controlled."""


class SetupNeeded(SandboxError):
    """A run cannot start until a person changes something. It is not tried again; the text says what to change and
    where, in one sentence for the chat."""


class ChannelError(IntercomError):
    """A channel could not deliver a text.

    `retry_after` is the wait the other side asked for. `may_have_arrived` is true when the request was written
    and its answer never came: repeating it may show people the text twice.
    """

    def __init__(
        self,
        text: str,
        *,
        retry_after: timedelta | None = None,
        may_have_arrived: bool = False,
        is_permanent: bool = False,
    ) -> None:
        super().__init__(text)
        self.retry_after = retry_after
        self.may_have_arrived = may_have_arrived
        self.is_permanent = is_permanent


class PolicyRefused(IntercomError):
    """The request is understood and not allowed for this caller."""


class InvalidInput(IntercomError):
    """A caller's value is wrong: `field` says where, the text says what is allowed."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(f"{field}: {text}")
        self.field = field


class NotFound(IntercomError):
    """A single thing was asked for by its id and does not exist."""


class AskTimeout(IntercomError):
    """An actor did not answer within the asker's deadline."""


class ActorUnavailable(IntercomError):
    """The addressed actor is not running (restarting, stopped, or its supervisor gave up)."""


class ActorCrashed(ActorUnavailable):
    """The asked actor met a defect of ours over this very question; its cause is the exception."""


class MailboxFull(IntercomError):
    """The addressed actor's mailbox holds as many items as it may."""
