"""What the model gateway costs: the first byte of an answer through it, and doors that nobody uses."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from statistics import median

from intercomd.clock import SystemClock
from intercomd.daemon.model_access import open_keyring
from intercomd.domain.ids import Folder, RunId
from intercomd.gateway.limits import Limits
from intercomd.gateway.model_gateway import ModelGateway
from tests.bench.figures import Figure, percentile
from tests.bench.idle import cpu_seconds, pass_time, status_of
from tests.gateway.provider_stub import ProviderStub, Visit

_DOORS = 50
_REQUESTS = 200
_OBSERVED_S = 5.0
_BODY = b'{"messages": "' + b"x" * 50_000 + b'"}'
_REQUEST = b"POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%s" % (len(_BODY), _BODY)


def measure_gateway(home: Path, _rounds: int) -> Iterator[Figure]:
    """Against a provider on this machine, asked directly and through the gateway in turn."""
    stub = ProviderStub(_stream)
    with closing(stub), closing(_gateway(home, stub.url)) as gateway:
        door = gateway.open(RunId("r-bench"), Folder("bench"), "claude")
        port = int(stub.url.rsplit(":", 1)[1])
        direct, through = [], []
        for _ in range(_REQUESTS):
            direct.append(_first_byte_ms(lambda: socket.create_connection(("127.0.0.1", port))))
            through.append(_first_byte_ms(lambda: _connect(door.socket_path)))
        added = median(through) - median(direct)
        yield Figure("gateway: added to the first byte, median", added, "ms", 5.0)
        yield Figure("gateway: first byte through it, p99", percentile(through, 99), "ms")


def measure_idle_doors(home: Path, _rounds: int) -> Iterator[Figure]:
    """Doors of runs that say nothing, in this process."""
    with closing(_gateway(home, "http://127.0.0.1:1")) as gateway:
        gateway.open(RunId("r-first"), Folder("bench"), "claude")
        before_kb = status_of(os.getpid(), "VmRSS")
        for number in range(_DOORS):
            gateway.open(RunId(f"r-{number}"), Folder("bench"), "claude")
        began = cpu_seconds(os.getpid())
        pass_time(_OBSERVED_S)
        share = 100 * (cpu_seconds(os.getpid()) - began) / _OBSERVED_S
        each = (status_of(os.getpid(), "VmRSS") - before_kb) / 1024 / _DOORS
        yield Figure(f"gateway: memory of an idle door ({_DOORS} open)", each, "MB", 1.0)
        yield Figure(f"gateway: CPU of {_DOORS} idle doors", share, "% of a core", 1.0)


def _gateway(home: Path, url: str) -> ModelGateway:
    clock = SystemClock()
    keyring = open_keyring(home, {"ANTHROPIC_API_KEY": "bench"}, clock)
    limits = Limits(requests_per_minute=10 * _REQUESTS)
    return ModelGateway(home / "gateway", keyring, clock, upstreams={"claude": url}, limits=limits)


def _stream(visit: Visit) -> None:
    visit.start_stream()
    visit.send_piece(b"data: 1\n\n")
    visit.send_piece(b"")


def _connect(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(str(path))
    return connection


def _first_byte_ms(connect: Callable[[], socket.socket]) -> float:
    """From connecting to the first byte of the body, with a request as large as a conversation."""
    began = time.perf_counter()
    with connect() as connection:
        connection.sendall(_REQUEST)
        answer = b""
        while b"data:" not in answer:
            piece = connection.recv(65536)
            assert piece, answer
            answer += piece
        return (time.perf_counter() - began) * 1000
