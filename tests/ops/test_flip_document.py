"""docs/migrations/orchestrator-flip.md is true: scripts/flip runs its commands against a real daemon and host."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.ops.console import flip_script, make_path
from tests.ops.fake_systemd import FakeSystemd, Unit
from tests.project.source import ROOT
from tests.support.daemon import DaemonProcess, Settings
from tests.support.host import HostProcess
from tests.support.postgres import running_server

DOCUMENT = (ROOT / "docs/migrations/orchestrator-flip.md").read_text(encoding="utf-8")
STEPS = flip_script().read_steps(DOCUMENT)
SETTINGS: Settings = {
    "orchestrator": {"enabled": False, "main_group_folder": "main", "lease_ms": 3_000, "grace_ms": 5_000}
}
NEEDS_SYSTEMD = ("systemctl", "journalctl")


def show(process: DaemonProcess) -> None:
    """What it logged, for whoever reads why a test failed."""
    print(*process.transcript, sep="\n")


@dataclass
class Install:
    """A host that orchestrates, a daemon that is idle, and the commands of an operator."""

    daemon: DaemonProcess
    host: HostProcess
    variables: dict[str, str]

    def flip(self, *options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [ROOT / "scripts/flip", *options],
            env={**os.environ, **self.variables},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )


@pytest.fixture
def storage(request: pytest.FixtureRequest) -> Iterator[Settings]:
    """The embedded store, unless a test asks for the other by its parameter."""
    if getattr(request, "param", "sqlite") == "sqlite":
        yield {}
        return
    with running_server() as server:
        yield {"storage": {"postgres_dsn": server.create_empty("flip")}}


@pytest.fixture
def install(tmp_path: Path, storage: Settings) -> Iterator[Install]:
    """Both processes on one store, with `systemctl` and `journalctl` for the two."""
    commands = tmp_path / "commands"
    commands.mkdir()
    environment_file = tmp_path / "host.env"
    settings = {**SETTINGS, **storage}
    with ExitStack() as stack:
        host, daemon = HostProcess(tmp_path, settings), DaemonProcess(tmp_path, settings)
        for process in (host, daemon):
            stack.callback(show, process)
            stack.callback(process.close)
            process.start()
        host.wait_for_log("orchestrator.state", state="active")
        units = {"intercomd": Unit(daemon), "intercom-host": Unit(host, environment_file)}
        stack.enter_context(FakeSystemd(commands, units))
        variables = {
            "PATH": make_path(commands),
            "CONFIG": str(daemon.config),
            "DATA": str(daemon.data_dir),
            "HOST_ENV": str(environment_file),
        }
        daemon.client.post("/v1/groups", {"jid": "local:home", "folder": "main", "requires_trigger": False})
        yield Install(daemon, host, variables)


@pytest.mark.full
@pytest.mark.timeout(180)
@pytest.mark.parametrize("storage", ["sqlite", "postgres"], indirect=True)
def test_commands_of_the_document_print_what_it_says(install: Install) -> None:
    """Forward and back: each command succeeds with the documented output, texts said on the way are answered once by
    whoever is in charge, and the other says that it is not (hazards B-112, B-113)."""
    assert install.daemon.client.ask("home", "before") == "before"
    done = install.flip()
    assert done.returncode == 0, done.stdout + done.stderr
    assert not install.host.log.events("run.started")
    assert install.daemon.client.ask("home", "between") == "between"
    done = install.flip("--back")
    assert done.returncode == 0, done.stdout + done.stderr
    assert install.daemon.client.ask("home", "after") == "after"
    assert install.host.log.events("run.started", folder="main")
    assert not install.daemon.log.events("run.started")
    assert install.daemon.client.replies("home") == ["before", "between", "after"]


@pytest.mark.full
def test_flip_stops_at_the_first_check_that_fails(install: Install) -> None:
    """Without a main group the host is left as it is, and the answer says where it stopped (hazard B-112)."""
    assert install.daemon.client.request("DELETE", "/v1/groups/main").status == 204
    done = install.flip()
    assert done.returncode == 1
    assert "Stopped here" in done.stderr
    assert "systemctl" not in done.stdout
    assert not Path(install.variables["HOST_ENV"]).exists()
    assert install.daemon.client.ask("home-2", "still answered") == "still answered"


@pytest.mark.parametrize("options", [(), ("--back",)], ids=["forward", "back"])
def test_dry_run_prints_every_command_and_runs_none(tmp_path: Path, options: tuple[str, ...]) -> None:
    """On a machine without any of it, the commands come in the document's order."""
    done = subprocess.run(
        [ROOT / "scripts/flip", "--dry-run", *options],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "CONFIG": str(tmp_path / "none.toml")},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    sections = flip_script().BACK if options else flip_script().FORWARD
    printed = [line.partition("$ ")[2] for line in done.stdout.splitlines() if line.startswith("[")]
    assert printed == [step.command for step in STEPS if step.section in sections]
    assert list(tmp_path.iterdir()) == []


def test_script_has_the_variables_of_the_document_and_their_defaults() -> None:
    """Whoever follows the page by hand and whoever runs the script do the same."""
    table = dict(re.findall(r"^\| `(\w+)` \| .* \| `(.*)` \|$", DOCUMENT, re.MULTILINE))
    assert table == flip_script().DEFAULTS
    used = {name for step in STEPS for name in re.findall(r"\$(\w+)", step.command)}
    assert used == set(table)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.command)
def test_command_that_needs_systemd_is_marked(step: object) -> None:
    """A reader without the services sees which blocks are not for them."""
    command, tags = step.command, step.tags  # type: ignore[attr-defined]  # a class of scripts/flip
    assert command.startswith(NEEDS_SYSTEMD) == ("systemd" in tags)


@pytest.mark.parametrize(
    ("expected", "printed", "is_match"),
    [
        (["ok"], ["ok"], True),
        (["ok"], ["ok", "more"], False),
        (["ok"], [], False),
        ([], [], True),
        (["a … c"], ["a b c"], True),
        (["a … c"], ["a b d"], False),
        (["…", "last"], ["one", "two", "last"], True),
        (["…", "last"], ["last"], True),
        (["…", "last"], ["one"], False),
        (["a.c"], ["abc"], False),
    ],
)
def test_output_is_compared_with_placeholders(expected: list[str], printed: list[str], *, is_match: bool) -> None:
    """`…` is any text of a line, alone any lines; everything else is literal."""
    assert flip_script().matches(expected, printed) is is_match
