"""What does not pass: other requests, ambiguous ones, too large ones, too many."""

from __future__ import annotations

import tempfile
import threading
from datetime import UTC, datetime, timedelta

import pytest

from intercomd.clock import SystemClock
from intercomd.domain.ids import Folder
from intercomd.errors import SetupNeeded
from intercomd.gateway.limits import Limits, RequestRate
from intercomd.gateway.model_gateway import ModelGateway
from tests.gateway.conftest import Stubs
from tests.gateway.doors import PATHS, Household, ask, connect, say
from tests.gateway.provider_stub import Visit
from tests.support.waiting import logged_events, wait_for


class Calendar(SystemClock):
    """Its day changes when it is told to."""

    instant = datetime(2026, 11, 22, 23, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.instant


REFUSED = {
    "claude": [
        ("GET", "/v1/messages"),
        ("DELETE", "/v1/messages"),
        ("POST", "/v1/messages/batches"),
        ("POST", "/v1/messages/"),
        ("POST", "/v1/files"),
        ("POST", "/v1/organizations/api_keys"),
        ("POST", "//v1/messages"),
        ("POST", "/v1/../v1/messages"),
        ("POST", "/v1/messages%2fcount_tokens"),
        ("POST", "/v1/messages#x"),
        ("POST", "http://elsewhere.example/v1/messages"),
        ("POST", "/v1/messages?beta=true&x=/../.."),
        ("POST", "/v1/messages?" + "a" * 300),
        ("POST", "/v1/responses"),
    ],
    "codex": [("POST", "/v1/chat/completions"), ("GET", "/v1/models"), ("POST", "/v1/responses/x/cancel")],
    "gemini": [
        ("POST", "/v1beta/models/../files:generateContent"),
        ("POST", "/v1beta/models/m:batchGenerateContent"),
        ("POST", "/v1beta/models/a/b:generateContent"),
        ("POST", "/upload/v1beta/files"),
    ],
}


@pytest.mark.parametrize(("runtime", "method", "path"), [(name, *each) for name in REFUSED for each in REFUSED[name]])
def test_only_the_providers_model_endpoints_pass(
    provider: Stubs, household: Household, runtime: str, method: str, path: str
) -> None:
    """Everything else that a credential may do is refused here, and the provider never sees it (B-51)."""
    stub = provider(lambda visit: visit.answer(200))
    answer = ask(household.door(stub.url, runtime), method=method, path=path)
    assert answer.status == 403
    assert answer.error["type"] == "permission_error"
    assert stub.asked.values == []


def test_nothing_makes_another_request_of_the_one_that_was_checked(provider: Stubs, household: Household) -> None:
    """Headers and parameters that stand for another method or path stay behind."""
    stub = provider(lambda visit: visit.answer(200))
    door = household.door(stub.url, "gemini")

    path = f"{PATHS['gemini']}?$httpMethod=DELETE&alt=sse"
    ask(door, path=path, x_http_method_override="DELETE", x_original_url="/v1beta/files")

    (asked,) = stub.asked.values
    assert asked.line == f"POST {PATHS['gemini']}?alt=sse HTTP/1.1"
    assert not {"x-http-method-override", "x-original-url"} & asked.headers.keys()


HEAD = b"POST /v1/messages HTTP/1.1\r\nhost: x\r\n"
MALFORMED = {
    "two lengths": HEAD + b"content-length: 5\r\ncontent-length: 3\r\n\r\nhello",
    "length and chunks": HEAD + b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "unknown transfer encoding": HEAD + b"transfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunked, and then something": HEAD + b"transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "a length that is no number": HEAD + b"content-length: +3\r\n\r\nabc",
    "a length beyond all numbers": HEAD + b"content-length: " + b"9" * 5000 + b"\r\n\r\n",
    "a space before the colon": HEAD + b"content-length : 3\r\n\r\nabc",
    "a folded header": HEAD + b"x-a: b\r\n content-length: 3\r\ncontent-length: 0\r\n\r\n"[:-2] + b"bad\x00: 1\r\n\r\n",
    "a chunk size that is no number": HEAD + b"transfer-encoding: chunked\r\n\r\nzz\r\n\r\n",
    "no host": b"POST /v1/messages HTTP/1.1\r\ncontent-length: 0\r\n\r\n",
    "an old version": b"POST /v1/messages HTTP/1.0\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}",
    "endless headers": HEAD + b"x: " + b"a" * 200_000 + b"\r\n\r\n",
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
}


@pytest.mark.parametrize("request_bytes", MALFORMED.values(), ids=MALFORMED)
def test_request_that_can_be_read_in_two_ways_is_refused(
    provider: Stubs, household: Household, request_bytes: bytes
) -> None:
    """It gets an error and never reaches the provider, in whole or in part."""
    stub = provider(lambda visit: visit.answer(200))
    answer = say(household.door(stub.url), request_bytes)
    assert answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 5"))
    assert stub.asked.values == []


def test_second_request_on_a_connection_is_never_looked_at(provider: Stubs, household: Household) -> None:
    """Bytes after the first request, whatever they say, go nowhere: the connection ends with the first answer."""
    stub = provider(lambda visit: visit.answer(200))
    hidden = b"POST /v1/files HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n"
    answer = say(household.door(stub.url), HEAD + b"content-length: 2\r\n\r\n{}" + hidden)
    assert answer.count(b"HTTP/1.1") == 1
    assert [asked.body for asked in stub.asked.values] == [b"{}"]


def test_chunked_request_goes_on_with_a_length(provider: Stubs, household: Household) -> None:
    """The provider sees our framing, not the agent's."""
    stub = provider(lambda visit: visit.answer(200))
    say(household.door(stub.url), HEAD + b"transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nx-trailer: 1\r\n\r\n")
    asked = stub.asked.values[0]
    assert asked.body == b"{}"
    assert asked.headers["content-length"] == "2"
    assert not {"transfer-encoding", "x-trailer"} & asked.headers.keys()


@pytest.mark.parametrize("framing", [b"content-length: 11\r\n\r\n", b"transfer-encoding: chunked\r\n\r\nb\r\n"])
def test_request_above_the_limit_is_refused(provider: Stubs, household: Household, framing: bytes) -> None:
    """Whether it says its length before or only turns out to be too long."""
    stub = provider(lambda visit: visit.answer(200))
    door = household.door(stub.url, limits=Limits(body_bytes=10))
    answer = say(door, HEAD + framing + b"hello world\r\n0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413")
    assert stub.asked.values == []


def test_slow_request_is_given_up(household: Household, provider: Stubs) -> None:
    """An agent that begins a request and does not go on holds a thread for a limited time."""
    stub = provider(lambda visit: visit.answer(200))
    door = household.door(stub.url, limits=Limits(receive=timedelta(milliseconds=20)))
    assert say(door, HEAD + b"content-length: 2\r\n\r\n{").startswith(b"HTTP/1.1 408")


def test_agent_that_does_not_read_is_given_up(household: Household, provider: Stubs) -> None:
    """An answer that nobody takes holds neither a thread nor the provider's connection for ever."""
    was_hung_up = threading.Event()

    def script(visit: Visit) -> None:
        visit.start_stream()
        try:
            while True:
                visit.send_piece(b"x" * 65536)
        except OSError:
            was_hung_up.set()

    stub = provider(script)
    door = household.door(stub.url, limits=Limits(deliver=timedelta(milliseconds=20)))
    with connect(door.socket_path) as connection:
        connection.sendall(HEAD + b"content-length: 2\r\n\r\n{}")
        wait_for(was_hung_up, "the provider's connection ended")


def test_too_many_requests_at_the_same_time_wait_for_each_other(provider: Stubs, household: Household) -> None:
    """One beyond the limit is not looked at until another is done; then it passes."""
    release = threading.Event()

    def script(visit: Visit) -> None:
        wait_for(release, "the test lets go")
        visit.answer(200)

    stub = provider(script)
    door = household.door(stub.url, limits=Limits(connections=1))
    with connect(door.socket_path) as first, connect(door.socket_path) as second:
        for connection in (first, second):
            connection.sendall(HEAD + b"content-length: 2\r\n\r\n{}")
        stub.asked.wait_for_count(1)
        assert len(stub.asked.values) == 1
        release.set()
        assert first.recv(65536).startswith(b"HTTP/1.1 200")
        assert second.recv(65536).startswith(b"HTTP/1.1 200")
    assert len(stub.asked.values) == 2


def test_too_many_requests_in_a_minute_are_refused(provider: Stubs, household: Household) -> None:
    """A run that asks too often is told how long to wait, and the provider is spared."""
    stub = provider(lambda visit: visit.answer(200))
    door = household.door(stub.url, limits=Limits(requests_per_minute=2))
    assert [ask(door).status for _ in range(3)] == [200, 200, 429]
    assert len(stub.asked.values) == 2


def test_request_rate_fills_evenly() -> None:
    """A minute's worth at once, then one for each part of a minute."""

    class Clock(SystemClock):
        seconds = 0.0

        def monotonic(self) -> float:
            return self.seconds

    clock = Clock()
    rate = RequestRate(60, clock)
    assert [rate.take() for _ in range(60)] == [None] * 60
    assert rate.take() == timedelta(seconds=1)
    clock.seconds = 0.5
    assert rate.take() == timedelta(seconds=0.5)
    clock.seconds = 1.0
    assert rate.take() is None
    clock.seconds = 3600.0
    assert [rate.take() is None for _ in range(61)] == [True] * 60 + [False]


def test_group_that_has_used_up_its_day_waits_for_the_next(provider: Stubs, household: Household) -> None:
    """The limit holds for requests of running agents and for new runs, through restarts, and for this group alone."""
    stub = provider(lambda visit: visit.answer(200, b'{"usage": {"input_tokens": 60, "output_tokens": 40}}'))
    limits, clock = Limits(daily_tokens=100), Calendar()

    def restarted() -> ModelGateway:
        return household.gateway({"claude": stub.url}, limits=limits, clock=clock)

    gateway = restarted()
    door = household.open(gateway)
    with logged_events() as log:
        assert ask(door).status == 200
        log.wait_for_event("gateway.answered")
    refused = ask(door)
    assert refused.status == 403
    assert "gateway.daily_tokens_per_group is 100" in refused.error["message"]
    for again in (gateway, restarted()):
        with pytest.raises(SetupNeeded, match="group kitchen has used 100 tokens today"):
            household.open(again)
    household.open(gateway, folder=Folder("garden"))
    clock.instant += timedelta(days=1)
    assert ask(household.open(restarted())).status == 200


def test_full_disk_is_an_error_of_one_request(
    provider: Stubs, household: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large request that finds no room is answered; the next small one passes."""
    stub = provider(lambda visit: visit.answer(200))
    door = household.door(stub.url)
    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "tempdir", "/dev/full/nowhere")
        answer = ask(door, b"x" * 3_000_000)
    assert answer.status == 503
    assert "no room" in answer.error["message"]
    assert ask(door).status == 200
