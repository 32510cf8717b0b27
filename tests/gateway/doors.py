"""A gateway in a test's hands, and what an agent does at its socket."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from intercomd.clock import Clock, SystemClock
from intercomd.domain.ids import Folder, RunId
from intercomd.gateway.keyring import Keyring
from intercomd.gateway.limits import Limits
from intercomd.gateway.model_gateway import Door, ModelGateway
from intercomd.gateway.renewal import TOKEN_ENDPOINTS
from intercomd.gateway.sources import Sources
from intercomd.gateway.upstream import Lines
from tests.support.waiting import DEADLINE_SECONDS

KITCHEN = Folder("kitchen")
KEYS = {"ANTHROPIC_API_KEY": "sk-ant-real", "OPENAI_API_KEY": "sk-openai-real", "GEMINI_API_KEY": "gemini-real"}
PATHS = {
    "claude": "/v1/messages",
    "codex": "/v1/responses",
    "gemini": "/v1beta/models/gemini-3.1-pro:streamGenerateContent",
}


class Household:
    """Makes gateways below `home`, which also has `.env` and the CLIs' own files; closes what it made."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environment: dict[str, str] = dict(KEYS)
        self.token_url = "http://127.0.0.1:1"
        self._gateways: list[ModelGateway] = []
        self._doors = 0

    def gateway(
        self,
        upstreams: Mapping[str, str],
        *,
        limits: Limits | None = None,
        lines: Lines | None = None,
        clock: Clock | None = None,
    ) -> ModelGateway:
        clock = clock or SystemClock()
        keyring = self.keyring(clock)
        directory = self.home / "gateway"
        self._gateways.append(ModelGateway(directory, keyring, clock, upstreams=upstreams, limits=limits, lines=lines))
        return self._gateways[-1]

    def keyring(self, clock: Clock | None = None) -> Keyring:
        """The credentials that are in `environment` and below `home` now, and at every later look."""
        sources = Sources(self.environment, self.home / ".env", self.home)
        endpoints = {
            runtime: replace(endpoint, url=f"{self.token_url}/{runtime}")
            for runtime, endpoint in TOKEN_ENDPOINTS.items()
        }
        return Keyring(sources, self.home / "credentials", clock or SystemClock(), endpoints=endpoints)

    def door(self, url: str, runtime: str = "claude", limits: Limits | None = None) -> Door:
        """A run of this runtime, whose provider is at `url`."""
        return self.open(self.gateway({runtime: url}, limits=limits), runtime)

    def open(self, gateway: ModelGateway, runtime: str = "claude", folder: Folder = KITCHEN) -> Door:
        self._doors += 1
        return gateway.open(RunId(f"r-{self._doors}"), folder, runtime)

    def close(self) -> None:
        for gateway in self._gateways:
            gateway.close()


@dataclass(frozen=True)
class Answer:
    """A whole answer as the agent sees it."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def error(self) -> dict[str, Any]:
        """The error that the gateway answered with itself."""
        document = json.loads(self.body)
        assert document["type"] == "error"
        return dict(document["error"])


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=DEADLINE_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = connect(self._path)


def connect(path: Path) -> socket.socket:
    """A connection to the door at `path`, with the tests' deadline."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(DEADLINE_SECONDS)
    connection.connect(str(path))
    return connection


@contextmanager
def asking(
    door: Door, body: bytes = b"{}", *, path: str = PATHS["claude"], method: str = "POST", **headers: str
) -> Iterator[http.client.HTTPResponse]:
    """The answer as it comes; underscores in header names become hyphens."""
    connection = _UnixConnection(door.socket_path)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        yield connection.getresponse()
    finally:
        connection.close()


def ask(door: Door, body: bytes = b"{}", **options: str) -> Answer:
    """Ask with an independent client, and read the answer to its end."""
    with asking(door, body, **options) as response:
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, headers, response.read())


def say(door: Door, request: bytes) -> bytes:
    """Write raw bytes, and read whatever comes until the end."""
    with connect(door.socket_path) as connection:
        connection.sendall(request)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    return answer
