"""Engines under test, and the rule that no sandbox leaves a thread, a descriptor, a process or a container behind."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from intercomd.sandbox.containers import ContainerEngine
from intercomd.sandbox.port import SandboxEngine
from tests.sandbox.harness import INSTALL, Bench, make_engine, open_bench
from tests.support.containers import import_thin_image, podman_environment
from tests.support.dockerd import running_dockerd


@pytest.fixture(scope="session")
def podman(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """The environment of a podman that works and has the image, checked once."""
    environment = podman_environment(tmp_path_factory.mktemp("podman"))
    import_thin_image("podman", environment)
    assert make_engine("podman", INSTALL, environment).check() is None
    return environment


@pytest.fixture(scope="session")
def docker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """The environment of a Docker daemon of our own, checked once."""
    with running_dockerd(tmp_path_factory.mktemp("docker")) as environment:
        assert make_engine("docker", INSTALL, environment).check() is None
        yield environment


FULL = pytest.mark.full


CONTAINERS = (
    pytest.param("podman", marks=FULL),
    *([pytest.param("docker", marks=pytest.mark.soak)] if shutil.which("dockerd") else []),
)
"""Docker where its daemon is installed, by `scripts/dev soak -k docker`: it needs root and ten seconds to start."""


@pytest.fixture(params=["process", pytest.param("bubblewrap", marks=FULL), *CONTAINERS], scope="session")
def engine_name(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def environment(engine_name: str, request: pytest.FixtureRequest) -> Mapping[str, str]:
    """What the engine's own program is to see."""
    found: Mapping[str, str] = os.environ
    if engine_name in {"podman", "docker"}:
        found = request.getfixturevalue(engine_name)
    return found


@pytest.fixture
def engine(engine_name: str, environment: Mapping[str, str]) -> SandboxEngine:
    """Every engine in turn; an engine that does not work here is a failure, not a skip."""
    engine = make_engine(engine_name, INSTALL, environment)
    if not isinstance(engine, ContainerEngine):  # those are checked once: a check takes as long as a test
        assert engine.check() is None
    return engine


@pytest.fixture(params=["process", pytest.param("bubblewrap", marks=FULL)])
def direct_bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """Engines whose sandbox is a process of ours, without a client in between."""
    with open_bench(make_engine(request.param, INSTALL, os.environ), tmp_path) as bench:
        yield bench


@pytest.fixture
def bench(engine: SandboxEngine, tmp_path: Path) -> Iterator[Bench]:
    descriptors = set(os.listdir("/proc/self/fd"))
    with open_bench(engine, tmp_path) as bench:
        yield bench
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("sandbox ")]
    assert set(os.listdir("/proc/self/fd")) <= descriptors
    if isinstance(engine, ContainerEngine):
        assert engine.end_strays(frozenset) == 0, "a container was left behind"
