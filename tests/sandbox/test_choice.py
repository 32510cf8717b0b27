"""Which engine an install gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from intercomd.clock import SystemClock
from intercomd.errors import SandboxError
from intercomd.sandbox.choice import choose_engine

CLOCK = SystemClock()


def test_engine_without_isolation_is_chosen_by_name_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`auto` never falls back to running agents with our rights: it says what is missing (hazard B-120)."""
    assert choose_engine("process", CLOCK).is_isolated is False
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxError, match="bubblewrap: there is no bwrap program"):
        choose_engine("auto", CLOCK)


def test_unknown_engine_is_refused_with_the_names_there_are() -> None:
    """A wrong name is answered with the right ones."""
    with pytest.raises(SandboxError, match="'docker'; there are auto, bubblewrap, process"):
        choose_engine("docker", CLOCK)


@pytest.mark.full
def test_auto_takes_the_first_isolated_engine_that_works() -> None:
    """Where bubblewrap works, it is chosen."""
    assert choose_engine("auto", CLOCK).name == "bubblewrap"
