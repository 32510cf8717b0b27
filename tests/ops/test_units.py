"""The systemd units can be loaded, restart what should be restarted, and leave a stop the time it takes."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from intercomd.cli.exit_codes import ExitCode
from intercomd.settings.loading import ENVIRONMENT_FILES
from intercomd.settings.model import Settings
from tests.project.source import ROOT

PROGRAM = "/opt/intercomd/bin/intercomd"
UNITS = {"intercomd.service": "serve", "intercom-host.service": "host"}
EXAMPLE = re.compile("^#   (?=LoadCredential=|Environment=|ExecStart=)", re.MULTILINE)
"""Where a line of a drop-in is shown in a comment."""

FORCE_S = 30
"""What a stop may take after the grace period: sandboxes 10 s, requests in flight 5 s, threads 15 s."""


@pytest.fixture(params=UNITS, ids=str)
def unit(request: pytest.FixtureRequest) -> Path:
    return ROOT / "config" / str(request.param)


def read_unit(unit: Path) -> dict[str, list[str]]:
    """Key → values in order; continuation lines are not used in our units."""
    found: dict[str, list[str]] = defaultdict(list)
    for line in unit.read_text().splitlines():
        if line and line[0] not in "#[":
            key, _, value = line.partition("=")
            found[key].append(value)
    return found


@pytest.mark.parametrize("is_with_secrets", [False, True], ids=["plain", "with the drop-in of its comments"])
def test_unit_is_accepted_by_systemd(unit: Path, tmp_path: Path, *, is_with_secrets: bool) -> None:
    """`systemd-analyze verify` finds nothing to say, with an existing program in the place of the installed one
    (hazard B-110)."""
    checked = tmp_path / unit.name
    text = unit.read_text()
    if is_with_secrets:
        text = EXAMPLE.sub("", text)
    checked.write_text(text.replace(PROGRAM, sys.executable))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=yes", str(checked)],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_unit_knows_when_the_service_is_ready_and_alive(unit: Path) -> None:
    """The service reports both, so that what starts after it starts after it works (hazard B-110)."""
    values = read_unit(unit)
    assert values["Type"] == ["notify"]
    assert values["NotifyAccess"] == ["main"]
    assert int(values["WatchdogSec"][0]) > FORCE_S, "the watchdog is silent while threads are ended by force"


def test_unit_restarts_after_everything_but_a_bad_configuration(unit: Path) -> None:
    """What a further start cannot change is left for a person; what may heal is tried again."""
    values = read_unit(unit)
    assert values["Restart"] == ["on-failure"]
    assert values["StartLimitIntervalSec"] == ["0"], "it would give up after a few tries"
    assert values["RestartPreventExitStatus"] == [str(int(ExitCode.BAD_CONFIG))]


def test_unit_leaves_a_stop_the_time_it_takes(unit: Path) -> None:
    """The service alone hears SIGTERM and has longer than grace and force together (hazard B-105)."""
    values = read_unit(unit)
    assert values["KillMode"] == ["mixed"]
    assert int(values["TimeoutStopSec"][0]) > Settings().orchestrator.grace_ms / 1000 + FORCE_S


def test_secrets_come_by_variables_that_the_program_reads() -> None:
    """What the comments set is what the settings know."""
    shown = re.findall(r"^#   Environment=(\w+)=", (ROOT / "config/intercomd.service").read_text(), re.MULTILINE)
    assert set(shown) == set(ENVIRONMENT_FILES)


def test_unit_runs_the_program_with_options_it_has(unit: Path) -> None:
    """The command line is one that the program takes."""
    (line,) = read_unit(unit)["ExecStart"]
    program, command, *options = line.split()
    assert (program, command) == (PROGRAM, UNITS[unit.name])
    done = subprocess.run(
        [sys.executable, "-m", "intercomd", command, *options, "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_unit_names_nobodys_home(unit: Path) -> None:
    """Paths are the program's own or specifiers, so the file fits every machine (hazard B-110)."""
    text = unit.read_text()
    assert "/home/" not in text
    assert "/root" not in text
    assert read_unit(unit)["WorkingDirectory"] == ["%S/intercomd"]


def test_unit_gives_up_what_the_service_does_not_need(unit: Path) -> None:
    """No new privileges, no capabilities, a read-only system; and nothing that would stop Bubblewrap."""
    values = read_unit(unit)
    assert values["NoNewPrivileges"] == ["yes"]
    assert values["CapabilityBoundingSet"] == [""]
    assert values["ProtectSystem"] == ["strict"]
    assert values["PrivateTmp"] == ["yes"]
    stops_bubblewrap = {"RestrictNamespaces", "ProtectKernelTunables", "ProtectKernelLogs", "ProtectProc", "ProcSubset"}
    assert stops_bubblewrap.isdisjoint(values)


def test_both_units_are_confined_alike() -> None:
    """The host runs the same parts as the daemon, so whatever holds for one holds for the other."""
    own = {"Description", "ExecStart", "EnvironmentFile", "RuntimeDirectory", "RuntimeDirectoryPreserve"}
    daemon, host = (
        {key: value for key, value in read_unit(ROOT / "config" / name).items() if key not in own} for name in UNITS
    )
    assert daemon == host
