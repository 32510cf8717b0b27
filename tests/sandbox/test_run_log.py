"""Run logs: bounded, readable, and not kept for ever."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercomd.sandbox.run_log import Tail, prune_run_logs

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def make_logs(directory: Path, ages: list[timedelta]) -> None:
    for age in ages:
        instant = NOW - age
        log = directory / f"container-{instant:%Y-%m-%dT%H-%M-%S}.log"
        log.touch()
        os.utime(log, (instant.timestamp(), instant.timestamp()))


@pytest.mark.parametrize(("keep", "max_age_days", "left"), [(100, 30, 9), (3, 30, 3), (100, 4, 5), (0, 30, 0)])
def test_old_and_surplus_logs_are_removed(tmp_path: Path, keep: int, max_age_days: int, left: int) -> None:
    """The newest are kept, up to a number and an age (B-70)."""
    make_logs(tmp_path, [timedelta(days=day) for day in range(9)])
    newest = sorted(tmp_path.iterdir(), reverse=True)[:left]
    assert prune_run_logs(tmp_path, keep, timedelta(days=max_age_days), NOW) == 9 - left
    assert sorted(tmp_path.iterdir(), reverse=True) == newest


def test_pruning_leaves_other_files_alone(tmp_path: Path) -> None:
    """Only run logs are removed, and a group without logs is no error."""
    (tmp_path / "notes.txt").touch()
    assert prune_run_logs(tmp_path, 0, timedelta(0), NOW) == 0
    assert prune_run_logs(tmp_path / "missing", 0, timedelta(0), NOW) == 0
    assert (tmp_path / "notes.txt").exists()


@given(st.lists(st.text(max_size=30).map(str.encode), max_size=20), st.integers(4, 40))
def test_tail_is_the_end_of_the_stream_without_broken_characters(chunks: list[bytes], limit: int) -> None:
    """Whatever the chunks, the tail is a suffix of the text and holds no broken character (B-59)."""
    tail = Tail(limit)
    for chunk in chunks:
        tail.append(chunk)
    stream = b"".join(chunks)
    assert stream.decode().endswith(tail.text())
    assert len(tail.text().encode()) > min(limit, len(stream)) - 4
    assert tail.is_truncated == (len(stream) > limit)
