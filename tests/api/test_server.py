"""Start and stop of the server, and probes under load."""

from __future__ import annotations

import socket
import stat
import threading
from collections.abc import Iterable
from datetime import timedelta
from http.client import HTTPConnection
from pathlib import Path
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import pytest

from intercomd.api.access import read_token
from intercomd.api.app import create_app
from intercomd.api.binding import ListenError
from intercomd.api.server import ApiServer, ServerOptions
from intercomd.api.services import Services
from intercomd.errors import ConfigError
from intercomd.settings.values import BindAddress
from tests.api.conftest import GRACE, Api, Gate, read_reply
from tests.support.waiting import DEADLINE_SECONDS, Probe, join, wait_for


def answer_ok(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "2")])
    return [b"ok"]


class Held:
    """A WSGI application whose requests wait at a gate, but for probes; each arrival is recorded."""

    def __init__(self) -> None:
        self.gate = Gate()
        self.arrived: Probe[str] = Probe()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        self.arrived.record(environ["PATH_INFO"])
        if environ["PATH_INFO"] == "/held":
            self.gate.pass_through()
        return answer_ok(environ, start_response)


def start(app: WSGIApplication = answer_ok, bind: str = "127.0.0.1:0", threads: int = 2) -> ApiServer:
    server = ApiServer(app, BindAddress.parse(bind), ServerOptions(threads=threads), lambda: None)
    server.start()
    return server


def connect(server: ApiServer) -> HTTPConnection:
    return HTTPConnection(*_address(server), timeout=DEADLINE_SECONDS)


def get(server: ApiServer, path: str) -> bytes:
    connection = connect(server)
    try:
        connection.request("GET", path)
        return read_reply(connection).body
    finally:
        connection.close()


def ask_in_thread(server: ApiServer, path: str, answers: Probe[bytes]) -> threading.Thread:
    thread = threading.Thread(target=lambda: answers.record(get(server, path)), daemon=True)
    thread.start()
    return thread


def test_server_answers_when_start_has_returned() -> None:
    """Port 0 takes a free port, and the URL names it."""
    server = start()
    assert get(server, "/") == b"ok"
    assert server.stop(GRACE)


def test_start_fails_when_the_port_is_taken() -> None:
    """A taken port is one clear error, marked as such, and nothing is left behind."""
    first = start()
    port = first.url.rpartition(":")[2]
    with pytest.raises(ListenError, match="another intercomd") as caught:
        start(bind=f"127.0.0.1:{port}")
    assert caught.value.is_taken
    assert first.stop(GRACE)


def test_start_fails_when_the_host_is_not_ours() -> None:
    """An address of another machine is an error that waiting does not heal."""
    with pytest.raises(ListenError) as caught:
        start(bind="192.0.2.1:0")
    assert not caught.value.is_taken


def test_port_is_free_when_stop_has_returned() -> None:
    """The next daemon can take the port at once."""
    first = start()
    bind = first.url.removeprefix("http://")
    get(first, "/")
    assert first.stop(GRACE)
    second = start(bind=bind)
    assert get(second, "/") == b"ok"
    assert second.stop(GRACE)


def test_stop_finishes_the_request_in_flight() -> None:
    """A request that was taken gets its whole answer; new connections are refused meanwhile (hazard B-105)."""
    app = Held()
    server = start(app)
    answers: Probe[bytes] = Probe()
    client = ask_in_thread(server, "/held", answers)
    wait_for(app.gate.reached, "the request is being worked on")
    stopped: Probe[bool] = Probe()
    stopper = threading.Thread(target=lambda: stopped.record(server.stop(GRACE)), daemon=True)
    stopper.start()
    assert not stopped.values
    app.gate.opened.set()
    join(client)
    join(stopper)
    assert answers.values == [b"ok"]
    assert stopped.values == [True]
    with pytest.raises(ConnectionRefusedError):
        get(server, "/")


def test_stop_does_not_wait_for_an_idle_client() -> None:
    """A keep-alive connection without a request is closed, not waited for."""
    server = start()
    connection = connect(server)
    connection.request("GET", "/")
    assert read_reply(connection).body == b"ok"
    assert server.stop(timedelta(seconds=60))
    assert connection.sock is not None
    assert connection.sock.recv(1) == b""
    connection.close()


def test_stop_does_not_wait_for_half_a_request_beyond_its_grace() -> None:
    """A client that never finishes its request is cut off when the grace period is over."""
    server = start()
    with socket.create_connection(_address(server), timeout=DEADLINE_SECONDS) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nab")
        get(server, "/")  # the loop has seen the bytes before this connection's
        assert server.stop(timedelta(milliseconds=50))
        assert client.recv(1) == b""


