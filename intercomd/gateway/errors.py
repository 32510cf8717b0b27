"""What can go wrong with one request, as far as the gateway treats it differently. None of these leaves the package."""

from __future__ import annotations

from datetime import timedelta

from intercomd.errors import IntercomError


class ClientGone(IntercomError):
    """The agent hung up, or its run ended: nobody waits for an answer."""


class BadRequest(IntercomError):
    """The agent's request is refused with `status`; the text tells it why."""

    def __init__(self, status: int, text: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.retry_after = retry_after


class UpstreamFailed(IntercomError):
    """The provider could not be reached, or broke off; the text has no address with credentials."""

    def __init__(self, text: str, *, status: int = 502) -> None:
        super().__init__(text)
        self.status = status


class LoginEnded(IntercomError):
    """A login cannot be renewed, now or later."""


class StoppedReading(UpstreamFailed):
    """The provider takes no more of the request; it may have answered already."""


class CertificateRefused(UpstreamFailed):
    """Whoever answered could not prove to be the provider."""
