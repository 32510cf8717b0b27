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
    (tmp_path / "daemon.json").write_text(json.dumps({"url": "http://first", "pid": other_process.pid}))
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


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"pid": "x"}', '{"pid": null}'])
def test_file_that_names_nobody_is_replaced(tmp_path: Path, text: str) -> None:
    """Half a file, or somebody else's, keeps nobody from being found."""
    (tmp_path / "daemon.json").write_text(text)
    AddressFile(tmp_path, "daemon", "http://here").keep()
    assert owner_of(tmp_path) == os.getpid()
