"""The MCP server as the official client sees it, in both eras of the protocol."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from mcp import Client, StdioServerParameters
from mcp.types import CallToolResult, TextContent

from intercomd.agent.mcp_server import mcp_command
from intercomd.agent.tools import INSTRUCTIONS, TOOLS
from tests.agent.tool_host import ToolHost
from tests.support.waiting import DEADLINE_SECONDS

Mode = Literal["legacy", "auto"]
CALLS: dict[str, dict[str, object]] = {
    "send_message": {"text": "hello 🙂", "files": ["a/b.pdf"], "sender": "Cook"},
    "schedule_task": {"prompt": "p", "schedule_type": "cron", "schedule_value": "0 9 * * 1-5", "misfire": "skip"},
    "list_tasks": {},
    "update_task": {"task_id": "t1", "prompt": "q", "timezone": "Europe/Berlin"},
    "pause_task": {"task_id": "t1"},
    "resume_task": {"task_id": "t1"},
    "cancel_task": {"task_id": "t1"},
    "list_groups": {},
    "register_group": {"jid": "tg:1", "name": "N", "folder": "f", "trigger": "@A", "requires_trigger": False},
    "ask_user": {"question": "Which?", "choices": ["a", "b"]},
    "search_history": {"text": "x", "before": "2026-02-01T15:30:00Z", "limit": 5},
}


@pytest.fixture
def host(tmp_path: Path) -> Iterator[ToolHost]:
    with ToolHost(tmp_path / "ipc") as host:
        yield host


def converse(host: ToolHost, mode: Mode, talk: Callable[[Client], Awaitable[None]]) -> None:
    """Start the server as runtimes do, connect, and have `talk`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INTERCOM_IPC_DIR", str(host.directory))
        command, *arguments = mcp_command()

    async def connect() -> None:
        async with (
            asyncio.timeout(DEADLINE_SECONDS),
            Client(StdioServerParameters(command=command, args=arguments), mode=mode) as client,
        ):
            await talk(client)

    asyncio.run(connect())


def text_of(result: CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


@pytest.mark.parametrize(("mode", "revision"), [("legacy", "2025-11-25"), ("auto", "2026-07-28")])
def test_client_connects_and_lists_the_tools(host: ToolHost, mode: Mode, revision: str) -> None:
    """Each era settles on its newest revision, and both see the same tools in the same order (B-119)."""

    async def talk(client: Client) -> None:
        assert client.protocol_version == revision
        assert client.server_info is not None and client.server_info.name == "intercom"
        assert client.instructions == INSTRUCTIONS
        listed = (await client.list_tools()).tools
        assert [tool.name for tool in listed] == [tool.name for tool in TOOLS] == list(CALLS)
        assert [tool.input_schema for tool in listed] == [tool.schema for tool in TOOLS]

    converse(host, mode, talk)


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_every_tool_can_be_called(host: ToolHost, mode: Mode) -> None:
    """Tool and arguments reach the host unchanged, under an id of their own each, and nothing is left lying about."""

    async def talk(client: Client) -> None:
        for name, arguments in CALLS.items():
            result = await client.call_tool(name, arguments)
            assert not result.is_error
            assert json.loads(text_of(result)) == {"tool": name, "params": arguments}

    converse(host, mode, talk)
    queries = host.queries.values
    assert [query["type"] for query in queries] == list(CALLS)
    assert len({query["uuid"] for query in queries}) == len(CALLS)
    assert all(query["timestamp"].startswith("20") and query["timestamp"].endswith("Z") for query in queries)
    assert host.leftovers() == []


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_error_of_the_host_is_shown_to_the_agent(host: ToolHost, mode: Mode) -> None:
    """A refusal arrives as an error result in the host's words, so the agent knows that nobody was informed (B-83)."""
    refusal = "tg:9 is not yours: only the main group may write to other chats"
    host.rules["send_message"] = lambda query: ("error", refusal)

    async def talk(client: Client) -> None:
        result = await client.call_tool("send_message", {"text": "hi", "target_jid": "tg:9"})
        assert result.is_error and text_of(result) == refusal

    converse(host, mode, talk)


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_wrong_arguments_are_explained_and_never_sent(host: ToolHost, mode: Mode) -> None:
    """What is against the schema comes back as an error result that names field and allowed values."""

    async def talk(client: Client) -> None:
        result = await client.call_tool("ask_user", {"question": "", "choices": ["a"], "extra": 1})
        assert result.is_error
        assert text_of(result) == (
            "nothing was done: ask_user was called wrongly:\n"
            "extra: unknown field; allowed are question, choices\n"
            "question: must have 1 to 2000 characters, here 0\n"
            "choices: must have 2 to 8 entries, here 1"
        )

    converse(host, mode, talk)
    assert host.queries.values == []


def test_slow_call_holds_up_no_other(host: ToolHost) -> None:
    """Thirty calls at once each get their own answer while one is still without."""
    host.rules["schedule_task"] = lambda query: None

    async def talk(client: Client) -> None:
        answered: dict[str, Any] = {}

        async def send(text: str) -> None:
            answered[text] = json.loads(text_of(await client.call_tool("send_message", {"text": text})))["params"]

        slow = asyncio.create_task(client.call_tool("schedule_task", CALLS["schedule_task"]))
        await asyncio.gather(*(send(f"text {number}") for number in range(30)))
        assert not slow.done()
        slow.cancel()
        assert answered == {text: {"text": text} for text in (f"text {number}" for number in range(30))}

    converse(host, "legacy", talk)


def test_cancelled_call_is_taken_back_and_counts_once_when_made_again(host: ToolHost) -> None:
    """The query of a cancelled call is removed; the same call made again goes under the same id (B-79)."""
    host.rules["send_message"] = lambda query: None

    async def talk(client: Client) -> None:
        call = asyncio.create_task(client.call_tool("send_message", {"text": "once"}))
        await asyncio.to_thread(host.queries.wait_for_count, 1)
        call.cancel()
        await asyncio.to_thread(host.withdrawn.wait_for_count, 1)
        del host.rules["send_message"]
        assert not (await client.call_tool("send_message", {"text": "once"})).is_error

    converse(host, "legacy", talk)
    first, again = host.queries.values
    assert first["uuid"] == again["uuid"]
    assert host.leftovers() == []
