"""Wrong requests: always a 4xx problem document, never a 500."""

from __future__ import annotations

import socket

import pytest

from tests.api.conftest import Api, read_reply

JSON = {"Content-Type": "application/json"}
COMMAND = {"chat_jid": "tg:1", "command": "ping"}


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (b"", 400, None),
        (b"{", 400, None),
        (b'{"chat_jid": "\xff"}', 400, None),
        (b'{"chat_jid": "\\ud800", "command": "ping"}', 400, None),
        (b'{"x": ' + b"[" * 30_000 + b"]" * 30_000 + b"}", 400, None),
        (b"[]", 422, "body"),
        (b"null", 422, "body"),
        (b'{"chat_jid": "tg:1"}', 422, "command"),
        (b'{"chat_jid": 1, "command": "ping"}', 422, "chat_jid"),
        (b'{"chat_jid": "tg:1", "command": "ping", "container_active": "yes"}', 422, "container_active"),
        (b'{"chat_jid": "tg:1", "command": "ping", "group_folder": "../etc"}', 422, "group_folder"),
    ],
)
def test_wrong_body_is_refused_with_its_place(api: Api, body: bytes, status: int, field: str | None) -> None:
    """What is no JSON is 400; JSON of the wrong shape is 422 and names the field."""
    problem = api.call("POST", "/v1/commands", body, JSON).problem
    assert problem["status"] == status
    assert problem.get("field") == field


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"folder": "a/b"}, "folder"),
        ({"folder": "global"}, "folder"),
        ({"folder": "x" * 65}, "folder"),
        ({"jid": ""}, "jid"),
        ({"jid": "@mychannel x"}, "jid"),
        ({"jid": "tg:@mychannel"}, "jid"),
        ({"jid": "local:../x"}, "jid"),
        ({"runtime": "nope"}, "runtime"),
        ({"name": "n" * 1000}, "name"),
        ({"requires_trigger": 1}, "requires_trigger"),
        ({"triger": "x"}, "body"),
    ],
)
def test_wrong_group_is_refused(api: Api, change: dict[str, object], field: str) -> None:
    """Bad folders, strange chats, unknown runtimes and misspelt keys register nothing (hazards B-42, B-124)."""
    problem = api.call("POST", "/v1/groups", {"jid": "tg:-100", "folder": "kitchen"} | change).problem
    assert (problem["status"], problem["field"]) == (422, field)
    assert api.store.groups.count() == 0


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/v1/runs?limit=0", "limit"),
        ("/v1/runs?limit=x", "limit"),
        ("/v1/runs?limit=99999999999999999999", "limit"),
        ("/v1/runs?group=..", "group"),
        ("/v1/groups/%2e%2e", "folder"),
        ("/v1/groups/%ff%00", "folder"),
        ("/v1/local/chats/a%20b/updates", "name"),
        ("/v1/local/chats/main/updates?after=-1", "after"),
        ("/v1/local/chats/main/updates?after=9999999999999999", "after"),
        ("/v1/local/chats/main/updates?wait=nan", "wait"),
        ("/v1/local/chats/main/updates?wait=999", "wait"),
        ("/v1/local/chats/main/updates?wait=1&live=x", "live"),
    ],
)
def test_wrong_parameter_is_refused_by_name(api: Api, path: str, field: str) -> None:
    """A parameter outside its limits is 422 and named."""
    problem = api.call("GET", path).problem
    assert (problem["status"], problem["field"]) == (422, field)


def test_unknown_path_is_404(api: Api) -> None:
    """A path nobody answers is a problem, too."""
    assert api.call("GET", "/v2/nothing").problem["status"] == 404
    assert api.call("GET", "/v1/local/nothing").problem["status"] == 404


def test_wrong_method_is_405_and_names_the_right_ones(api: Api) -> None:
    """405 carries Allow."""
    reply = api.call("DELETE", "/v1/groups")
    assert reply.problem["status"] == 405
    assert {"GET", "POST"} <= set(reply.headers["allow"].split(", "))


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonx"])
def test_other_content_type_is_415(api: Api, content_type: str) -> None:
    """Only JSON is read: a form of a web page never is (it could be sent without asking)."""
    reply = api.call("POST", "/v1/commands", b'{"chat_jid":"tg:1","command":"ping"}', {"Content-Type": content_type})
    assert reply.problem["status"] == 415


def test_json_suffix_is_json(api: Api) -> None:
    """`application/*+json` with parameters is accepted, as in the existing system."""
    headers = {"Content-Type": "application/vnd.x+json; charset=utf-8"}
    assert api.call("POST", "/v1/commands", b'{"chat_jid":"tg:1","command":"ping"}', headers).status == 200


def test_large_body_is_413_and_the_answer_arrives(api: Api) -> None:
    """Two megabytes are refused by their announced length, and the client that still sends gets to read why."""
    assert api.call("POST", "/v1/commands", b"x" * 2_000_000, JSON).problem["status"] == 413


def test_large_chunked_body_is_413(api: Api) -> None:
    """Without an announced length the limit holds while reading."""
    connection = api.connect()
    try:
        chunks = (b"x" * 8192 for _ in range(32))
        connection.request("POST", "/v1/commands", body=chunks, headers=JSON, encode_chunked=True)
        assert read_reply(connection).problem["status"] == 413
    finally:
        connection.close()


def test_body_of_exactly_the_limit_is_read(api: Api) -> None:
    """The limit itself is allowed: what is wrong with this body is its content."""
    assert api.call("POST", "/v1/commands", b" " * (64 * 1024), JSON).problem["status"] == 400
    assert api.call("POST", "/v1/commands", b" " * (64 * 1024 + 1), JSON).problem["status"] == 413


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"POST /v1/commands HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n", 400),
        (b"POST /v1/commands HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 300_000 + b"\r\n\r\n", 431),
    ],
)
def test_unreadable_request_is_a_problem_document(api: Api, sent: bytes, status: int) -> None:
    """What the server cannot even parse is answered in the same form."""
    with socket.create_connection(api.address, timeout=10) as client:
        client.sendall(sent)
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.") and f" {status} ".encode() in head.splitlines()[0]
    assert b"application/problem+json" in head
    assert f'"status": {status}'.encode() in body


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:7340"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "[::1"},
        {"Host": ""},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Host": "localhost:1", "Origin": "http://localhost:2"},
    ],
)
def test_web_page_is_refused(api: Api, headers: dict[str, str]) -> None:
    """Foreign names (DNS rebinding) and foreign origins (cross-site requests) do not drive a loopback daemon
    (hazard B-43)."""
    assert api.call("POST", "/v1/commands", COMMAND, headers).problem["status"] == 403


@pytest.mark.parametrize(
    "headers", [{"Host": "localhost"}, {"Host": "[::1]:80"}, {"Host": "localhost:1", "Origin": "http://localhost:1"}]
)
def test_this_machine_is_let_in_by_any_of_its_names(api: Api, headers: dict[str, str]) -> None:
    """All loopback names do, at any port (a tunnel changes it), and so does a page of the daemon itself."""
    assert api.call("POST", "/v1/commands", COMMAND, headers).status == 200
