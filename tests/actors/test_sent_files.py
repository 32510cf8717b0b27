"""Files that agents send, in the simulator: from the call to the chat, and what is left of the copies."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from intercomd.clock import SystemClock
from intercomd.domain.leases import delivery_duty
from intercomd.domain.mailbox import SweepOutboxFiles
from intercomd.domain.routing import LOCAL
from intercomd.ipc.outbox_files import YOUNG
from tests.actors.conftest import MakeWorld
from tests.actors.test_ipc_watcher import Files, work_in
from tests.actors.world import Sabotage, World

MENU = "[file menu.pdf, 4 bytes: menu.pdf in the group's folder a]"
SOUP = "[file soup.txt, 5 bytes: soup.txt in the group's folder a]"


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """What agents of the first world ask for."""
    return Files(tmp_path / "0" / "ipc")


def send_both(files: Files, root: Path) -> None:
    """Group `a` has two files, and its agent wants them sent."""
    group = root / "0" / "groups" / "a"
    group.mkdir(parents=True)
    (group / "menu.pdf").write_bytes(b"%PDF")
    (group / "soup.txt").write_bytes(b"onion")
    files.query("a", "send_message", text="here", files=["menu.pdf", "soup.txt"])


def sent(world: World) -> list[str]:
    """What the agent had sent, without what was said about its run."""
    return [text for text in world.replies("a") if text.startswith(("here", "[file"))]


def copies(root: Path) -> int:
    return len(list((root / "0" / "outbox-files").glob("*")))


def sweep_later(world: World, after: timedelta) -> None:
    """The housekeeper's turn comes at that age of the copies, which are as old as the machine's clock says."""
    world.sim.clock.set_wall(SystemClock().now() + after)
    world.book.address("housekeeper").tell(SweepOutboxFiles())
    world.settle()


@pytest.mark.parametrize("item", ["LookAtFolder", "QueryAnswered"])
@pytest.mark.parametrize("is_before", [True, False], ids=["before", "after"])
def test_crash_of_the_watcher_sends_each_file_once(
    make_world: MakeWorld, files: Files, tmp_path: Path, item: str, *, is_before: bool
) -> None:
    """In order behind their text, and in the chat's log; the call is answered (B-85)."""
    world = make_world(sabotage=Sabotage("ipc_watcher", item, is_before))
    work_in(world, "a")
    send_both(files, tmp_path)
    world.pass_time(70)
    assert world.sabotage.has_struck
    assert sent(world) == ["here", MENU, SOUP]
    assert (files.answer("a") or {})["status"] == "ok"


@pytest.mark.parametrize("seed", range(15))
def test_kill_at_any_instant_sends_each_file_once(
    make_world: MakeWorld, files: Files, tmp_path: Path, seed: int
) -> None:
    """Wherever a kill -9 falls on their way; in the end no copy is left (B-85)."""
    world = make_world(seed)
    work_in(world, "a")
    send_both(files, tmp_path)
    steps = world.random.randrange(60)
    world.sim.advance(timedelta(milliseconds=50))
    for _ in range(steps):
        if not world.step():
            world.sim.advance(timedelta(milliseconds=20))
    world.restart()
    world.pass_time(70)
    assert sent(world) == ["here", MENU, SOUP]
    sweep_later(world, YOUNG + timedelta(minutes=1))
    assert copies(tmp_path) == 0


def test_copy_is_kept_until_its_text_is_settled(make_world: MakeWorld, files: Files, tmp_path: Path) -> None:
    """However long the channel is away; a young copy stays too, since its row may be on its way."""
    world = make_world()
    work_in(world, "a")
    delivery = world.leases[delivery_duty(LOCAL)]
    delivery.lost()
    delivery.is_wanted = False
    send_both(files, tmp_path)
    world.sim.advance(timedelta(milliseconds=100))
    world.settle()
    assert (world.store.outbox.count_waiting(), copies(tmp_path)) == (3, 2)
    sweep_later(world, YOUNG + timedelta(minutes=1))
    assert copies(tmp_path) == 2
    delivery.is_wanted = True
    world.pass_time(30)
    assert sent(world) == ["here", MENU, SOUP]
    sweep_later(world, YOUNG - timedelta(minutes=1))
    assert copies(tmp_path) == 2
    sweep_later(world, YOUNG + timedelta(minutes=1))
    assert copies(tmp_path) == 0
