"""Every tool called by an agent in a sandbox, through the real daemon, on each store: effects, rights and answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from intercomd.agent.tools import TOOLS
from tests.integration.conftest import MakeDaemon
from tests.support.daemon import DaemonProcess, Settings

pytestmark = pytest.mark.full

YEARLY = {"prompt": "the bins", "schedule_type": "cron", "schedule_value": "0 9 1 1 *", "timezone": "Europe/Berlin"}
COLOURS = "Which colour?\n\n1. Red\n2. Blue\n\nAnswer with the number."


@pytest.fixture
def daemon(make_daemon: MakeDaemon, storage: Settings) -> DaemonProcess:
    """Nothing is due for months; the agents' runs end only when the test does."""
    settings = {**storage, "sandbox": {"engine": "bubblewrap"}, "scheduler": {"enabled": True}}
    daemon = make_daemon(settings).start()
    daemon.wait_for_log("orchestrator.state", state="active")
    return daemon


def call(daemon: DaemonProcess, chat: str, tool: str, *texts: str, **arguments: object) -> str:
    """What the agent was answered. `texts` are those that the chat is to see first, sent by the tool."""
    after = daemon.client.say(chat, f"!call {tool} {json.dumps(arguments)}")
    *sent, reply = daemon.client.wait_for_replies(chat, len(texts) + 1, after)
    assert tuple(sent) == texts
    return reply


def call_ok(daemon: DaemonProcess, chat: str, tool: str, *texts: str, **arguments: object) -> str:
    """The answer of a call that must be done."""
    answered, _, text = call(daemon, chat, tool, *texts, **arguments).partition(": ")
    assert answered == f"{tool} ok", text
    return text


def call_refused(daemon: DaemonProcess, chat: str, tool: str, **arguments: object) -> str:
    """The reason of a call that must not be done."""
    answered, _, text = call(daemon, chat, tool, **arguments).partition(": ")
    assert answered == f"{tool} error", text
    return text


def tasks(daemon: DaemonProcess) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = daemon.client.get("/v1/tasks?limit=100")["tasks"]
    return found


def test_group_does_what_is_its_own(daemon: DaemonProcess) -> None:
    """A group that is not the main one writes to its chat, keeps its tasks, and sees its own past and nobody else's."""
    daemon.client.ask("main", "a secret of the main group")
    (daemon.home / "groups" / "kitchen").mkdir(parents=True)
    (daemon.home / "groups" / "kitchen" / "list.txt").write_text("eggs")

    sent, file = "Cook: soup", "[file list.txt, 4 bytes: list.txt in the group's folder kitchen]"
    path = "/workspace/group/list.txt"
    call_ok(daemon, "kitchen", "send_message", sent, file, text="soup", sender="Cook", files=[path])

    call_ok(daemon, "kitchen", "schedule_task", **YEARLY)
    (task,) = tasks(daemon)
    assert (task["folder"], task["prompt"], task["timezone"], task["context_mode"]) == (
        "kitchen",
        "the bins",
        "Europe/Berlin",
        "group",
    )
    assert [seen["id"] for seen in json.loads(call_ok(daemon, "kitchen", "list_tasks"))] == [task["task_id"]]
    call_ok(daemon, "kitchen", "update_task", task_id=task["task_id"], prompt="the glass", misfire="skip")
    call_ok(daemon, "kitchen", "pause_task", task_id=task["task_id"])
    (changed,) = tasks(daemon)
    assert (changed["prompt"], changed["misfire"], changed["status"]) == ("the glass", "skip", "paused")
    call_ok(daemon, "kitchen", "resume_task", task_id=task["task_id"])
    assert tasks(daemon)[0]["status"] == "active"
    call_ok(daemon, "kitchen", "cancel_task", task_id=task["task_id"])
    assert tasks(daemon) == []

    assert [seen["jid"] for seen in json.loads(call_ok(daemon, "kitchen", "list_groups"))] == ["local:kitchen"]
    found = json.loads(call_ok(daemon, "kitchen", "search_history", text="SOUP", limit=100))
    assert sent in [message["text"] for message in found]
    found = json.loads(call_ok(daemon, "kitchen", "search_history", text="secret"))
    assert [message["text"] for message in found] == ['!call search_history {"text": "secret"}']
    assert {run["outcome"] for run in daemon.client.runs("kitchen")} == {None}


