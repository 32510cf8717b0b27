"""The scripts find a usable Python and say clearly when there is none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.project.source import ROOT

TOO_OLD = "exit 1"
BROKEN = "exit 127"
WITHOUT_ENSUREPIP = 'case "$2" in *ensurepip*) exit 1 ;; esac'
GOOD = "exit 0"


def run_bash(program: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", program, "scripts/demo"],
        cwd=folder,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


def find_python(folder: Path, pythons: dict[str, str], **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `find_python` where no commands but these are on PATH."""
    for name, behaviour in pythons.items():
        command = folder / name
        command.write_text(f"#!/bin/bash\n{behaviour}\n")
        command.chmod(0o755)
    return run_bash(
        f'set -euo pipefail; source "{ROOT}/scripts/environment.sh"; PATH="$PWD"\n'
        "basename() { echo demo; }; find_python",
        folder,
        **environment,
    )


@pytest.mark.parametrize(
    ("pythons", "found"),
    [
        ({"python3": GOOD}, "python3"),
        ({"python3": TOO_OLD, "python3.11": GOOD}, "python3.11"),
        ({"python3": GOOD, "python3.12": BROKEN, "python3.11": GOOD}, "python3.11"),
        ({"python3.13": WITHOUT_ENSUREPIP, "python3.12": GOOD}, "python3.12"),
        ({"python": GOOD}, "python"),
    ],
)
def test_first_usable_python_is_taken(tmp_path: Path, pythons: dict[str, str], found: str) -> None:
    """Old, broken and incomplete ones are passed over, whatever their names promise."""
    done = find_python(tmp_path, pythons)
    assert (done.returncode, done.stdout) == (0, f"{found}\n")


def test_named_python_comes_first(tmp_path: Path) -> None:
    """PYTHON says which one to take."""
    done = find_python(tmp_path, {"python3.13": GOOD, "mine": GOOD}, PYTHON="mine")
    assert done.stdout == "mine\n"


@pytest.mark.parametrize(
    ("pythons", "complaint"),
    [
        ({}, "no Python 3.11 or newer found"),
        ({"python3": TOO_OLD}, "no Python 3.11 or newer found"),
        ({"python3.12": WITHOUT_ENSUREPIP}, "apt-get install python3.12-venv"),
    ],
)
def test_missing_python_is_told_with_the_way_out(tmp_path: Path, pythons: dict[str, str], complaint: str) -> None:
    """Without a usable Python the script fails with one line that says what to do."""
    done = find_python(tmp_path, pythons)
    assert done.returncode == 1
    assert done.stdout == ""
    assert complaint in done.stderr


def test_unknown_task_shows_the_tasks(tmp_path: Path) -> None:
    """`scripts/dev` without a task it knows lists those it has, and installs nothing."""
    for words in ("", "fsat"):
        done = run_bash(f'"{ROOT}/scripts/dev" {words}', tmp_path)
        assert done.returncode == 2
        assert "usage: scripts/dev TASK" in done.stderr


@pytest.mark.full
def test_demo_answers_on_standard_output_only(tmp_path: Path) -> None:
    """`scripts/demo --say` from another folder, twice: the reply alone on standard output, exit 0, nothing left."""
    command = [str(ROOT / "scripts" / "demo"), "--say", "hello there"]
    environment = {**os.environ, "INTERCOM_DEMO_DIR": str(tmp_path / "a demo"), "PYTHON": sys.executable}
    for _ in range(2):
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "hello there" in done.stdout
        assert len(done.stdout.splitlines()) == 1
