"""A group's `container_config`: further mounts and a time limit of its own (original.md §10.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from intercomd.errors import InvalidInput

FIELD = "container_config"
_KEYS = frozenset({"additionalMounts", "timeout"})
_MOUNT_KEYS = frozenset({"hostPath", "containerPath", "readonly", "exclude"})
_MOST_MOUNTS = 32
_MOST_EXCLUDES = 64
_MOST_CHARACTERS = 4096
_MIN_TIMEOUT_MS, _MAX_TIMEOUT_MS = 1_000, 86_400_000


@dataclass(frozen=True, slots=True)
class MountRequest:
    """A host path that a group wants to see at /workspace/extra/`container_path` (None: under its own name), without
    the entries `exclude`."""

    host_path: str
    container_path: str | None
    is_writable: bool
    exclude: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ContainerConfig:
    """`timeout` is the longest silence of the group's agents; None means that of the settings."""

    mounts: tuple[MountRequest, ...] = ()
    timeout: timedelta | None = None


def parse_container_config(value: Mapping[str, object] | None) -> ContainerConfig:
    """The config as it was registered; raises `InvalidInput` naming what is wrong in it."""
    if value is None:
        return ContainerConfig()
    _check_keys(value, _KEYS, FIELD)
    where = f"{FIELD}.additionalMounts"
    mounts = _list(value.get("additionalMounts", ()), _MOST_MOUNTS, where)
    parsed = tuple(_parse_mount(mount, f"{where}[{index}]") for index, mount in enumerate(mounts))
    return ContainerConfig(parsed, _parse_timeout(value.get("timeout")))


def _parse_mount(value: object, where: str) -> MountRequest:
    if not isinstance(value, Mapping):
        raise InvalidInput(where, "must be an object with hostPath, and containerPath, readonly, exclude where needed")
    _check_keys(value, _MOUNT_KEYS, where)
    host_path = _text(value.get("hostPath"), f"{where}.hostPath")
    container_path = value.get("containerPath")
    is_read_only = value.get("readonly", True)
    if not isinstance(is_read_only, bool):
        raise InvalidInput(f"{where}.readonly", "must be true or false")
    exclude = _list(value.get("exclude", ()), _MOST_EXCLUDES, f"{where}.exclude")
    return MountRequest(
        host_path,
        None if container_path is None else _text(container_path, f"{where}.containerPath"),
        not is_read_only,
        tuple(_parse_exclude(entry, f"{where}.exclude[{index}]") for index, entry in enumerate(exclude)),
    )


def _parse_exclude(value: object, where: str) -> str:
    """A path below the mount, in plain letters: it becomes a word of an engine's command line (hazard B-54)."""
    text = _text(value, where).strip("/")
    parts = text.split("/")
    if not text or any(part in {"", ".", ".."} for part in parts) or any(letter in text for letter in ",:\\"):
        raise InvalidInput(where, f"{value!r} must be a relative path without '..', ',', ':' and '\\'")
    return text


def _parse_timeout(value: object) -> timedelta | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not _MIN_TIMEOUT_MS <= value <= _MAX_TIMEOUT_MS:
        raise InvalidInput(
            f"{FIELD}.timeout", f"must be a whole number of milliseconds from {_MIN_TIMEOUT_MS} to {_MAX_TIMEOUT_MS}"
        )
    return timedelta(milliseconds=value)


def _text(value: object, where: str) -> str:
    is_plain = isinstance(value, str) and value.strip() and value.isprintable() and len(value) <= _MOST_CHARACTERS
    if not isinstance(value, str) or not is_plain:
        raise InvalidInput(where, f"must be a printable text of 1 to {_MOST_CHARACTERS} characters")
    return value


def _check_keys(value: Mapping[str, object], known: frozenset[str], where: str) -> None:
    unknown = sorted(value.keys() - known)
    if unknown:
        raise InvalidInput(f"{where}.{unknown[0]}", f"unknown key; allowed are {', '.join(sorted(known))}")


def _list(value: object, most: int, where: str) -> Sequence[object]:
    if not isinstance(value, Sequence) or isinstance(value, str | bytes) or len(value) > most:
        raise InvalidInput(where, f"must be a list of at most {most} entries")
    return value
