"""What `intercomd orchestrator` shows."""

from __future__ import annotations

import pytest

from intercomd.cli.orchestrator import render_state


@pytest.mark.parametrize(
    ("age_s", "line"),
    [
        (0.001, "state   idle: held by ada"),
        (1.0, "state   idle for 1s: held by ada"),
        (90.0, "state   idle for 1m: held by ada"),
    ],
)
def test_age_of_a_state_is_shown_from_a_second_on(age_s: float, line: str) -> None:
    """Right after a change there is no age worth a word."""
    shown = render_state(
        {"state": "idle", "state_age_s": age_s, "reason": "held by ada", "is_wanted": False, "owner": None, "runs": 0}
    )
    assert shown.splitlines()[0] == line
