"""What the kit raises itself, beyond the errors every address can raise."""

from __future__ import annotations

from intercomd.errors import IntercomError


class StartFailed(IntercomError):
    """A tree or subtree could not be started; what had been started before is stopped again."""
