"""The sockets' files: whose they are, what becomes of leftovers, and how many doors there can be."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

import pytest

from intercomd.errors import SandboxError
from intercomd.gateway.sockets import make_private
from tests.gateway.conftest import Stubs
from tests.gateway.doors import Household, ask
from tests.support.waiting import join


def gateway_threads() -> set[str]:
    return {thread.name for thread in threading.enumerate() if thread.name.startswith("gateway")}


def test_folder_is_ours_and_the_socket_is_for_whoever_has_it(household: Household) -> None:
    """Another account on the machine cannot reach a door; the account of a container can, through its mount."""
    door = household.door("http://127.0.0.1:1")
    assert door.socket_path.stat().st_mode & 0o777 == 0o666
    assert door.socket_path.parent.stat().st_mode & 0o777 == 0o700


def test_path_may_be_longer_than_a_socket_s(provider: Stubs, household: Household) -> None:
    """What is mounted into a sandbox is short inside; outside it may lie as deep as it likes."""
    household.home = household.home / ("deep" * 50)
    household.home.mkdir()
    door = household.door(provider(lambda visit: visit.answer(200)).url)
    directory = os.open(door.socket_path.parent, os.O_RDONLY)
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(f"/proc/self/fd/{directory}/{door.socket_path.name}")
    finally:
        os.close(directory)


def test_leftovers_of_a_killed_process_are_removed_and_living_doors_stay(household: Household, tmp_path: Path) -> None:
    """A socket that nobody listens at is nobody's; another process's doors are not touched."""
    living = household.door("http://127.0.0.1:1")
    dead = living.socket_path.with_name("dead.sock")
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(dead))
    make_private(living.socket_path.parent)
    assert not dead.exists()
    assert living.socket_path.exists()


def test_folder_that_cannot_be_made_is_an_error_of_the_sandbox(household: Household) -> None:
    """The run fails with the path and the system's reason."""
    (household.home / "gateway").write_text("in the way")
    with pytest.raises(SandboxError, match=f"cannot use {household.home}/gateway"):
        household.door("http://127.0.0.1:1")


def test_many_runs_share_one_thread_which_ends_with_the_last(provider: Stubs, household: Household) -> None:
    """Fifty open doors are one thread; when all are closed there is none, and the next door has one again."""
    stub = provider(lambda visit: visit.answer(200))
    gateway = household.gateway({"claude": stub.url})
    for _ in range(2):
        doors = [household.open(gateway) for _ in range(50)]
        assert gateway_threads() == {"gateway-accept"}
        assert [ask(door).status for door in doors[::10]] == [200] * 5
        (accepting,) = [thread for thread in threading.enumerate() if thread.name == "gateway-accept"]
        for door in doors:
            door.close()
        join(accepting)
    assert list((household.home / "gateway").iterdir()) == []
