"""Mounts beside the group's own, and the network, in the engines that isolate."""

from __future__ import annotations

import ast
import os
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from intercomd.domain.container_config import MountRequest
from intercomd.errors import SandboxError
from intercomd.sandbox.mount_allowlist import AllowedRoot, MountAllowlist, choose_mount
from intercomd.sandbox.port import SandboxSpec
from tests.sandbox.conftest import CONTAINERS
from tests.sandbox.harness import Bench, make_engine, open_bench

pytestmark = pytest.mark.full

LOOK = """
def read(path):
    try:
        with open(path) as file: return file.read()
    except OSError as error: return type(error).__name__
def write(path):
    try:
        with open(path, "w") as file: file.write("x")
    except OSError as error: return type(error).__name__
    return "written"
extra = "/workspace/extra/notes/"
say(repr([read(extra + "open.txt"), write(extra + "open.txt"), os.listdir(extra + "private"), read(extra + "key.txt"),
    write(extra + "private/x"), write(extra + "key.txt")]))
"""


@pytest.fixture(params=["bubblewrap", *CONTAINERS], scope="session")
def engine_name(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def notes_of(root: Path) -> Path:
    """A folder of the host with something to see and something to hide."""
    notes = root.resolve() / "notes"
    (notes / "private").mkdir(parents=True)
    (notes / "private" / "diary.txt").write_text("secret")
    (notes / "key.txt").write_text("secret")
    (notes / "open.txt").write_text("open")
    notes.chmod(0o777)
    (notes / "open.txt").chmod(0o666)
    return notes


def with_notes(bench: Bench, notes: Path, *, is_writable: bool) -> SandboxSpec:
    allowlist = MountAllowlist((AllowedRoot(notes.parent, True),), (), False)
    request = MountRequest(str(notes), None, is_writable, ("private", "key.txt", "missing"))
    spec = bench.spec(LOOK)
    return replace(spec, mounts=(*spec.mounts, choose_mount(request, allowlist, is_main=False)))


@pytest.mark.parametrize("is_writable", [False, True])
def test_further_mount_shows_what_is_not_left_out(bench: Bench, *, is_writable: bool) -> None:
    """B-54, B-65: readable, writable only when allowed; what is left out is empty and takes nothing."""
    notes = notes_of(bench.root)
    owner = notes.stat().st_uid
    _, recorder = bench.start(with_notes(bench, notes, is_writable=is_writable))
    ended = recorder.wait_until_ended()
    assert ended.exit_code == 0, ended.error_tail
    text, wrote, private, key, wrote_private, _ = ast.literal_eval(recorder.results[0])
    assert (text, private) == ("open", [])
    assert key in ("", "PermissionError"), "a device in the file's place, which one engine lets nobody open"
    assert (wrote == "written") is is_writable
    assert wrote_private != "written"
    assert (notes / "private" / "diary.txt").read_text() == (notes / "key.txt").read_text() == "secret"
    assert notes.stat().st_uid == owner, "what is not ours keeps its owner"


def test_folder_that_became_a_link_is_not_followed(bench: Bench) -> None:
    """An agent that puts a link in the place of another group's folder, after that was chosen, shows nothing (B-46)."""
    notes = notes_of(bench.root)
    spec = with_notes(bench, notes, is_writable=True)
    notes.rename(notes.with_name("elsewhere"))
    notes.symlink_to("/etc")
    with pytest.raises(SandboxError, match="is a link by now"):
        bench.start(spec)


@pytest.fixture
def bubble(tmp_path: Path) -> Iterator[Bench]:
    with open_bench(make_engine("bubblewrap", "network", os.environ), tmp_path) as bench:
        yield bench


def test_network_is_there_when_the_group_has_it(bubble: Bench) -> None:
    """A server on the host is reached, which nobody without the network can (test_bubblewrap.py)."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        code = f"import socket; say(str(socket.create_connection({server.getsockname()!r}, 5).getpeername()[1]))"
        _, recorder = bubble.start(replace(bubble.spec(code), has_network=True))
        assert recorder.wait_until_ended().exit_code == 0
        assert recorder.results == [str(server.getsockname()[1])]
