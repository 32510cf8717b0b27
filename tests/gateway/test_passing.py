"""What passes the gateway: the provider's own requests, with our credential, streamed as they come."""

from __future__ import annotations

import http.client
import socket
import threading
from datetime import timedelta

import pytest

from intercomd.gateway.limits import Limits
from intercomd.gateway.model_gateway import Door
from intercomd.gateway.usage import Usage
from tests.gateway.conftest import Stubs
from tests.gateway.doors import KITCHEN, PATHS, Household, ask, asking, connect
from tests.gateway.provider_stub import Visit
from tests.support.waiting import logged_events, wait_for

CREDENTIAL = {
    "claude": ("x-api-key", "sk-ant-real"),
    "codex": ("authorization", "Bearer sk-openai-real"),
    "gemini": ("x-goog-api-key", "gemini-real"),
}
"""The header that each provider takes an API key in."""


@pytest.mark.parametrize("runtime", PATHS)
def test_request_gets_the_hosts_key_whatever_the_agent_sent(
    provider: Stubs, household: Household, runtime: str
) -> None:
    """The provider sees the host's API key in its own header, and nothing of what the agent claims to be (B-51)."""
    stub = provider(lambda visit: visit.answer(200))
    door = household.door(stub.url, runtime)
    claims = {"authorization": "Bearer of-the-agent", "x_api_key": "of-the-agent", "x_goog_api_key": "of-the-agent"}

    answer = ask(door, b'{"a": 1}', path=f"{PATHS[runtime]}?alt=sse&key=of-the-agent", cookie="of-the-agent", **claims)

    assert answer.status == 200
    asked = stub.asked.values[0]
    name, value = CREDENTIAL[runtime]
    assert asked.headers[name] == value
    assert asked.body == b'{"a": 1}'
    assert asked.line == f"POST {PATHS[runtime]}?alt=sse HTTP/1.1"
    assert "of-the-agent" not in repr(asked)


def test_other_headers_pass_both_ways_and_those_of_the_hop_do_not(provider: Stubs, household: Household) -> None:
    """What belongs to the API passes; what belongs to one connection, and cookies, stays behind."""

    def script(visit: Visit) -> None:
        visit.answer(200, request_id="req-1", set_cookie="a=b", connection="x-hop", x_hop="1")

    door = household.door((stub := provider(script)).url)

    answer = ask(door, anthropic_version="2023-06-01", connection="close, x-mine", x_mine="1", accept_encoding="gzip")

    sent = stub.asked.values[0].headers
    assert sent["anthropic-version"] == "2023-06-01"
    assert sent["accept-encoding"] == "identity"
    assert not {"connection", "x-mine"} & sent.keys()
    assert answer.headers["request-id"] == "req-1"
    assert not {"set-cookie", "x-hop"} & answer.headers.keys()


def test_stream_reaches_the_agent_piece_by_piece(provider: Stubs, household: Household) -> None:
    """The agent reads the first event while the provider has not said the second: nothing is collected on the way."""
    first_was_read = threading.Event()

    def script(visit: Visit) -> None:
        visit.start_stream()
        visit.send_piece(b"data: 1\n\n")
        wait_for(first_was_read, "the agent read the first event")
        visit.send_piece(b"data: 2\n\n")
        visit.send_piece(b"")

    stub = provider(script)
    with asking(household.door(stub.url)) as response:
        assert response.readline() == b"data: 1\n"
        first_was_read.set()
        assert response.read() == b"\ndata: 2\n\n"


def test_large_request_arrives_whole(provider: Stubs, household: Household) -> None:
    """A request beyond what is kept in memory is the same at the provider."""
    stub = provider(lambda visit: visit.answer(200, visit.asked.body[-10:]))
    body = bytes(range(256)) * 12_000

    assert ask(household.door(stub.url), body).body == body[-10:]
    assert stub.asked.values[0].body == body


def test_connection_to_the_provider_is_used_again(provider: Stubs, household: Household) -> None:
    """A second request spares the handshake, and one that the provider has closed meanwhile is not tried."""
    stub = provider(lambda visit: visit.answer(200))
    door = household.door(stub.url)
    _ask_to_the_end(door)
    _ask_to_the_end(door)
    assert stub.connections.values == [1]

    def answer_and_close(visit: Visit) -> None:
        visit.answer(200, connection="close")
        visit.cut()

    stub.script = answer_and_close
    _ask_to_the_end(door)
    _ask_to_the_end(door)
    assert stub.connections.values == [1, 2]


