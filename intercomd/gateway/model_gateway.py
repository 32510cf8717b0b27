"""The gateway as the rest of the program sees it: one door for each run, opened before its sandbox and closed after it.

    gateway = ModelGateway(data_dir / "gateway", keyring, clock)
    door = gateway.open(run_id, folder, "claude")      # raises SetupNeeded when there is no credential
    … mount door.socket_path …
    door.close()
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Lock, Thread

from intercomd.clock import Clock
from intercomd.domain.ids import Folder, RunId
from intercomd.gateway.client import ClientConnection
from intercomd.gateway.exchange import RunAccess, Shared, serve
from intercomd.gateway.keyring import Keyring
from intercomd.gateway.ledger import Ledger
from intercomd.gateway.limits import Limits, RequestRate
from intercomd.gateway.pauses import Pauses
from intercomd.gateway.provider import PROVIDERS
from intercomd.gateway.refusals import Refusals
from intercomd.gateway.sockets import listen, make_private, socket_path
from intercomd.gateway.switchboard import Listener, Switchboard
from intercomd.gateway.upstream import Lines
from intercomd.gateway.usage import Usage
from intercomd.logs import EventLog

_log = EventLog("gateway")


def needs_gateway(runtime: str) -> bool:
    """Whether this runtime speaks to a model provider."""
    return runtime in PROVIDERS


class Door:
    """One run's way to its provider."""

    def __init__(
        self,
        access: RunAccess,
        shared: Shared,
        switchboard: Switchboard,
        socket_path: Path,
        on_closed: Callable[[Door], None],
    ) -> None:
        self.socket_path = socket_path
        self._access = access
        self._shared = shared
        self._switchboard = switchboard
        self._on_closed = on_closed
        self._guard = Lock()
        self._is_closed = False
        self._clients: set[ClientConnection] = set()
        self._listener = Listener(listen(socket_path), self._accepted)
        switchboard.add(self._listener)

    def close(self) -> None:
        """No further connection, and those that are being served break off; returns at once, also the second time."""
        with self._guard:
            if self._is_closed:
                return
            self._is_closed = True
            clients = list(self._clients)
        self._switchboard.remove(self._listener)
        self.socket_path.unlink(missing_ok=True)
        for client in clients:
            client.shut()
        used = self._shared.ledger.close_run(self._access.run_id)
        _log.info(
            "gateway.closed",
            run_id=self._access.run_id,
            folder=self._access.folder,
            requests=used.requests,
            input_tokens=used.input_tokens,
            output_tokens=used.output_tokens,
        )
        self._on_closed(self)

    def _accepted(self, connection: socket.socket) -> None:
        client = ClientConnection(connection, self._shared.limits, self._shared.clock)
        with self._guard:
            if self._is_closed:
                client.close()
                return
            self._clients.add(client)
            if len(self._clients) >= self._shared.limits.connections:
                self._switchboard.rest(self._listener)
        try:
            Thread(target=self._serve, args=(client,), name=f"gateway {self._access.run_id}", daemon=True).start()
        except RuntimeError as error:  # the system's limit of threads
            _log.warning("gateway.not_accepted", run_id=self._access.run_id, error=error)
            self._leave(client)

    def _serve(self, client: ClientConnection) -> None:
        try:
            serve(client, self._access, self._shared)
        finally:
            self._leave(client)

    def _leave(self, client: ClientConnection) -> None:
        with self._guard:
            self._clients.discard(client)
            self._switchboard.resume(self._listener)
        client.close()


class ModelGateway:
    """All doors of the process. Methods may be called from any thread."""

    def __init__(
        self,
        directory: Path,
        keyring: Keyring,
        clock: Clock,
        *,
        upstreams: Mapping[str, str] | None = None,
        limits: Limits | None = None,
        lines: Lines | None = None,
    ) -> None:
        """`directory` is made when it is needed. `upstreams` are the settings' addresses by runtime, empty ones meaning
        the provider's own."""
        self._directory = directory
        self._has_directory = False
        self._upstreams = dict(upstreams or {})
        limits = limits or Limits()
        self._ledger = Ledger(directory / "usage.json", limits.daily_tokens, clock)
        self._shared = Shared(
            keyring, lines or Lines(), Pauses(clock), Refusals(clock), self._ledger, limits, clock
        )
        self._switchboard = Switchboard()
        self._guard = Lock()
        self._doors: set[Door] = set()

    def open(self, run_id: RunId, folder: Folder, runtime: str) -> Door:
        """The door for this run, to be closed when its sandbox is gone. Raises `SetupNeeded` when the runtime has no
        usable credential or the group has used up its day, `SandboxError` when there can be no socket."""
        self._ledger.check(folder)
        self._shared.refusals.check(folder, runtime, self._shared.keyring.check(runtime))
        limits = self._shared.limits
        access = RunAccess(
            run_id=run_id,
            folder=folder,
            provider=PROVIDERS[runtime],
            upstream=self._upstreams.get(runtime) or None,
            rate=RequestRate(limits.requests_per_minute, self._shared.clock),
        )
        with self._guard:
            if not self._has_directory:
                make_private(self._directory)
                self._has_directory = True
        door = Door(access, self._shared, self._switchboard, socket_path(self._directory, run_id), self._closed)
        self._ledger.open_run(run_id)
        with self._guard:
            self._doors.add(door)
            self._shared.lines.open()
        return door

    def hand_out(self, runtime: str) -> dict[str, str]:
        """The secrets themselves, by name, for an image of the existing system, which knows no door. Raises
        `SetupNeeded`."""
        return {name: secret.value for name, secret in self._shared.keyring.hand_out(runtime).items()}

    def usage(self) -> dict[str, Usage]:
        """Requests and tokens of each group since this process started, by folder."""
        return self._ledger.totals()

    def close(self) -> None:
        """Close every door."""
        with self._guard:
            doors = list(self._doors)
        for door in doors:
            door.close()

    def _closed(self, door: Door) -> None:
        with self._guard:
            self._doors.discard(door)
            if not self._doors:
                self._shared.lines.close()
