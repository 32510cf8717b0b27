"""Providers that refuse, ask to wait, are away, or are not who they say they are."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Iterator

import pytest
import trustme

from intercomd.clock import SystemClock
from intercomd.gateway.upstream import Endpoint, Lines
from tests.gateway.conftest import Stubs
from tests.gateway.doors import Household, ask, asking
from tests.gateway.provider_stub import ProviderStub, Script, Visit
from tests.support.waiting import logged_events


class StoppedClock(SystemClock):
    """Moves when it is told to."""

    seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds


@pytest.mark.parametrize("status", [400, 404, 429, 500, 503, 529])
def test_answer_of_the_provider_passes_as_it_is(provider: Stubs, household: Household, status: int) -> None:
    """Status, body and retry-after are the provider's own."""
    stub = provider(lambda visit: visit.answer(status, b'{"e": 1}', retry_after="7"))
    answer = ask(household.door(stub.url))
    assert (answer.status, answer.body, answer.headers["retry-after"]) == (status, b'{"e": 1}', "7")


@pytest.mark.parametrize("status", [429, 503, 529])
def test_wish_to_wait_is_kept_for_everybody(provider: Stubs, household: Household, status: int) -> None:
    """After a refusal with retry-after all runs are answered here until the time is over, then one asks again."""
    clock = StoppedClock()
    stub = provider(lambda visit: visit.answer(status, retry_after="7"))
    gateway = household.gateway({"claude": stub.url}, clock=clock)
    first, second = household.open(gateway), household.open(gateway)
    ask(first)

    clock.seconds = 2.0
    waiting = ask(second)
    assert (waiting.status, waiting.headers["retry-after"]) == (status, "5")
    assert len(stub.asked.values) == 1

    clock.seconds = 7.0
    ask(second)
    assert len(stub.asked.values) == 2


@pytest.mark.parametrize("retry_after", ["3600", "99999999999999999999"])
def test_wish_to_wait_long_is_asked_about_again_after_a_minute(
    provider: Stubs, household: Household, retry_after: str
) -> None:
    """The door is not closed for hours on one answer's word."""
    clock = StoppedClock()
    stub = provider(lambda visit: visit.answer(429, retry_after=retry_after))
    door = household.open(household.gateway({"claude": stub.url}, clock=clock))
    ask(door)
    assert ask(door).headers["retry-after"] == "60"
    clock.seconds = 60.0
    ask(door)
    assert len(stub.asked.values) == 2


@pytest.mark.parametrize("retry_after", ["soon", "-1", "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_wish_that_is_no_number_closes_nothing(provider: Stubs, household: Household, retry_after: str) -> None:
    """The agent program reads it itself."""
    stub = provider(lambda visit: visit.answer(429, retry_after=retry_after))
    door = household.door(stub.url)
    assert [ask(door).headers["retry-after"] for _ in range(2)] == [retry_after] * 2


def test_provider_that_is_away_is_an_error_with_its_name(household: Household) -> None:
    """The agent gets 502 and learns what could not be reached."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    answer = ask(household.door(f"http://127.0.0.1:{port}"))
    assert answer.status == 502
    assert f"127.0.0.1:{port} cannot be reached: Connection refused" in answer.error["message"]


def test_provider_that_speaks_no_http_is_an_error(provider: Stubs, household: Household) -> None:
    """Whatever answers there is not taken for a provider."""
    stub = provider(lambda visit: visit.say(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"))
    assert ask(household.door(stub.url)).status == 502


def test_answer_with_two_lengths_has_one_for_the_agent(provider: Stubs, household: Household) -> None:
    """What a provider says twice and differently is read as HTTP wants it, and arrives whole."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
    stub = provider(lambda visit: visit.say(head + b"5\r\nhello\r\n0\r\n\r\n"))
    assert ask(household.door(stub.url)).body == b"hello"


class Certificates:
    """An authority that `lines` trust, and providers with certificates of it or of another."""

    def __init__(self) -> None:
        self.trusted, self.unknown = trustme.CA(), trustme.CA()
        context = ssl.create_default_context()
        self.trusted.configure_trust(context)
        self.lines = Lines(context)
        self.stubs: list[ProviderStub] = []

    def provider(self, certificate: trustme.LeafCert, script: Script) -> ProviderStub:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        self.stubs.append(ProviderStub(script, context))
        return self.stubs[-1]


@pytest.fixture
def certificates() -> Iterator[Certificates]:
    """A world with TLS; its providers are gone after the test."""
    certificates = Certificates()
    yield certificates
    for stub in certificates.stubs:
        stub.close()


def test_stream_over_tls_arrives(certificates: Certificates, household: Household) -> None:
    """Over TLS as in the clear: the certificate is checked, and the stream passes."""

    def script(visit: Visit) -> None:
        visit.start_stream()
        visit.send_piece(b"data: 1\n\n")
        visit.send_piece(b"x" * 200_000)
        visit.send_piece(b"")

    stub = certificates.provider(certificates.trusted.issue_cert("localhost"), script)
    gateway = household.gateway({"claude": stub.url}, lines=certificates.lines)
    assert ask(household.open(gateway), b"y" * 300_000).body == b"data: 1\n\n" + b"x" * 200_000
    assert stub.asked.values[0].headers["x-api-key"] == "sk-ant-real"


@pytest.mark.parametrize(("authority", "name"), [("unknown", "localhost"), ("trusted", "elsewhere.example")])
def test_wrong_certificate_gets_no_credential(
    certificates: Certificates, household: Household, authority: str, name: str
) -> None:
    """Whoever cannot prove to be the provider sees no byte of the request, and an operator is told."""
    certificate = getattr(certificates, authority).issue_cert(name)
    stub = certificates.provider(certificate, lambda visit: visit.answer(200))
    gateway = household.gateway({"claude": stub.url}, lines=certificates.lines)
    with logged_events() as log:
        answer = ask(household.open(gateway))
        log.wait_for_event("gateway.certificate_refused", run_id="r-1")
    assert answer.status == 502
    assert "a certificate that is not its own" in answer.error["message"]
    assert stub.asked.values == []


def test_tls_that_ends_without_goodbye_is_a_broken_stream(certificates: Certificates, household: Household) -> None:
    """Where the length is not told, only TLS says whether the end is the end."""

    def script(visit: Visit) -> None:
        visit.say(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\ndata: 1\n\n")
        visit.cut()

    stub = certificates.provider(certificates.trusted.issue_cert("localhost"), script)
    gateway = household.gateway({"claude": stub.url}, lines=certificates.lines)
    with asking(household.open(gateway)) as response, pytest.raises(http.client.IncompleteRead):
        response.read()


@pytest.mark.parametrize(
    "url",
    ["http://api.example", "ftp://127.0.0.1", "https://", "https://user:secret@api.example", "https://a/?x", "a:b", ""],
)
def test_upstream_that_would_show_the_credential_is_refused(url: str) -> None:
    """Plain HTTP leads to this machine only, and an address has no password and no query."""
    with pytest.raises(ValueError, match="https://"):
        Endpoint.parse(url)


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("https://api.example", Endpoint(True, "api.example", 443, "")),
        ("https://proxy.example:8443/claude/", Endpoint(True, "proxy.example", 8443, "/claude")),
        ("http://127.0.0.1:11434", Endpoint(False, "127.0.0.1", 11434, "")),
        ("http://[::1]:80/x", Endpoint(False, "::1", 80, "/x")),
    ],
)
def test_upstream_is_read(url: str, endpoint: Endpoint) -> None:
    """Scheme, host, port, and a path that stands before the provider's own."""
    assert Endpoint.parse(url) == endpoint