def _ask_to_the_end(door: Door) -> None:
    """Returns once the gateway is done with it too."""
    with logged_events() as log:
        assert ask(door).status == 200
        log.wait_for_event("gateway.answered")


def test_provider_that_breaks_off_is_a_broken_stream(provider: Stubs, household: Household) -> None:
    """The agent's stream breaks as the provider's did; it never looks like a short answer that is complete."""

    def script(visit: Visit) -> None:
        visit.start_stream()
        visit.send_piece(b"data: 1\n\n")
        visit.cut()

    stub = provider(script)
    with asking(household.door(stub.url)) as response, pytest.raises(http.client.IncompleteRead):
        response.read()


def test_provider_that_breaks_off_before_it_answers_is_an_error(provider: Stubs, household: Household) -> None:
    """Then there is still an answer to give: 502 with the reason."""
    stub = provider(lambda visit: visit.cut())
    answer = ask(household.door(stub.url))
    assert answer.status == 502
    assert "broke off" in answer.error["message"]


def test_agent_that_hangs_up_ends_the_request_upstream(provider: Stubs, household: Household) -> None:
    """Nobody pays for words that nobody reads: the provider's connection is closed with the agent's."""
    was_hung_up = threading.Event()

    def script(visit: Visit) -> None:
        if visit.wait_for_hang_up():
            was_hung_up.set()

    stub = provider(script)
    with connect(household.door(stub.url).socket_path) as connection:
        connection.sendall(b"POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}")
        stub.asked.wait_for_count(1)
    wait_for(was_hung_up, "the provider's connection ended")


def test_agent_that_only_stops_writing_still_gets_its_answer(provider: Stubs, household: Household) -> None:
    """A relay may pass on that a request is complete by closing that direction."""
    stub = provider(lambda visit: visit.answer(200, b"fine"))
    with connect(household.door(stub.url).socket_path) as connection:
        connection.sendall(b"POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}")
        connection.shutdown(socket.SHUT_WR)
        assert connection.makefile("rb").read().endswith(b"fine")


def test_silent_provider_is_given_up(provider: Stubs, household: Household) -> None:
    """Before its first byte the agent gets 504, after it a broken stream."""
    closing = threading.Event()
    stub = provider(lambda visit: wait_for(closing, "the end of the test"))
    door = household.door(stub.url, limits=Limits(first_byte=timedelta(milliseconds=20)))
    assert ask(door).status == 504
    closing.set()


def test_provider_that_falls_silent_in_the_middle_is_given_up(provider: Stubs, household: Household) -> None:
    """A stream without a word for too long breaks off."""
    closing = threading.Event()

    def script(visit: Visit) -> None:
        visit.start_stream()
        wait_for(closing, "the end of the test")

    stub = provider(script)
    door = household.door(stub.url, limits=Limits(silence=timedelta(milliseconds=20)))
    with asking(door) as response, pytest.raises(http.client.IncompleteRead):
        response.read()
    closing.set()


def test_closing_the_door_ends_what_is_being_said(provider: Stubs, household: Household) -> None:
    """When a run has ended its socket is gone, and a request in progress breaks off on both sides."""
    was_hung_up = threading.Event()

    def script(visit: Visit) -> None:
        visit.start_stream()
        visit.send_piece(b"data: 1\n\n")
        if visit.wait_for_hang_up():
            was_hung_up.set()

    stub = provider(script)
    door = household.door(stub.url)
    with asking(door) as response:
        assert response.readline() == b"data: 1\n"
        door.close()
        door.close()
        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            response.read()
    wait_for(was_hung_up, "the provider's connection ended")
    assert not door.socket_path.exists()


def test_usage_is_counted_for_each_group(provider: Stubs, household: Household) -> None:
    """Requests and tokens of a group add up over its runs; the end of a run is logged with its share."""

    def script(visit: Visit) -> None:
        visit.start_stream()
        visit.send_piece(b'event: message_start\ndata: {"message": {"usage": {"input_tokens": 5}}}\n\n')
        visit.send_piece(b'data: {"usage": {"output_tokens": 7}}\n\n')
        visit.send_piece(b"")

    stub = provider(script)
    gateway = household.gateway({"claude": stub.url})
    with logged_events() as log:
        ask(household.open(gateway))
        ask(household.open(gateway))
        log.wait_for_event("gateway.answered", run_id="r-2")
        gateway.close()
    assert gateway.usage() == {KITCHEN: Usage(2, 10, 14)}
    told = log.wait_for_event("gateway.closed", run_id="r-2").fields
    assert (told["requests"], told["input_tokens"], told["output_tokens"]) == (1, 5, 7)
