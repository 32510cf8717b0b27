"""The lock that says that a group has a living sandbox: an flock which the sandbox's processes inherit.

The kernel lets go of it when the last process that inherited it is gone, so it stays true when the daemon is killed.
"""

from __future__ import annotations

import fcntl
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event

from intercomd.domain.ids import RunId
from intercomd.domain.runs import ProcessIdentity
from intercomd.errors import SandboxError
from intercomd.logs import EventLog

_PAUSE_SECONDS = 0.002
PATIENCE_SECONDS = 0.05
_SWEEP_PATIENCE_SECONDS = 1.0
"""Longer than another daemon can take from the lock to the name of its run in it."""
_log = EventLog("sandbox")
_NOBODY = ""
"""The owner in a lock whose taker died before it wrote its name."""


def acquire(lock_path: Path, owner: str) -> int:
    """A descriptor that holds the lock, for the sandbox to inherit; close it then. The file names its `owner`, which
    is different for every sandbox. Raises `SandboxError` when the lock is held."""
    descriptor = _try(lock_path)
    if descriptor is None:
        raise SandboxError(f"{lock_path} is held: the group has a sandbox already, and may have only one")
    try:
        _write_owner(lock_path, owner)
    except SandboxError:
        give_back(descriptor)
        raise
    return descriptor


def give_back(descriptor: int) -> None:
    """Free the lock although it was not inherited.

    Unlocking comes before closing: a child that another thread is starting may hold a copy of the descriptor until
    its exec, and would keep the lock for that moment.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
    finally:
        os.close(descriptor)


def wait_until_free(lock_path: Path, seconds: float, *owners: str, patience: float = PATIENCE_SECONDS) -> bool:
    """Return once none of `owners` holds the lock; False when one still does after `seconds`.

    Who does not let go within a moment is killed. Not at once: a child that another thread is starting may hold a
    copy of the descriptor until its exec, and is not part of the sandbox. Other owners' processes are spared: they
    are of a daemon that took over while this one stood still, and could do so only because the lock was free.
    """
    pause = Event()
    began = time.monotonic()
    while not _is_free(lock_path):
        if lock_path.read_text() not in owners:
            return True
        waited = time.monotonic() - began
        if waited > seconds:
            return False
        if waited > patience:
            for pid in find_holders(lock_path):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        pause.wait(_PAUSE_SECONDS)
    return True


def end_orphan(run_id: RunId, identity: ProcessIdentity | None, lock_path: Path, seconds: float = 5.0) -> None:
    """See `SandboxEngine.end_orphan`."""
    kill_recorded(identity)
    if not lock_path.exists():
        return
    if not wait_until_free(lock_path, seconds, run_id, _NOBODY):
        raise SandboxError(f"{lock_path} is still held after {seconds:g} s, by {sorted(find_holders(lock_path))}")
    if not _is_free(lock_path):
        raise SandboxError(f"{lock_path} is held by run {lock_path.read_text()}; that is not {run_id}, and is let be")


def kill_recorded(identity: ProcessIdentity | None) -> None:
    """SIGKILL to the process group, unless its leader's number belongs to a younger process now."""
    if identity is not None and find_start_ticks(identity.pid) == identity.start_ticks:
        with suppress(ProcessLookupError):
            os.killpg(identity.pid, signal.SIGKILL)


def end_strays(directory: Path, list_live: Callable[[], frozenset[RunId]], seconds: float = 5.0) -> int:
    """End whoever holds a lock in this directory for a run that is not live; how many locks. `list_live` is called
    after looking: a lock is taken after its run's row is made.

    Looking takes no lock: a start at that moment would be refused.
    """
    held = {path: path.read_text() for path in _find_held(directory)}
    live = list_live() if held else frozenset()
    strays = {path: owner for path, owner in held.items() if owner != _NOBODY and owner not in live}
    for path, owner in strays.items():
        if not wait_until_free(path, seconds, owner, patience=_SWEEP_PATIENCE_SECONDS):
            _log.error("sandbox.lock_held", run_id=owner, lock=path)
    return len(strays)


def find_start_ticks(pid: int) -> int | None:
    """When a process started, in clock ticks since boot (field 22 of /proc/<pid>/stat); None when there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(stat[stat.rindex(b")") + 2 :].split()[19])


def find_holders(lock_path: Path) -> set[int]:
    """The other processes with a descriptor through which the lock is held.

    Another descriptor of the same file does not count: /proc/<pid>/fdinfo shows a lock only where it belongs.
    """
    wanted = lock_path.stat()
    return {
        int(process.name)
        for process in os.scandir("/proc")
        if process.name.isdigit() and int(process.name) != os.getpid()
        for descriptor, found in _list_descriptors(process.path)
        if (found.st_dev, found.st_ino) == (wanted.st_dev, wanted.st_ino)
        and _shows_lock(f"{process.path}/fdinfo/{descriptor}")
    }


def _find_held(directory: Path) -> list[Path]:
    """Locks that another process holds. The kernel's list has them all; who holds one is looked up for those only."""
    locks = Path("/proc/locks").read_text().splitlines()
    inodes = {word.rpartition(":")[2] for line in locks for word in line.split() if word.count(":") == 2}
    return [path for path in directory.glob("*.lock") if str(path.stat().st_ino) in inodes and find_holders(path)]


def _list_descriptors(process: str) -> Iterator[tuple[str, os.stat_result]]:
    with suppress(FileNotFoundError, ProcessLookupError, PermissionError):
        for name in os.listdir(f"{process}/fd"):
            with suppress(FileNotFoundError, ProcessLookupError):
                yield name, os.stat(f"{process}/fd/{name}")


def _shows_lock(fdinfo: str) -> bool:
    try:
        return b"FLOCK" in Path(fdinfo).read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False


def _is_free(lock_path: Path) -> bool:
    descriptor = _try(lock_path)
    if descriptor is None:
        return False
    give_back(descriptor)
    return True


def _try(lock_path: Path) -> int | None:
    """A descriptor that holds the lock, or None when somebody else has it; raises `SandboxError`."""
    descriptor = _open(lock_path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError as error:
        os.close(descriptor)
        raise SandboxError(f"cannot take the group's lock {lock_path}: {error.strerror}") from error
    return descriptor


def _write_owner(lock_path: Path, owner: str) -> None:
    """Through a descriptor of its own: the one that the sandbox inherits cannot write. Over the name before, which as
    a rule is as long: ext4 writes a file that was emptied and filled again to the disk when it is closed."""
    name = owner.encode()
    descriptor = _open(lock_path, os.O_WRONLY)
    try:
        os.write(descriptor, name)
        if os.fstat(descriptor).st_size > len(name):
            os.ftruncate(descriptor, len(name))
    except OSError as error:
        raise SandboxError(f"cannot write the group's lock {lock_path}: {error.strerror}") from error
    finally:
        os.close(descriptor)


def _open(lock_path: Path, access: int = os.O_RDONLY) -> int:
    try:
        return os.open(lock_path, access | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise SandboxError(f"cannot open the group's lock {lock_path}: {error.strerror}") from error
