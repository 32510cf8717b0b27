"""The MCP server line by line: what no client should send, and what the revisions say about it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest

from intercomd.sandbox.agent_program import AGENT_DIRECTORY
from tests.agent.tool_host import ToolHost
from tests.support.waiting import DEADLINE_SECONDS

PARSE_ERROR, INVALID_REQUEST, NO_METHOD, INVALID_PARAMS, UNSUPPORTED = -32700, -32600, -32601, -32602, -32022
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}


class Server:
    """The server as a process; every line sent is followed by what it says next."""

    def __init__(self, directory: Path) -> None:
        argv = (sys.executable, "-I", "-S", "-B", "-W", "error", str(AGENT_DIRECTORY / "__main__.py"), "mcp")
        pipe = subprocess.PIPE
        self._process = subprocess.Popen((*argv, str(directory)), stdin=pipe, stdout=pipe, stderr=pipe)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """Whatever was sent, the end of input ends the process, with nothing on its error stream."""
        _, stderr = self._process.communicate(timeout=DEADLINE_SECONDS)
        assert (self._process.returncode, stderr) == (0, b"")

    def send(self, line: bytes) -> None:
        assert self._process.stdin
        self._process.stdin.write(line + b"\n")
        self._process.stdin.flush()

    def read(self) -> Any:
        assert self._process.stdout
        return json.loads(self._process.stdout.readline())

    def ask(self, method: str, request_id: object = 1, **params: Any) -> Any:
        self.send(json.dumps({"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}).encode())
        return self.read()

    def initialize(self, revision: str = "2025-11-25") -> Any:
        capabilities: dict[str, object] = {}
        return self.ask("initialize", protocolVersion=revision, capabilities=capabilities, clientInfo={"name": "t"})


@pytest.fixture
def host(tmp_path: Path) -> Iterator[ToolHost]:
    with ToolHost(tmp_path / "ipc") as host:
        yield host


@pytest.fixture
def server(host: ToolHost) -> Iterator[Server]:
    with Server(host.directory) as server:
        yield server


def code_of(response: Any) -> tuple[object, int]:
    return response["id"], response["error"]["code"]


BROKEN = [
    (b"{", None, PARSE_ERROR),
    (b"\xff\xfe\x00", None, PARSE_ERROR),
    (b"\x00", None, PARSE_ERROR),
    (b"nonsense", None, PARSE_ERROR),
    (b'{"jsonrpc":"2.0","id":1,"method":"ping"', None, PARSE_ERROR),
    (b'{"jsonrpc":"2.0","id":NaN,"method":"ping"}', None, PARSE_ERROR),
    (b'{"jsonrpc":"2.0","id":' + b"9" * 5000 + b',"method":"ping"}', None, PARSE_ERROR),
    (b"[" * 200_000, None, PARSE_ERROR),
    (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, None, PARSE_ERROR),
    (b'"text"', None, INVALID_REQUEST),
    (b"17", None, INVALID_REQUEST),
    (b"null", None, INVALID_REQUEST),
    (b"[]", None, INVALID_REQUEST),
    (b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]', None, INVALID_REQUEST),
    (b"{}", None, INVALID_REQUEST),
    (b'{"id":7,"method":"ping"}', 7, INVALID_REQUEST),
    (b'{"jsonrpc":"1.0","id":7,"method":"ping"}', 7, INVALID_REQUEST),
    (b'{"jsonrpc":2.0,"id":7,"method":"ping"}', 7, INVALID_REQUEST),
    (b'{"jsonrpc":"2.0","id":"x"}', "x", INVALID_REQUEST),
    (b'{"jsonrpc":"2.0","id":"x","method":{}}', "x", INVALID_REQUEST),
    (b'{"jsonrpc":"2.0","id":"x","method":"ping","params":[1]}', "x", INVALID_PARAMS),
    (b'{"jsonrpc":"2.0","id":"x","method":"ping","params":null}', "x", INVALID_PARAMS),
    (b'{"jsonrpc":"2.0","id":null,"method":"ping"}', None, INVALID_REQUEST),
    (b'{"jsonrpc":"2.0","id":true,"method":"ping"}', None, INVALID_REQUEST),
    (b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}', None, INVALID_REQUEST),
    (b'{"jsonrpc":"2.0","id":[1],"method":"ping"}', None, INVALID_REQUEST),
    (b'{"jsonrpc":"2.0","id":{},"method":"ping"}', None, INVALID_REQUEST),
    (b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}', 1, INVALID_REQUEST),
    (b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_tasks"}}', 1, INVALID_REQUEST),
    (b'{"jsonrpc":"2.0","id":1,"method":"initialize"}', 1, INVALID_PARAMS),
    (b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":5}}', 1, INVALID_PARAMS),
]


def test_broken_message_is_refused_and_the_next_one_is_served(server: Server, host: ToolHost) -> None:
    """Each kind of garbage gets its own error, with the id where one can be read, and the server goes on as before."""
    for line, request_id, code in BROKEN:
        server.send(line)
        assert code_of(server.read()) == (request_id, code), line[:80]
        assert server.ask("ping", "still there")["result"] == {}
    assert host.queries.values == []


def test_line_without_end_is_not_kept(server: Server) -> None:
    """A line of 5 MB is refused once it is over, not stored; one of almost a megabyte is served."""
    server.send(b"x" * 5_000_000)
    assert code_of(server.read()) == (None, INVALID_REQUEST)
    assert server.ask("ping", pad="x" * 1_000_000)["result"] == {}


def test_silence_is_kept_where_no_answer_is_due(server: Server, host: ToolHost) -> None:
    """Notifications, known, unknown or wrong, calls without an id, responses and empty lines are not answered."""
    server.initialize()
    for line in (
        b"",
        b" \t\r",
        b'{"jsonrpc":"2.0","method":"notifications/initialized"}',
        b'{"jsonrpc":"2.0","method":"notifications/unheard-of","params":{"a":[1]}}',
        b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":99}}',
        b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":[1]}}',
        b'{"jsonrpc":"2.0","method":"notifications/cancelled"}',
        b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":[99]}',
        b'{"jsonrpc":"2.0","method":"tools/call","params":{"name":"send_message","arguments":{"text":"x"}}}',
        b'{"jsonrpc":"2.0","id":5,"result":{}}',
        b'{"jsonrpc":"2.0","id":5,"error":{"code":1,"message":"x"}}',
    ):
        server.send(line)
    assert server.ask("ping", "next")["id"] == "next"
    assert host.queries.values == []


def test_unknown_method_tool_and_cursor_are_refused(server: Server) -> None:
    """What does not exist is an error of the protocol, not of a tool."""
    server.initialize()
    assert code_of(server.ask("resources/list")) == (1, NO_METHOD)
    assert code_of(server.ask("tools/list", cursor="x")) == (1, INVALID_PARAMS)
    assert code_of(server.ask("tools/call", name="rm")) == (1, INVALID_PARAMS)
    assert code_of(server.ask("tools/call", name=5)) == (1, INVALID_PARAMS)
    assert code_of(server.ask("tools/call", name="list_tasks", arguments=[1])) == (1, INVALID_PARAMS)
    assert code_of(server.ask("tools/call", name="list_tasks", arguments=None)) == (1, INVALID_PARAMS)


@pytest.mark.parametrize("request_id", ["", "1", 0, -1, 2**70, "é\n\ud800"])
def test_id_comes_back_as_it_was(server: Server, request_id: object) -> None:
    """Text and whole numbers of any size are ids, and "1" is not 1."""
    assert server.ask("ping", request_id)["id"] == request_id


@pytest.mark.parametrize(
    ("wanted", "settled"),
    [
        ("2024-11-05", "2024-11-05"),
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("2026-07-28", "2025-11-25"),
        ("1999-01-01", "2025-11-25"),
        ("", "2025-11-25"),
    ],
)
def test_revision_is_the_clients_where_it_is_known(server: Server, wanted: str, settled: str) -> None:
    """`initialize` settles on the client's revision, or offers the newest that has a handshake."""
    assert server.initialize(wanted)["result"]["protocolVersion"] == settled


