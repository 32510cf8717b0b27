"""The loopback port behind which the model gateway's socket is."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from intercomd.agent.relay import Relay
from tests.support.waiting import DEADLINE_SECONDS


class Gateway:
    """The other end, which a test plays itself."""

    def __init__(self, path: Path) -> None:
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.settimeout(DEADLINE_SECONDS)
        self.listener.bind(str(path))
        self.listener.listen(8)
        self.relay = Relay(str(path))

    def connect(self) -> tuple[socket.socket, socket.socket]:
        """A program's end and ours of one connection."""
        program = socket.create_connection(("127.0.0.1", self.relay.port), DEADLINE_SECONDS)
        ours, _ = self.listener.accept()
        ours.settimeout(DEADLINE_SECONDS)
        return program, ours


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    gateway = Gateway(tmp_path / "gateway.sock")
    yield gateway
    gateway.relay.close()
    gateway.listener.close()


def read_all(end: socket.socket) -> bytes:
    chunks = []
    while chunk := end.recv(1 << 16):
        chunks.append(chunk)
    return b"".join(chunks)


def test_bytes_are_passed_on_as_they_come(gateway: Gateway) -> None:
    """A piece of a stream is there before the next one is written, in both directions."""
    program, ours = gateway.connect()
    with closing(program), closing(ours):
        for data in (b"a", b"\x00\xff", b"c" * 1000):
            program.sendall(data)
            assert ours.recv(1 << 16) == data
            ours.sendall(data)
            assert program.recv(1 << 16) == data


def test_half_that_is_closed_leaves_the_other_one_open(gateway: Gateway) -> None:
    """A request that has ended still gets its whole answer."""
    program, ours = gateway.connect()
    with closing(program):
        program.sendall(b"request")
        program.shutdown(socket.SHUT_WR)
        assert read_all(ours) == b"request"
        ours.sendall(b"answer")
        ours.close()
        assert read_all(program) == b"answer"


def test_program_that_hangs_up_is_known_at_the_gateway(gateway: Gateway) -> None:
    """A stream that nobody reads any more is given up."""
    program, ours = gateway.connect()
    program.close()
    with closing(ours):
        assert ours.recv(1) == b""


def test_gateway_that_is_gone_refuses_one_connection_at_a_time(gateway: Gateway) -> None:
    """The program sees a connection that ends, and the relay goes on."""
    gateway.listener.close()
    for _ in range(2):
        with socket.create_connection(("127.0.0.1", gateway.relay.port), DEADLINE_SECONDS) as program:
            assert program.recv(1) == b""


def test_many_connections_run_at_once(gateway: Gateway) -> None:
    """One that is silent holds up no other."""
    pairs = [gateway.connect() for _ in range(8)]
    for number, (program, ours) in reversed(list(enumerate(pairs))):
        program.sendall(bytes([number]))
        assert ours.recv(1) == bytes([number])
    for program, ours in pairs:
        program.close()
        ours.close()
