"""Credentials that a provider has just refused: a run that would show the same one again is not started.

So one failed run is followed by a notice with the fix, and not by five more runs. It counts for the group whose request
was refused, for what else is in a request may have a part in it; and for a minute, for a provider may be wrong.
"""

from __future__ import annotations

from threading import Lock

from intercomd.clock import Clock
from intercomd.errors import SetupNeeded
from intercomd.gateway.keyring import Grant

_SECONDS = 60.0


class Refusals:
    """By group and runtime; for any thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._guard = Lock()
        self._last: dict[tuple[str, str], tuple[Grant, float]] = {}

    def note(self, folder: str, runtime: str, grant: Grant) -> SetupNeeded:
        """Remember it; the error to end the request with."""
        with self._guard:
            self._last[folder, runtime] = (grant, self._clock.monotonic())
        return _refused(runtime, grant)

    def check(self, folder: str, runtime: str, grant: Grant) -> None:
        """Raises `SetupNeeded` when the provider has just refused this very grant."""
        with self._guard:
            refused, at = self._last.get((folder, runtime), (None, 0.0))
        if grant == refused and self._clock.monotonic() - at < _SECONDS:
            raise _refused(runtime, grant)


def _refused(runtime: str, grant: Grant) -> SetupNeeded:
    return SetupNeeded(f"the provider refused the credential for {runtime} ({grant.name}): put a valid one there")
