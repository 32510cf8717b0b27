"""Which host folders a group is given, rule by rule (original.md §10.2 and §10.3)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from intercomd.domain.container_config import ContainerConfig, MountRequest
from intercomd.sandbox.mount_allowlist import (
    AllowedRoot,
    MountAllowlist,
    MountRefused,
    choose_mount,
    choose_mounts,
    load_allowlist,
)
from intercomd.sandbox.port import Hidden, Mount


@dataclass
class Host:
    """A machine with an allowed root, its allowlist, and things around it."""

    home: Path

    @property
    def root(self) -> Path:
        return self.home / "projects"

    def allow(self, *, writable: bool = True, others_read_only: bool = True) -> Path:
        path = self.home / "allowlist.json"
        roots = [{"path": str(self.root), "allowReadWrite": writable, "description": "work"}]
        path.write_text(
            json.dumps({"allowedRoots": roots, "blockedPatterns": ["token"], "nonMainReadOnly": others_read_only})
        )
        return path

    def choose(self, host_path: str | Path, *, is_main: bool = True, **wish: object) -> Mount:
        wanted = {"container_path": None, "is_writable": False, "exclude": ()} | wish
        request = MountRequest(str(host_path), **wanted)  # type: ignore[arg-type]
        return choose_mount(request, load_allowlist(self.home / "allowlist.json"), is_main=is_main)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    made = Host(tmp_path.resolve())
    (made.root / "notes" / "private").mkdir(parents=True)
    (made.root / "notes" / "list.txt").touch()
    made.allow()
    return made


def test_folder_below_an_allowed_root_is_mounted_under_its_name(host: Host) -> None:
    """B-65: what the operator allows is really there."""
    mount = host.choose(host.root / "notes")
    assert (mount.host, mount.inside, mount.is_writable) == (host.root / "notes", "/workspace/extra/notes", False)
    assert mount.is_foreign
    assert host.choose(host.root).inside == "/workspace/extra/projects"
    assert host.choose(host.root / "notes", container_path="a/b").inside == "/workspace/extra/a/b"


@pytest.mark.parametrize("inside", ["../x", "/etc", " ", "a..b", "a,b", "a:b"])
def test_place_inside_that_leads_elsewhere_is_refused(host: Host, inside: str) -> None:
    """B-54, and a path is below /workspace/extra."""
    with pytest.raises(MountRefused, match="no path below"):
        host.choose(host.root / "notes", container_path=inside)


def test_what_does_not_exist_or_lies_outside_is_refused(host: Host) -> None:
    """Each with its reason."""
    (host.home / "other").mkdir()
    for path, reason in ((host.root / "gone", "does not exist"), (host.home / "other", "none of the allowed roots")):
        with pytest.raises(MountRefused, match=reason):
            host.choose(path)


def test_link_is_judged_by_what_it_leads_to(host: Host) -> None:
    """B-46: a group with a writable root cannot make a way out of it."""
    (host.root / "etc").symlink_to("/etc")
    (host.root / "same").symlink_to(host.root / "notes")
    with pytest.raises(MountRefused, match="none of the allowed roots"):
        host.choose(host.root / "etc")
    assert host.choose(host.root / "same").host == host.root / "notes"
    (host.root / "loop").symlink_to(host.root / "loop")
    with pytest.raises(MountRefused):
        host.choose(host.root / "loop")


@pytest.mark.parametrize("name", [".ssh", "my-credentials-old", ".env.local", "x.token", "id_rsa.pub"])
def test_blocked_name_anywhere_in_the_path_is_refused(host: Host, name: str) -> None:
    """The built-in ones and the operator's, as a part of any component."""
    (host.root / name / "deep").mkdir(parents=True)
    with pytest.raises(MountRefused, match="blocked name"):
        host.choose(host.root / name / "deep")


def test_forbidden_root_is_never_mounted(host: Host) -> None:
    """Whatever the list allows, also by way of `..`."""
    everything = MountAllowlist((AllowedRoot(Path("/"), True),), (), False)
    for path in ("/wm", "/wm/x", "/srv/../wm/x"):
        with pytest.raises(MountRefused, match="never mounted"):
            choose_mount(MountRequest(path, None, False, ()), everything, is_main=True)


@pytest.mark.parametrize(
    ("asks", "root_allows", "is_main", "others_read_only", "expected"),
    [
        (True, True, True, True, True),
        (True, True, False, True, False),
        (True, True, False, False, True),
        (True, False, True, False, False),
        (False, True, True, False, False),
    ],
)
def test_mount_is_writable_only_where_all_allow_it(
    host: Host, *, asks: bool, root_allows: bool, is_main: bool, others_read_only: bool, expected: bool
) -> None:
    """Request, root, and the rule for groups that are not the main one."""
    host.allow(writable=root_allows, others_read_only=others_read_only)
    assert host.choose(host.root / "notes", is_writable=asks, is_main=is_main).is_writable is expected


def test_left_out_entries_are_hidden(host: Host) -> None:
    """A folder shows an empty one, a file an empty one; what is not there needs nothing (B-54)."""
    mount = host.choose(host.root / "notes", exclude=("private", "list.txt", "missing"))
    assert mount.hidden == (
        Hidden("/workspace/extra/notes/private", is_folder=True),
        Hidden("/workspace/extra/notes/list.txt", is_folder=False),
    )


def test_entry_behind_a_link_cannot_be_left_out(host: Host) -> None:
    """Hiding the link would show what it leads to under its real name."""
    (host.root / "notes" / "alias").symlink_to("private")
    with pytest.raises(MountRefused, match="a link is on the way"):
        host.choose(host.root / "notes", exclude=("alias",))


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "nonsense", '{"allowedRoots": 1, "blockedPatterns": [], "nonMainReadOnly": true}',
     '{"allowedRoots": [{"path": "/"}], "blockedPatterns": [], "nonMainReadOnly": true}',
     '{"allowedRoots": [], "blockedPatterns": [1], "nonMainReadOnly": true}',
     '{"allowedRoots": [], "blockedPatterns": []}', "[" * 100_000],
)
def test_list_that_cannot_be_understood_allows_nothing(host: Host, text: str) -> None:
    """All three keys are required; the reason names the file."""
    path = host.home / "allowlist.json"
    path.write_text(text)
    with pytest.raises(MountRefused, match=str(path)):
        load_allowlist(path)


def test_refused_mounts_leave_the_others(host: Host) -> None:
    """Only the one that breaks a rule is missing; two in one place are one too many."""
    notes = str(host.root / "notes")
    requests = [MountRequest(notes, inside, False, ()) for inside in ("a", "a/b", "a", "b")]
    config = ContainerConfig((*requests, MountRequest("/etc", "c", False, ())))
    mounts, refusals = choose_mounts(config, host.home / "allowlist.json", is_main=True)
    assert [mount.inside for mount in mounts] == ["/workspace/extra/a", "/workspace/extra/b"]
    assert [refusal.partition(":")[0] for refusal in refusals] == [notes, notes, "/etc"]


def test_missing_list_refuses_every_mount(host: Host) -> None:
    """And says which file it looked for."""
    requests = ContainerConfig((MountRequest(str(host.root), None, False, ()),))
    mounts, refusals = choose_mounts(requests, host.home / "nowhere.json", is_main=True)
    assert mounts == []
    assert "nowhere.json cannot be read" in refusals[0]
