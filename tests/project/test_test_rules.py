"""The rules in tests/conftest.py really fail a test that breaks them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

LEAVES_A_THREAD = """
import threading
release = threading.Event()
def test_it():
    threading.Thread(target=release.wait, args=(3,), name="left").start()
"""
LEAVES_A_CHILD = """
import subprocess, sys
def test_it():
    subprocess.Popen([sys.executable, "-c", "pass"])
"""
LEAVES_A_FOLDER = """
import tempfile
def test_it():
    tempfile.mkdtemp(prefix="left")
"""
LEAVES_AN_ACTOR = """
import pykka
class Left(pykka.ThreadingActor):
    use_daemon_thread = True
def test_it():
    Left.start()
"""
SKIPS = """
import pytest
def test_it():
    pytest.skip("not today")
"""
SKIPS_AS_A_MODULE = """
import pytest
pytest.skip("not today", allow_module_level=True)
"""


@pytest.mark.full
@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        (LEAVES_A_THREAD, "thread left"),
        (LEAVES_A_CHILD, "child process"),
        (LEAVES_A_FOLDER, "temporary file or folder left"),
        (LEAVES_AN_ACTOR, "Pykka actor Left"),
        (SKIPS, "not today"),
        (SKIPS_AS_A_MODULE, "not today"),
    ],
)
def test_a_test_fails_when_it_breaks_a_rule(tmp_path: Path, source: str, complaint: str) -> None:
    """Each rule of the suite fails a test made to break it, and says what was left."""
    (tmp_path / "test_it.py").write_text(source)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-c",
            ROOT / "setup.cfg",
            "--rootdir",
            tmp_path,
            "-p",
            "tests.conftest",
            "-p",
            "no:cacheprovider",
            "--basetemp",
            tmp_path / "base",
            tmp_path,
        ],
        cwd=ROOT,
        env={**os.environ, "CI": "true"},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode in {1, 2}, done.stdout + done.stderr
    assert complaint in done.stdout