def test_batch_is_answered_as_one_in_the_revision_that_has_them(server: Server) -> None:
    """Under 2025-03-26 the responses to an array come as one array, without those that are not due."""
    server.initialize("2025-03-26")
    call = {"name": "list_tasks"}
    server.send(
        json.dumps(
            [
                {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call},
                {"jsonrpc": "2.0", "method": "notifications/initialized"},
                {"jsonrpc": "2.0", "id": 2, "method": "ping"},
                7,
            ]
        ).encode()
    )
    responses = {response["id"]: response for response in server.read()}
    assert set(responses) == {1, 2, None}
    assert responses[1]["result"]["isError"] is False
    assert responses[None]["error"]["code"] == INVALID_REQUEST
    server.send(b'[{"jsonrpc":"2.0","method":"notifications/initialized"}]')
    assert server.ask("ping", "next")["id"] == "next"


def test_stateless_request_is_checked_by_itself(server: Server) -> None:
    """A request that names its revision needs no handshake, has to name one that is served, and knows no ping."""
    listed = server.ask("tools/list", _meta=META)["result"]
    assert listed["resultType"] == "complete" and listed["ttlMs"] > 0 and listed["cacheScope"] == "public"
    found = server.ask("server/discover")["result"]
    assert found["supportedVersions"] == ["2026-07-28"] and found["capabilities"] == {"tools": {}}
    assert code_of(server.ask("ping", _meta=META)) == (1, NO_METHOD)
    assert code_of(server.ask("initialize", _meta=META, protocolVersion="2025-11-25")) == (1, NO_METHOD)
    old = {**META, "io.modelcontextprotocol/protocolVersion": "2025-11-25"}
    refused = server.ask("tools/list", _meta=old)
    assert code_of(refused) == (1, UNSUPPORTED)
    assert refused["error"]["data"] == {"supported": ["2026-07-28"], "requested": "2025-11-25"}
    for wrong in ({"io.modelcontextprotocol/protocolVersion": 5}, {"io.modelcontextprotocol/clientCapabilities": 5}):
        assert code_of(server.ask("tools/list", _meta={**META, **wrong})) == (1, INVALID_PARAMS)


