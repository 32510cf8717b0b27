"""Opens the socket on which the API listens."""

from __future__ import annotations

import errno
import os
import socket
import stat
from contextlib import suppress
from pathlib import Path

from intercomd.errors import IntercomError
from intercomd.settings.values import BindAddress

_PROBE_SECONDS = 1.0


class ListenError(IntercomError):
    """The API cannot listen where it should. `is_taken`: somebody else does, which may pass."""

    def __init__(self, where: object, why: str, *, is_taken: bool = False) -> None:
        advice = "; is another intercomd running? server.bind or --bind chooses another address" if is_taken else ""
        super().__init__(f"cannot listen on {where}: {why}{advice}")
        self.is_taken = is_taken


def open_listener(bind: BindAddress) -> socket.socket:
    """A socket bound at `bind`, not yet listening; raises `ListenError`.

    A unix socket is for its owner only, and replaces one that a dead process left behind.
    """
    if bind.socket_path is not None:
        return _open_unix(bind, bind.socket_path)
    try:
        found = socket.getaddrinfo(bind.host, bind.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise ListenError(bind, error.strerror or str(error)) from error
    family, kind, protocol, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return _bound(listener, address, bind)


def url_of(bind: BindAddress, listener: socket.socket) -> str:
    """What clients on this machine use: `http://HOST:PORT` with the real port, or `unix:PATH`. A wildcard host is
    reached through loopback."""
    if bind.host is None:
        return bind.text
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(bind.host, bind.host)
    port = listener.getsockname()[1]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _open_unix(bind: BindAddress, path: Path) -> socket.socket:
    if _is_answered(path):
        raise ListenError(bind, "another process does", is_taken=True)
    with suppress(OSError):
        if stat.S_ISSOCK(path.lstat().st_mode):
            path.unlink()
    listener = _bound(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM), str(path), bind)
    os.chmod(path, 0o600)  # nobody can connect before listen()
    return listener


def _bound(listener: socket.socket, address: object, bind: BindAddress) -> socket.socket:
    try:
        listener.bind(address)  # type: ignore[arg-type]  # typeshed lists the families' addresses one by one
    except OSError as error:
        listener.close()
        is_taken = error.errno == errno.EADDRINUSE
        raise ListenError(bind, error.strerror or str(error), is_taken=is_taken) from error
    return listener


def _is_answered(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_PROBE_SECONDS)
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True
