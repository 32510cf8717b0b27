"""The sockets' files: in a folder that only our account may enter, whatever the length of its path.

Each socket is open to every account for itself: a container may run as another one, and reaches nothing but the socket
that is mounted into it.
"""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from intercomd.errors import SandboxError

LONGEST_PATH = 107
"""Of a unix socket's path in bytes, without the final NUL (unix(7)): for whoever connects by path."""
_BACKLOG = 32


def socket_path(directory: Path, run_id: str) -> Path:
    """Short, and this run's alone."""
    return directory / f"{hashlib.blake2s(run_id.encode(), digest_size=6).hexdigest()}.sock"


def make_private(directory: Path) -> None:
    """The folder, ours alone, and without the sockets that a killed process left. Raises `SandboxError`."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.chmod(0o700)
        for path in directory.glob("*.sock"):
            if not _is_listened_to(path):
                path.unlink(missing_ok=True)
    except OSError as error:
        raise SandboxError(f"cannot use {directory}: {error.strerror}") from error


def listen(path: Path) -> socket.socket:
    """A listening socket at `path`. Raises `SandboxError`."""
    unfinished = path.with_suffix(".tmp")  # under its name only once it listens: see `make_private`
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _shortened(unfinished) as short:
            listening.bind(short)
        unfinished.chmod(0o666)
        listening.listen(_BACKLOG)
        unfinished.rename(path)
    except OSError as error:
        listening.close()
        raise SandboxError(f"cannot make the socket {path}: {error.strerror}") from error
    return listening


def _is_listened_to(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe, _shortened(path) as short:
        probe.setblocking(False)
        try:
            probe.connect(short)
        except BlockingIOError:  # its queue is full, so there is one
            return True
        except OSError:
            return False
        return True


@contextmanager
def _shortened(path: Path) -> Iterator[str]:
    """The same file by a path that is never too long."""
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)
