"""What the resources answer."""

from __future__ import annotations

from dataclasses import replace

from intercomd.clock import SystemClock
from intercomd.domain.ids import ChatJid, InputId, OutboxId, RunId
from intercomd.domain.outbox import Attachment, NewText, TextKind
from intercomd.domain.runs import Outcome
from intercomd.store.ports import RetryPolicy
from tests.api.conftest import Api
from tests.store.household import Household

NO_RETRY = RetryPolicy(())
KITCHEN = {"jid": "tg:-100", "folder": "kitchen", "name": "Kitchen"}


def test_group_is_listed_when_it_was_registered(api: Api) -> None:
    """A registered group is in the list with its settings and numbers, and the daemon hears of the change."""
    reply = api.call("POST", "/v1/groups", KITCHEN | {"requires_trigger": False, "runtime": "echo"})
    assert reply.status == 201, reply
    (group,) = api.get("/v1/groups")["groups"]
    assert group == reply.json
    assert group["folder"] == "kitchen"
    assert group["requires_trigger"] is False
    assert group["settled_seq"] == group["last_request_seq"] == 0
    assert api.group_changes.values == ["changed"]


def test_group_registration_is_refused_when_another_chat_has_the_folder(api: Api) -> None:
    """A folder in use answers 409 and leaves its group alone (hazard B-101)."""
    api.call("POST", "/v1/groups", KITCHEN)
    assert api.call("POST", "/v1/groups", KITCHEN | {"jid": "tg:-200"}).problem["status"] == 409
    assert [group["jid"] for group in api.get("/v1/groups")["groups"]] == ["tg:-100"]


def test_group_is_gone_when_it_was_removed(api: Api) -> None:
    """Removing answers 204 once and 404 after."""
    api.call("POST", "/v1/groups", KITCHEN)
    assert api.call("DELETE", "/v1/groups/kitchen").status == 204
    assert api.get("/v1/groups") == {"groups": []}
    assert api.call("DELETE", "/v1/groups/kitchen").problem["status"] == 404


def test_outbox_lists_texts_of_the_chat_asked_for(api: Api) -> None:
    """`?chat=` leaves out the texts of other chats."""
    for name in ("1", "2"):
        api.local.receive(name, "hello", "m-1", "Ann")
    texts = [NewText(OutboxId(f"t{n}"), ChatJid(f"local:{n}"), TextKind.REPLY, f"text {n}") for n in (1, 2)]
    texts[1] = replace(texts[1], attachment=Attachment("menu.pdf", 4))
    api.store.outbox.enqueue(texts, handled=None, now=SystemClock().now())
    assert {text["outbox_id"] for text in api.get("/v1/outbox")["texts"]} == {"t1", "t2"}
    (text,) = api.get("/v1/outbox?chat=local:2")["texts"]
    assert (text["text"], text["state"]) == ("text 2", "pending")
    assert text["attachment"] == {"name": "menu.pdf", "size": 4}


def test_runs_are_empty_and_unknown_ones_not_found(api: Api) -> None:
    """A list never fails on nothing; one unknown run is 404."""
    assert api.get("/v1/runs?group=kitchen&limit=5") == {"runs": []}
    assert api.call("GET", "/v1/runs/r-1").problem["status"] == 404


def test_command_answers_with_effects_of_the_existing_system(api: Api) -> None:
    """Text, parse mode and effects have the existing wire form; what is empty is left out (original.md §5.4, §19)."""
    chat = {"chat_jid": "tg:1", "group_name": "G", "group_folder": "g"}
    reset = api.call("POST", "/v1/commands", chat | {"command": "reset", "container_active": True}).json
    assert reset["effects"] == ["KillContainer", "ClearSession"]
    assert "parse_mode" not in reset
    model = api.call(
        "POST",
        "/v1/commands",
        chat | {"command": "model", "args": "gemini-3.1-pro", "current_model": "claude-opus-4-6", "unknown": 1},
    ).json
    assert model["effects"][2] == {"SwitchModel": {"model_id": "gemini-3.1-pro", "runtime": "gemini"}}
    assert model["parse_mode"] == "Markdown"
    assert api.call("POST", "/v1/commands", {"chat_jid": "tg:1", "command": "ping"}).json == {
        "text": "Amtiskaw is online."
    }


def test_command_crash_is_a_500_that_tells_nothing(api: Api) -> None:
    """An unexpected error is a problem with an id, without a stack; the next command is answered."""
    problem = api.call("POST", "/v1/commands", {"chat_jid": "tg:1", "command": "crash"}).problem
    assert problem["status"] == 500
    assert problem["error_id"] in problem["detail"]
    assert "as asked" not in problem["detail"]


def test_profiles_are_sorted(api: Api) -> None:
    """`/v1/runtime/profiles` has the existing system's keys (original.md §5.1)."""
    assert api.get("/v1/runtime/profiles") == {"default_runtime": "echo", "profiles": ["claude", "echo"]}


def test_status_shows_tree_slots_and_queues(api: Api) -> None:
    """One answer holds what the status screen needs."""
    status = api.get("/v1/status")
    assert status["slots"]["used"] == 1
    assert status["store"]["groups"] == 0
    assert status["model_usage"] == [{"folder": "cooks", "requests": 2, "input_tokens": 300, "output_tokens": 40}]
    assert status["orchestrator"]["state"] == "idle"
    assert {"commands", "local", "outbox"} <= {node["path"] for node in status["tree"]["nodes"]}
    assert api.get("/v1/supervision")["nodes"][0]["kind"] == "supervisor"


def test_status_lists_runs_that_failed_and_not_those_that_were_stopped(api: Api) -> None:
    """A run ended by a command is no failure; a run that timed out is."""
    house = Household(api.store)
    for number, outcome in enumerate((Outcome.STOPPED, Outcome.TIMED_OUT)):
        house.say(f"m{number}")
        house.open(run_id=RunId(f"r{number}"), input_id=InputId(f"i{number}"))
        api.store.runs.end_run(RunId(f"r{number}"), outcome, "because", NO_RETRY, house.now)
    assert [run["run_id"] for run in api.get("/v1/status")["store"]["failed_runs"]] == ["r1"]


def test_status_says_so_when_the_store_is_away(api: Api) -> None:
    """Without a store the tree and the slots are still shown (hazard B-05)."""
    api.store.close()
    status = api.get("/v1/status")
    assert status["store"] is None
    assert status["store_error"]
    assert api.call("GET", "/v1/groups").problem["status"] == 503
