"""Which engine an install gets, and why it does not get another."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from intercomd.clock import SystemClock
from intercomd.errors import SandboxError
from intercomd.sandbox.choice import choose_engine, make_engines
from intercomd.sandbox.port import SandboxEngine
from tests.sandbox.harness import INSTALL
from tests.support.containers import container_settings


def engines(environment: Mapping[str, str] = os.environ, **other: str) -> tuple[SandboxEngine, ...]:
    return make_engines(container_settings(INSTALL, environment, **other), SystemClock())


def test_engine_without_isolation_is_chosen_by_name_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`auto` never falls back to running agents with our rights: it says what each engine lacks (hazard B-120)."""
    assert choose_engine("process", engines()).is_isolated is False
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxError) as refused:
        choose_engine("auto", engines())
    for reason in ("podman: there is no podman program", "docker: there is no docker", "bubblewrap: there is no bwrap"):
        assert reason in str(refused.value)
    assert "process" not in str(refused.value)


def test_unknown_engine_is_refused_with_the_names_there_are() -> None:
    """A wrong name is answered with the right ones."""
    with pytest.raises(SandboxError, match="'lxc'; there are auto, podman, docker, bubblewrap, process"):
        choose_engine("lxc", engines())


@pytest.mark.full
def test_auto_takes_podman_when_it_has_the_image(podman: Mapping[str, str]) -> None:
    """Containers enforce limits, so they come first where somebody has built their images."""
    assert choose_engine("auto", engines(podman)).name == "podman"


@pytest.mark.full
def test_auto_takes_bubblewrap_when_there_is_no_image(podman: Mapping[str, str]) -> None:
    """An engine of containers without the default runtime's image does not work, and bubblewrap needs none."""
    assert choose_engine("auto", engines(podman, image="localhost/intercom-test:missing")).name == "bubblewrap"
