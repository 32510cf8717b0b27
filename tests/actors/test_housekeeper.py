"""What is cleared away, and what is left alone."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

from intercomd.domain.ids import Folder
from intercomd.domain.mailbox import PruneRecords, PruneRunLogs, SweepRunFolders
from tests.actors.world import World


def test_housekeeper_removes_folders_of_dead_runs_only(tmp_path: Path) -> None:
    """A live run keeps its folder; files and links in the same place are not touched."""
    world = World(0, tmp_path)
    try:
        world.say("a", "m1 hang")
        world.settle()
        live, dead = tmp_path / "run" / world.runs()[0].run_id, tmp_path / "run" / "r-dead"
        outside, link, lock = tmp_path / "outside", tmp_path / "run" / "link", tmp_path / "run" / "a.lock"
        for folder in (live, dead, outside):
            folder.mkdir(parents=True)
        link.symlink_to(outside)
        lock.touch()
        world.sim.book.address("housekeeper").tell(SweepRunFolders())
        world.settle()
        assert sorted(entry.name for entry in (tmp_path / "run").iterdir()) == sorted([live.name, "link", "a.lock"])
        assert outside.is_dir()
    finally:
        world.close()


def test_housekeeper_keeps_the_newest_run_logs_within_their_age(tmp_path: Path) -> None:
    """Retention by number and by days, per group (B-70)."""
    world = World(0, tmp_path)
    try:
        world.say("a", "m1")
        world.finish()
        directory = tmp_path / "logs" / Folder("a")
        directory.mkdir(parents=True)
        for number in range(60):
            (directory / f"container-{number:03}.log").touch()
        old = (world.sim.clock.now() - timedelta(days=15)).timestamp()
        now = world.sim.clock.now().timestamp()
        for number in range(60):
            os.utime(directory / f"container-{number:03}.log", (old, old) if number == 59 else (now, now))
        world.sim.book.address("housekeeper").tell(PruneRunLogs())
        world.settle()
        assert sorted(log.name for log in directory.iterdir()) == [f"container-{n:03}.log" for n in range(10, 59)]
    finally:
        world.close()


def test_housekeeper_removes_records_past_their_time_batch_by_batch(tmp_path: Path) -> None:
    """Events, ended runs and delivered texts go by the settings' days; the chat stays, and so does what is younger."""
    world = World(0, tmp_path)
    try:
        world.say("a", "m1")
        world.finish()
        said = [message.content for message in world.log("a")]
        world.sim.book.address("housekeeper").tell(PruneRecords())
        world.settle()
        assert len(world.runs()) == 1
        world.sleep_machine(timedelta(days=91))
        world.sim.book.address("housekeeper").tell(PruneRecords())
        world.settle()
        assert world.runs() == []
        assert world.codes("a") == []
        assert [message.content for message in world.log("a")] == said
    finally:
        world.close()
