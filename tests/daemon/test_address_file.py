"""Where clients find the process on a data folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from intercomd.daemon.address_file import AddressFile
from intercomd.sandbox.group_lock import find_start_ticks


@pytest.fixture
def other_process() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def owner_of(folder: Path) -> object:
    return json.loads((folder / "daemon.json").read_text())["pid"]


def test_file_of_a_living_process_is_left_alone_and_taken_over_when_it_is_gone(
    tmp_path: Path, other_process: subprocess.Popen[bytes]
) -> None:
    """A second daemon on the folder neither hides the first nor stays hidden after it."""
    ticks = find_start_ticks(other_process.pid)
    first = {"url": "http://first", "pid": other_process.pid, "start_ticks": ticks}
    (tmp_path / "daemon.json").write_text(json.dumps(first))
    second = AddressFile(tmp_path, "daemon", "http://second")
    second.keep()
    second.remove()
    assert owner_of(tmp_path) == other_process.pid
    other_process.kill()
    other_process.wait(10)
    second.keep()
    assert owner_of(tmp_path) == os.getpid()
    second.remove()
    assert not (tmp_path / "daemon.json").exists()


def test_file_of_an_earlier_boot_is_replaced_although_its_pid_lives(
    tmp_path: Path, other_process: subprocess.Popen[bytes]
) -> None:
    """The process that has the pid now started at another time."""
    stale = {"url": "http://before", "pid": other_process.pid, "start_ticks": 1}
    (tmp_path / "daemon.json").write_text(json.dumps(stale))
    AddressFile(tmp_path, "daemon", "http://here").keep()
    assert owner_of(tmp_path) == os.getpid()


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"pid": "x"}', '{"pid": null}', '{"pid": 1}'])
def test_file_that_names_nobody_is_replaced(tmp_path: Path, text: str) -> None:
    """Half a file, or somebody else's, keeps nobody from being found."""
    (tmp_path / "daemon.json").write_text(text)
    AddressFile(tmp_path, "daemon", "http://here").keep()
    assert owner_of(tmp_path) == os.getpid()
