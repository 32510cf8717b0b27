"""Which host folders groups may see beside their own: the operator's list, outside of the project (original.md §10).

Whatever a group asks for, the path that is mounted is the real one, without any link, inside an allowed root and free
of blocked names; what an agent with a writable root rearranges can only make a mount be refused. Reading the list at
every run lets a change count at once.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from intercomd.domain.container_config import ContainerConfig, MountRequest
from intercomd.errors import SandboxError
from intercomd.sandbox.port import Hidden, Mount

EXTRA_INSIDE = "/workspace/extra"
BLOCKED_PATTERNS = (
    *(".ssh", ".gnupg", ".gpg", ".aws", ".azure", ".gcloud", ".kube", ".docker", "credentials", ".env", ".netrc"),
    *(".npmrc", ".pypirc", "id_rsa", "id_ed25519", "private_key", ".secret", "/wm"),
)
_FORBIDDEN_ROOT = Path("/wm")
"""Never mounted, whatever the list says."""
_MOST_BYTES = 1 << 20


class MountRefused(SandboxError):
    """A further mount is not made; the text says why. The run goes on without it."""


@dataclass(frozen=True, slots=True)
class AllowedRoot:
    path: Path
    is_writable: bool


@dataclass(frozen=True, slots=True)
class MountAllowlist:
    """The operator's list; a mount is writable only where group, root and request all allow it."""

    roots: tuple[AllowedRoot, ...]
    blocked: tuple[str, ...]
    keeps_others_from_writing: bool


def load_allowlist(path: Path) -> MountAllowlist:
    """Read the list; raises `MountRefused` when it is missing or cannot be understood: then nothing is mounted."""
    try:
        with open(path, "rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise MountRefused(f"the allowlist {path} cannot be read: {error.strerror}") from error
    if len(data) > _MOST_BYTES:
        raise MountRefused(f"the allowlist {path} is larger than {_MOST_BYTES} bytes")
    try:
        value = json.loads(data)
        roots = tuple(_parse_root(root) for root in value["allowedRoots"])
        patterns, others_read_only = value["blockedPatterns"], value["nonMainReadOnly"]
        if not all(isinstance(pattern, str) and pattern for pattern in patterns):
            raise TypeError("blockedPatterns must hold texts")
        if not isinstance(others_read_only, bool):
            raise TypeError("nonMainReadOnly must be true or false")
    except KeyError as error:
        raise MountRefused(f"the allowlist {path} has no {error.args[0]}") from error
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise MountRefused(f"the allowlist {path} is unusable: {error}") from error
    return MountAllowlist(roots, (*BLOCKED_PATTERNS, *patterns), others_read_only)


def choose_mount(request: MountRequest, allowlist: MountAllowlist, *, is_main: bool) -> Mount:
    """The mount for a request, or `MountRefused` with the first reason (original.md §10.3, in its order)."""
    inside = request.container_path or Path(request.host_path).name
    if not inside.strip() or ".." in inside or inside.startswith("/") or any(letter in inside for letter in ",:\\"):
        raise MountRefused(f"{inside!r} is no path below {EXTRA_INSIDE}: no '..', ',', ':', '\\', not absolute")
    try:
        named = Path(os.path.abspath(Path(request.host_path).expanduser()))
    except RuntimeError as error:
        raise MountRefused(f"{request.host_path} names a home that is not known") from error
    _refuse_forbidden(named)
    try:
        real = named.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise MountRefused(f"{named} does not exist or cannot be reached") from error
    _refuse_forbidden(real)
    hit = next((pattern for pattern in allowlist.blocked if _contains(real, pattern)), None)
    if hit is not None:
        raise MountRefused(f"{real} contains the blocked name {hit!r}")
    root = next((root for root in allowlist.roots if _is_below(real, root.path)), None)
    if root is None:
        raise MountRefused(f"{real} is below none of the allowed roots")
    is_writable = request.is_writable and root.is_writable and (is_main or not allowlist.keeps_others_from_writing)
    where = f"{EXTRA_INSIDE}/{inside.strip('/')}"
    hidden = tuple(_hide(real, entry, where) for entry in request.exclude if os.path.lexists(real / entry))
    return Mount(real, where, is_writable=is_writable, is_foreign=True, hidden=hidden)


def choose_mounts(config: ContainerConfig, path: Path, *, is_main: bool) -> tuple[list[Mount], list[str]]:
    """The mounts of a group, and the reasons why others are refused; `path` is where the allowlist is."""
    mounts: list[Mount] = []
    refusals: list[str] = []
    for request in config.mounts:
        try:
            mount = choose_mount(request, load_allowlist(path), is_main=is_main)
            _refuse_overlap(mount, mounts)
            mounts.append(mount)
        except MountRefused as refusal:
            refusals.append(f"{request.host_path}: {refusal}")
    return mounts, refusals


def _hide(real: Path, entry: str, where: str) -> Hidden:
    """A link would hide its own name and show what it leads to."""
    path = real / entry
    if path.resolve() != path:
        raise MountRefused(f"{path} is to be left out, and a link is on the way to it")
    return Hidden(f"{where}/{entry}", path.is_dir())


def _refuse_overlap(mount: Mount, others: list[Mount]) -> None:
    """Two in one place, or one inside another, which the outer one has no room for."""
    own = PurePosixPath(mount.inside)
    for other in others:
        if own.is_relative_to(other.inside) or PurePosixPath(other.inside).is_relative_to(own):
            raise MountRefused(f"{mount.inside} and {other.inside} are in each other's place")


def _parse_root(value: dict[str, object]) -> AllowedRoot:
    path, is_writable = value["path"], value["allowReadWrite"]
    if not isinstance(path, str) or not path or not isinstance(is_writable, bool):
        raise TypeError("allowedRoots must hold objects with path and allowReadWrite")
    return AllowedRoot(Path(path).expanduser(), is_writable)


def _refuse_forbidden(path: Path) -> None:
    if path.is_relative_to(_FORBIDDEN_ROOT):
        raise MountRefused(f"{path}: {_FORBIDDEN_ROOT} is never mounted")


def _contains(path: Path, pattern: str) -> bool:
    return pattern in str(path) or any(pattern in part for part in path.parts)


def _is_below(path: Path, root: Path) -> bool:
    """Of the root's real path; a root that does not exist allows nothing."""
    try:
        return path.is_relative_to(root.resolve(strict=True))
    except (OSError, RuntimeError):
        return False
