"""A tool call through files: answered, refused, late, unusable, and out of reach."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from intercomd.agent.tool_client import CANCELLED, ToolClient
from tests.agent.tool_host import ToolHost
from tests.support.waiting import join

SHORT_SECONDS = 0.1


@pytest.fixture
def host(tmp_path: Path) -> Iterator[ToolHost]:
    with ToolHost(tmp_path / "ipc") as host:
        yield host


def client(host: ToolHost, deadline_seconds: float = 30.0) -> ToolClient:
    return ToolClient(str(host.directory), deadline_seconds)


def test_call_without_answer_is_taken_back_and_the_agent_told_how_to_find_out(host: ToolHost) -> None:
    """After the deadline the query is gone, and the text says that it may have been done and what to do."""
    host.rules["send_message"] = lambda query: None
    answer = client(host, SHORT_SECONDS).call("send_message", {"text": "hi"})
    assert answer.is_error
    assert answer.text == (
        "the host gave no answer within 0.1 s. It may or may not have been done. To find out, call send_message again "
        "with exactly the same arguments: however often you do, it is done once."
    )
    assert host.leftovers() == []


def test_repeated_call_has_the_same_id_until_it_is_answered(host: ToolHost) -> None:
    """The host sees one id for one wish; once answered, or with other arguments, it is another wish (B-79)."""
    host.rules["send_message"] = lambda query: None
    impatient = client(host, SHORT_SECONDS)
    impatient.call("send_message", {"text": "hi", "sender": "a"})
    impatient.call("send_message", {"sender": "a", "text": "hi"})
    impatient.call("send_message", {"text": "ho"})
    first, again, other = (query["uuid"] for query in host.queries.wait_for_count(3))
    assert first == again != other


def test_late_answer_is_given_to_the_repeated_call(host: ToolHost) -> None:
    """An answer that came after the deadline is not lost: the same call gets it, and the host is not asked again."""
    host.rules["send_message"] = lambda query: None
    impatient = client(host, SHORT_SECONDS)
    impatient.call("send_message", {"text": "hi"})
    (query,) = host.queries.wait_for_count(1)
    host.answer(query["uuid"], '{"status":"ok","result":"sent"}')
    answer = impatient.call("send_message", {"text": "hi"})
    assert (answer.text, answer.is_error) == ("sent", False)
    assert len(host.queries.values) == 1 and host.leftovers() == []


def test_reading_call_is_made_anew(host: ToolHost) -> None:
    """A list that came too late is stale, so the next one is asked for under another id."""
    host.rules["list_tasks"] = lambda query: None
    impatient = client(host, SHORT_SECONDS)
    assert "try again later" in impatient.call("list_tasks", {}).text
    impatient.call("list_tasks", {})
    first, again = (query["uuid"] for query in host.queries.wait_for_count(2))
    assert first != again


def test_cancelled_call_ends_at_once(host: ToolHost) -> None:
    """A call that is cancelled is taken back without waiting for its deadline."""
    cancelled = threading.Event()
    cancelled.set()
    assert client(host).call("send_message", {"text": "hi"}, cancelled) is CANCELLED
    assert host.leftovers() == []


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"status":"ok"}', '{"result":"x"}', "[" * 100_000, "\N{BROKEN BAR}"]
)
def test_unusable_answer_is_an_error(host: ToolHost, content: str) -> None:
    """Whatever stands in the response, the agent gets a text and the file is gone."""

    def answer(query: dict[str, object]) -> None:
        host.answer(str(query["uuid"]), content)
        (host.directory / "queries" / f"{query['uuid']}.json").unlink()

    host.rules["list_tasks"] = answer
    result = client(host).call("list_tasks", {})
    assert result.is_error and "answer is unusable" in result.text
    assert host.leftovers() == []


def test_answer_that_cannot_be_read_is_an_error(host: ToolHost) -> None:
    """A directory where the answer should be ends the call, which says that it may have been done."""

    def answer(query: dict[str, object]) -> None:
        (host.directory / "responses" / f"{query['uuid']}.json").mkdir()

    host.rules["send_message"] = answer
    result = client(host).call("send_message", {"text": "hi"})
    assert result.is_error and result.text.startswith("it may have been done, but the host's answer cannot be read")


def test_missing_directory_is_an_error(tmp_path: Path) -> None:
    """An agent that was given no directory hears so at once."""
    answer = ToolClient(str(tmp_path / "nowhere")).call("list_tasks", {})
    assert answer.is_error and "the host cannot be reached" in answer.text


def test_unknown_tool_names_the_known_ones(host: ToolHost) -> None:
    """A runtime's typing error is explained."""
    answer = client(host).call("sendmessage", {"text": "x"})
    assert answer.is_error and "send_message, schedule_task" in answer.text


def test_threads_share_a_client(host: ToolHost) -> None:
    """Calls of many threads at once, equal ones included, each get an answer of their own."""
    shared = client(host)
    answers: list[str] = []

    def call(number: int) -> None:
        answers.append(json.loads(shared.call("send_message", {"text": f"t{number % 5}"}).text)["params"]["text"])

    threads = [threading.Thread(target=call, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        join(thread)
    assert sorted(answers) == sorted(f"t{number % 5}" for number in range(20))
    assert len({query["uuid"] for query in host.queries.values}) == 20
