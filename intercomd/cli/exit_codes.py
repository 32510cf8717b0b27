"""What the exit codes of `intercomd` mean; docs/configuration.md tells the same to people."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """How a command ended. 70, 75 and 78 have the meaning of BSD's sysexits.h."""

    OK = 0
    FAILURE = 1
    """The command could not do what was asked; one line on standard error says why."""
    USAGE = 2
    """The command line is wrong; `status --check` also uses it for "cannot tell"."""
    CRASH = 70
    """A defect of intercomd, or a supervision tree that gave up."""
    TRY_LATER = 75
    """Something from outside is missing for the moment; the same command may succeed later."""
    BAD_CONFIG = 78
    """The configuration cannot be used; every problem is on standard error. Restarting does not help."""
    INTERRUPTED = 130
    """Ctrl-C."""
