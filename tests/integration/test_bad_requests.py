"""Bad requests to a running daemon: 4xx with a problem, never a 500, and the daemon goes on."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import pytest

from tests.support.daemon import DaemonProcess

pytestmark = pytest.mark.full

JSON = {"Content-Type": "application/json"}
MESSAGES = "/v1/local/chats/kitchen/messages"
TWO_MEGABYTES = b'{"text": "' + b"x" * 2_000_000 + b'"}'


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", MESSAGES, b'{"text": 5}', 422),
        ("POST", MESSAGES, b'["text"]', 422),
        ("POST", MESSAGES, b'{"text": "a", "colour": "red"}', 422),
        ("POST", MESSAGES, b'{"text": "a", "id": " "}', 422),
        ("POST", MESSAGES, b'{"text": ', 400),
        ("POST", MESSAGES, b"\xff\xfe", 400),
        ("POST", MESSAGES, b"", 400),
        ("POST", MESSAGES, TWO_MEGABYTES, 413),
        ("DELETE", MESSAGES, None, 405),
        ("POST", "/livez", b"{}", 405),
        ("GET", "/v1/nothing", None, 404),
        ("GET", "/v1/runs/r-unknown", None, 404),
        ("GET", "/v1/runs?limit=many", None, 422),
        ("GET", "/v1/runs?group=..", None, 422),
        ("GET", "/v1/local/chats/%00/messages", None, 422),
        ("GET", "/v1/local/chats/kitchen/updates?after=-1", None, 422),
        ("POST", "/v1/groups", b'{"jid": "local:a", "folder": "../../etc"}', 422),
        ("POST", "/v1/groups", b'{"jid": "tg:@someone", "folder": "a"}', 422),
        ("POST", "/v1/commands", b'{"chat_jid": "local:a"}', 422),
    ],
)
def test_bad_request_is_a_problem_of_the_caller(
    daemon: DaemonProcess, method: str, path: str, body: bytes | None, status: int
) -> None:
    """Each says in problem+json what is wrong with it (hazards B-17, B-42, B-124)."""
    answer = daemon.client.request(method, path, body, JSON)
    assert (answer.status, answer.content_type) == (status, "application/problem+json")
    assert answer.json["status"] == status


def test_page_of_another_site_is_turned_away(daemon: DaemonProcess) -> None:
    """A web page cannot drive the daemon of the machine that shows it (hazard B-43)."""
    answer = daemon.client.request("POST", MESSAGES, b'{"text": "hi"}', JSON | {"Origin": "http://evil.example"})
    assert answer.status == 403
    assert daemon.client.request("GET", "/readyz", None, {"Host": "evil.example"}).status == 403


def test_bytes_that_are_no_http_are_answered_400(daemon: DaemonProcess) -> None:
    """A client that speaks something else gets an answer and the connection ends."""
    parts = urlsplit(daemon.client.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        connection.sendall(b"\x16\x03\x01\x02\x00 hello\r\n\r\n")
        answer = connection.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.0 400") or answer.startswith(b"HTTP/1.1 400")


def test_daemon_goes_on_after_all_of_it(daemon: DaemonProcess) -> None:
    """None of it was logged as an error, and chats are answered."""
    assert daemon.client.ask("kitchen", "hello") == "hello"
    assert daemon.client.replies("kitchen") == ["hello"]
    assert [event for event in daemon.log.events() if event.event.startswith("api.request")] == []