def test_arguments_that_are_no_json_are_explained(server: Server, host: ToolHost) -> None:
    """A number that JSON can be read as but not written as ends as an error result."""
    server.initialize()
    registration = {"jid": "tg:1", "name": "N", "folder": "f", "trigger": "@A", "container_config": {"n": 0}}
    line = json.dumps({"name": "register_group", "arguments": registration}).replace('"n": 0', '"n": 1e999')
    server.send(b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":' + line.encode() + b"}")
    result = server.read()["result"]
    assert result["isError"] and "cannot be written as JSON" in result["content"][0]["text"]
    assert host.queries.values == []


def test_calls_are_bounded_and_ids_are_used_once_at_a_time(server: Server, host: ToolHost) -> None:
    """The 65th call at once is refused with advice, an id under way is refused, a cancelled call is taken back."""
    host.rules["list_tasks"] = lambda query: None
    server.initialize()
    for number in range(64):
        call = {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": {"name": "list_tasks"}}
        server.send(json.dumps(call).encode())
    assert "64 calls are under way" in server.ask("tools/call", 64, name="list_groups")["result"]["content"][0]["text"]
    assert code_of(server.ask("tools/call", 0, name="list_groups")) == (0, INVALID_REQUEST)
    host.queries.wait_for_count(64)
    server.send(b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":3}}')
    host.withdrawn.wait_for_count(1)
    assert server.ask("ping", "x")["id"] == "x"


def test_end_of_input_ends_the_process_and_leaves_the_call_with_the_host(host: ToolHost) -> None:
    """A call under way does not hold up the end; what was asked stays asked."""
    host.rules["send_message"] = lambda query: None
    with Server(host.directory) as server:
        server.initialize()
        params = {"name": "send_message", "arguments": {"text": "last words"}}
        server.send(json.dumps({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": params}).encode())
        (query,) = host.queries.wait_for_count(1)
    assert host.leftovers() == [f"{query['uuid']}.json"]


def test_gemini_is_offered_the_question_under_a_name_that_it_keeps(host: ToolHost) -> None:
    """It drops any tool called `ask_user` without a terminal (B-119); both names are the same tool."""
    with Server(host.directory) as server:
        client = {"name": "gemini-cli-mcp-client-intercom", "version": "1"}
        server.ask("initialize", protocolVersion="2025-11-25", capabilities={}, clientInfo=client)
        names = {tool["name"] for tool in server.ask("tools/list")["result"]["tools"]}
        assert "ask_people" in names and "ask_user" not in names
        asked = {"question": "Which?", "choices": ["a", "b"]}
        for number, name in enumerate(("ask_people", "ask_user")):
            assert not server.ask("tools/call", number, name=name, arguments=asked)["result"]["isError"]
    assert [query["type"] for query in host.queries.values] == ["ask_user", "ask_user"]