def test_stop_gives_up_on_a_worker_that_does_not_end() -> None:
    """A request that outlasts the grace period is cut off, and stop says so."""
    app = Held()
    server = start(app)
    answers: Probe[bytes] = Probe()
    thread = threading.Thread(target=lambda: _record_failure(server, answers), daemon=True)
    thread.start()
    wait_for(app.gate.reached, "the request is being worked on")
    assert not server.stop(timedelta(milliseconds=50))
    join(thread)
    assert answers.values == [b"cut off"]
    app.gate.opened.set()
    assert server.stop(GRACE)


def test_stop_twice_is_stop_once() -> None:
    """A second stop finds nothing to do."""
    server = start()
    assert server.stop(GRACE)
    assert server.stop(GRACE)


@pytest.mark.parametrize("path", ["/livez", "/healthz", "/readyz"])
def test_probe_answers_when_every_worker_is_busy(path: str) -> None:
    """Probes have threads of their own; other requests wait."""
    app = Held()
    server = start(app, threads=1)
    answers: Probe[bytes] = Probe()
    clients = [ask_in_thread(server, "/held", answers)]
    wait_for(app.gate.reached, "the only worker is busy")
    clients.append(ask_in_thread(server, "/other", answers))
    assert get(server, path) == b"ok"
    assert "/other" not in app.arrived.values
    app.gate.opened.set()
    for client in clients:
        join(client)
    assert len(answers.values) == 2
    assert server.stop(GRACE)


def test_unix_socket_is_for_its_owner_and_needs_no_host(tmp_path: Path, api: Api) -> None:
    """The same API over a unix socket: mode 0600, whatever the Host header says, gone after stop."""
    path = tmp_path / "api.sock"
    server = ApiServer(api.app, BindAddress.parse(f"unix:{path}"), ServerOptions(threads=1), lambda: None)
    server.start()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(DEADLINE_SECONDS)
        client.connect(str(path))
        client.sendall(b"GET /livez HTTP/1.0\r\nHost: anything.example\r\n\r\n")
        assert client.recv(65536).startswith(b"HTTP/1.0 200 OK")
    with pytest.raises(ListenError):
        start(bind=f"unix:{path}")
    assert server.stop(GRACE)
    assert not path.exists()


def test_dead_unix_socket_is_replaced(tmp_path: Path) -> None:
    """What a killed daemon left behind does not hinder the next one."""
    path = tmp_path / "api.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    server = start(bind=f"unix:{path}")
    assert server.stop(GRACE)


def test_open_bind_needs_a_token(tmp_path: Path) -> None:
    """An address that others can reach is refused without a token file, or with an empty one (hazard B-43)."""
    everywhere = BindAddress.parse("0.0.0.0:7340")
    empty = tmp_path / "empty"
    empty.write_text("\n")
    for token_file in (None, empty, tmp_path / "missing"):
        with pytest.raises(ConfigError, match="api_token_file"):
            read_token(everywhere, token_file)
    assert read_token(BindAddress.parse("localhost:1"), None) is None


@pytest.mark.parametrize(
    ("path", "authorization", "status"),
    [
        ("/v1/groups", "Bearer s3cret", 200),
        ("/v1/groups", "bearer  s3cret ", 200),
        ("/v1/groups", "Bearer s3cre", 401),
        ("/v1/groups", "Basic s3cret", 401),
        ("/readyz", "", 401),
        ("/livez", "", 200),
    ],
)
def test_open_bind_lets_in_who_has_the_token(
    services: Services, tmp_path: Path, path: str, authorization: str, status: int
) -> None:
    """With a token its bearer gets in under any name of the machine; only `/livez` is open."""
    token_file = tmp_path / "token"
    token_file.write_text("s3cret\n")
    server = start(create_app(services, read_token(BindAddress.parse("0.0.0.0:0"), token_file), 2), "0.0.0.0:0")
    connection = connect(server)
    connection.request("GET", path, headers={"Host": "assistant.example", "Authorization": authorization})
    assert read_reply(connection).status == status
    connection.close()
    assert server.stop(GRACE)


def _address(server: ApiServer) -> tuple[str, int]:
    host, _, port = server.url.removeprefix("http://").rpartition(":")
    return host, int(port)


def _record_failure(server: ApiServer, answers: Probe[bytes]) -> None:
    try:
        answers.record(get(server, "/held"))
    except OSError:
        answers.record(b"cut off")
