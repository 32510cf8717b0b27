"""When a holder of a lease is provably gone, and when that only looks so."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from intercomd.daemon.process import is_gone, own_holder
from tests.support.waiting import DEADLINE_SECONDS

PROJECT = Path(__file__).parents[2]
_OWN = """
from intercomd.daemon.process import own_holder
holder = own_holder()
print(holder.boot_id, holder.pid, holder.start_ticks)
"""
_JUDGE = """
import sys
from intercomd.daemon.process import is_gone
from intercomd.domain.leases import Holder
print(is_gone(Holder(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
"""


def output_of(*argv: str) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, cwd=PROJECT, timeout=DEADLINE_SECONDS, check=True)
    return done.stdout.strip()


def test_living_holder_is_not_gone() -> None:
    """Nobody takes a lease from a process that runs."""
    assert not is_gone(own_holder())


def test_holder_that_ended_is_gone() -> None:
    """A process of this machine that ended is proven dead, also when its number belongs to somebody else now."""
    boot_id, pid, start_ticks = output_of(sys.executable, "-c", _OWN).split()
    ended = replace(own_holder(), boot_id=boot_id, pid=int(pid), start_ticks=int(start_ticks))
    assert is_gone(ended)
    assert is_gone(replace(own_holder(), start_ticks=own_holder().start_ticks - 1))


@pytest.mark.full
def test_holder_in_another_pid_namespace_is_believed() -> None:
    """A container does not see the processes of another one on the same machine; that proves nothing."""
    holder = own_holder()
    words = (holder.boot_id, str(holder.pid), str(holder.start_ticks))
    container = ("unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc")
    assert output_of(sys.executable, "-c", _JUDGE, *words) == "False"
    assert output_of(*container, sys.executable, "-c", _JUDGE, *words) == "False"
