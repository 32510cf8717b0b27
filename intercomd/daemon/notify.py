"""Telling systemd about ourselves (sd_notify(3)): a datagram to the socket named by `NOTIFY_SOCKET`."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta

_SEND_TIMEOUT_S = 1.0


class ServiceManager:
    """Does nothing when no service manager listens. A message that cannot be sent is given up: it is advice."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        name = environment.get("NOTIFY_SOCKET", "")
        self._path = "\0" + name[1:] if name.startswith("@") else name
        watchdog_us = environment.get("WATCHDOG_USEC", "")
        is_meant = environment.get("WATCHDOG_PID", "") in ("", str(os.getpid()))
        self.watchdog = timedelta(microseconds=int(watchdog_us)) if watchdog_us.isdecimal() and is_meant else None

    def ready(self, status: str) -> None:
        self._send(f"READY=1\nSTATUS={status}")

    def stopping(self, status: str) -> None:
        self._send(f"STOPPING=1\nSTATUS={status}")

    def status(self, status: str) -> None:
        self._send(f"STATUS={status}")

    def alive(self) -> None:
        """Only to be sent on evidence of progress; the service manager restarts us when it stops."""
        self._send("WATCHDOG=1")

    def _send(self, text: str) -> None:
        if not self._path:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
            out.settimeout(_SEND_TIMEOUT_S)
            out.sendto(text.encode(), self._path)
