"""What `intercomd preflight` says of credentials and programs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from intercomd.clock import SystemClock
from intercomd.daemon.legacy import find_credential_origin
from intercomd.daemon.model_access import open_keyring
from intercomd.daemon.preflight import Preflight
from intercomd.daemon.process import own_holder
from intercomd.domain.preflight import Finding
from intercomd.sandbox.containers import PODMAN, ContainerEngine
from intercomd.sandbox.port import SandboxEngine
from intercomd.sandbox.process import ProcessEngine
from intercomd.settings.model import Profile, Runtimes, Settings, Storage
from intercomd.settings.sandbox import AgentKind
from intercomd.store.opening import StoreSettings, open_store
from intercomd.store.ports import Store
from tests.support.containers import container_settings


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    settings = StoreSettings(assistant_name="Amy", main_folder="main", sqlite_path=tmp_path / "intercom.db")
    with closing(open_store(settings)) as store:
        yield store


def secrets(home: Path, store: Store, runtimes: Runtimes, **environment: str) -> Finding:
    return look("secrets", home, store, runtimes, None, **environment)


def look(
    name: str,
    home: Path,
    store: Store,
    runtimes: Runtimes,
    engine: SandboxEngine | None = None,
    **environment: str,
) -> Finding:
    """What one check finds where agents run in `engine`, or as processes."""
    storage = Storage(data_dir=home / "data", groups_dir=home / "groups")
    settings = Settings(storage=storage, runtimes=runtimes)
    keyring = open_keyring(home, {"HOME": str(home), **environment}, SystemClock())
    preflight = Preflight(
        settings,
        store,
        lambda: engine or ProcessEngine(SystemClock()),
        own_holder(),
        lambda _holder: False,
        environment,
        lambda runtime: find_credential_origin(settings, keyring, runtime),
    )
    (found,) = [finding for finding in preflight.run() if finding.name == name]
    return found


def test_credential_is_found_where_the_gateway_finds_it(tmp_path: Path, store: Store) -> None:
    """Where it is, not what it is."""
    found = secrets(tmp_path, store, Runtimes(default_runtime="claude"), ANTHROPIC_API_KEY="canary")
    assert found == Finding("secrets", is_ok=True, evidence="claude: ANTHROPIC_API_KEY in the environment")


def test_missing_credential_is_a_complaint_with_the_fix(tmp_path: Path, store: Store) -> None:
    """Before the first question, not with it."""
    found = secrets(tmp_path, store, Runtimes(default_runtime="codex"))
    assert not found.is_ok
    assert found.evidence.startswith("there is no credential for codex: set OPENAI_API_KEY")


def test_runtime_without_a_provider_needs_its_variables(tmp_path: Path, store: Store) -> None:
    """`required_env` counts where the gateway has no say."""
    runtimes = Runtimes(default_runtime="echo", profiles={"echo": Profile(required_env=("THERE", "NOT_THERE"))})
    found = secrets(tmp_path, store, runtimes, THERE="x")
    assert found.evidence == "echo: not set in the environment: NOT_THERE"
    assert secrets(tmp_path, store, Runtimes(default_runtime="echo")).evidence == "none needed"


def test_program_of_a_runtime_is_looked_for_where_sandboxes_find_it(tmp_path: Path, store: Store) -> None:
    """Without an image and without the program nobody would answer; the advice says what installs it."""
    programs = tmp_path / "programs"
    (programs / "bin").mkdir(parents=True)
    runtimes = Runtimes(default_runtime="gemini", programs_dir=programs)
    assert look("runtimes", tmp_path, store, runtimes) == Finding(
        "runtimes",
        is_ok=False,
        evidence="there is no program gemini for sandboxes without images: run scripts/agents and set "
        "runtimes.programs_dir to its folder",
    )
    (programs / "bin/gemini").write_text("#!/bin/sh\n")
    (programs / "bin/gemini").chmod(0o755)
    assert look("runtimes", tmp_path, store, runtimes).evidence == "in use: gemini"


def test_image_of_the_existing_system_is_told_as_what_it_is(tmp_path: Path, store: Store) -> None:
    """What it may do is said before it does it; without an engine of containers nothing would answer."""
    runtimes = Runtimes(default_runtime="claude", profiles={"claude": Profile(agent=AgentKind.LEGACY)})
    refused = look("runtimes", tmp_path, store, runtimes)
    assert not refused.is_ok and refused.evidence.endswith("and agents run in process here")
    podman = ContainerEngine(PODMAN, container_settings("test", {}), SystemClock())
    allowed = look("runtimes", tmp_path, store, runtimes, podman)
    assert allowed.is_ok and "its agents read their credential, and have a network" in allowed.evidence
    found = secrets(tmp_path, store, runtimes, CLAUDE_CODE_OAUTH_TOKEN="canary")
    assert found.evidence == "claude: CLAUDE_CODE_OAUTH_TOKEN in the environment, handed to its containers"
