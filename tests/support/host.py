"""`intercomd host` as a process of its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.support.daemon import DaemonProcess, Settings
from tests.support.daemon_client import DaemonClient


class HostProcess(DaemonProcess):
    """`python -m intercomd host`, with its callback server on any free port unless `environment` says otherwise."""

    command = "host"

    def __init__(
        self, home: Path, settings: Settings | None = None, *, environment: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(home, settings, environment={"HOST_CALLBACK_PORT": "0", **(environment or {})})

    @property
    def callback(self) -> DaemonClient:
        """Asks the callback server."""
        return DaemonClient(str(self.log.wait_for("host.listening").fields["url"]))