def test_group_is_refused_what_is_not_its_own(daemon: DaemonProcess) -> None:
    """Other chats, other groups' tasks, new groups and files elsewhere are refused aloud, without effect (B-83)."""
    daemon.client.ask("main", "hello")
    call_ok(daemon, "main", "schedule_task", **YEARLY)
    (task,) = tasks(daemon)
    before = daemon.client.messages("main")

    assert "only the main group" in call_refused(daemon, "kitchen", "send_message", text="x", target_jid="local:main")
    assert "only the main group" in call_refused(
        daemon, "kitchen", "schedule_task", **YEARLY, target_group_jid="local:main"
    )
    for tool in ("pause_task", "resume_task", "cancel_task"):
        assert "main group" in call_refused(daemon, "kitchen", tool, task_id=task["task_id"])
    call_refused(daemon, "kitchen", "update_task", task_id=task["task_id"], prompt="mine now")
    new = {"jid": "local:garden", "name": "Garden", "folder": "garden", "trigger": "@G"}
    assert "main group" in call_refused(daemon, "kitchen", "register_group", **new)
    for path in ("/etc/passwd", "../main/x", "nothing.txt"):
        call_refused(daemon, "kitchen", "send_message", text="x", files=[path])
    call_refused(daemon, "kitchen", "schedule_task", **{**YEARLY, "timezone": "Mars/Olympus"})

    assert tasks(daemon) == [task]
    assert daemon.client.messages("main") == before
    assert [group["folder"] for group in daemon.client.get("/v1/groups")["groups"]] == ["main", "kitchen"]


def test_main_group_acts_for_others(daemon: DaemonProcess) -> None:
    """It registers a group, writes to its chat, plans and cancels its tasks, and sees every chat."""
    daemon.client.ask("kitchen", "hello")
    new = {"jid": "local:garden", "name": "Garden", "folder": "garden", "trigger": "@G"}
    call_ok(daemon, "main", "register_group", **new)
    garden = daemon.client.get("/v1/groups")["groups"][-1]
    assert (garden["folder"], garden["trigger"], garden["requires_trigger"]) == ("garden", "@G", True)

    call_ok(daemon, "main", "send_message", text="dig", target_jid="local:garden")
    assert daemon.client.wait_for_replies("garden", 1) == ["dig"]
    call_ok(daemon, "main", "schedule_task", **YEARLY, target_group_jid="local:kitchen", context_mode="isolated")
    (task,) = tasks(daemon)
    assert (task["folder"], task["context_mode"]) == ("kitchen", "isolated")
    assert [seen["group"] for seen in json.loads(call_ok(daemon, "main", "list_tasks"))] == ["kitchen"]
    seen = {chat["jid"] for chat in json.loads(call_ok(daemon, "main", "list_groups"))}
    assert seen == {"local:main", "local:kitchen", "local:garden"}
    call_ok(daemon, "main", "cancel_task", task_id=task["task_id"])
    assert tasks(daemon) == []


def test_question_is_answered_without_the_trigger(daemon: DaemonProcess) -> None:
    """The number goes to the agent that asked, once; the same number again is talk among people."""
    new = {"jid": "local:garden", "name": "Garden", "folder": "garden", "trigger": "@G"}
    call_ok(daemon, "main", "register_group", **new)
    question = {"question": "Which colour?", "choices": ["Red", "Blue"]}
    asked = daemon.client.say("garden", f"@G !call ask_user {json.dumps(question)}")
    shown, answered = daemon.client.wait_for_replies("garden", 2, asked)
    assert shown == COLOURS and answered.startswith("@G\nask_user ok: The question is asked.")

    assert daemon.client.ask("garden", "2") == "2"
    unheard = daemon.client.say("garden", "2")
    assert daemon.client.ask("garden", "@G next") == "@G next"
    kinds = {message["seq"]: message["kind"] for message in daemon.client.messages("garden")}
    assert kinds[unheard] == "context"
    assert len(daemon.client.runs("garden")) == 1


def test_answer_reaches_the_next_agent_after_a_kill(daemon: DaemonProcess) -> None:
    """The agent that asked died with the daemon; a new one gets the answer, and the question is not asked again."""
    question = {"question": "Which colour?", "choices": ["Red", "Blue"]}
    call_ok(daemon, "kitchen", "ask_user", COLOURS, **question)
    daemon.kill()
    daemon.start()
    assert daemon.client.ask("kitchen", "blue") == "blue"
    assert [run["outcome"] is None for run in daemon.client.runs("kitchen")] == [False, True]
    assert daemon.client.replies("kitchen").count(COLOURS) == 1


def test_every_tool_is_known_to_the_daemon(daemon: DaemonProcess) -> None:
    """No tool is offered that the daemon does not have: each answers for itself, if only with what it misses."""
    wrong: dict[str, dict[str, object]] = {
        "send_message": {"text": " "},
        "schedule_task": {**YEARLY, "schedule_value": "nonsense"},
        "update_task": {"task_id": "none", "prompt": "x"},
        "pause_task": {"task_id": "none"},
        "resume_task": {"task_id": "none"},
        "cancel_task": {"task_id": "none"},
        "register_group": {"jid": "nonsense", "name": "N", "folder": "n", "trigger": "@N"},
        "ask_user": {"question": "?", "choices": ["a", "A "]},
    }
    for tool in TOOLS:
        answer = call(daemon, "main", tool.name, **wrong.get(tool.name, {}))
        assert answer.startswith(f"{tool.name} {'error' if tool.name in wrong else 'ok'}: "), answer
        assert "Unknown query type" not in answer and "called wrongly" not in answer
