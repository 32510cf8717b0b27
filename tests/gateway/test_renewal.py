"""Logins that run out: renewed once, kept, shared; and those that have ended for good."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from intercomd.errors import SetupNeeded
from tests.gateway.conftest import Stubs
from tests.gateway.doors import PATHS, Household, ask
from tests.gateway.logins import TokenDesk, claude_login, fields_of
from tests.gateway.provider_stub import ProviderStub, Visit
from tests.support.waiting import logged_events

PAST = timedelta(minutes=-1)


@pytest.fixture
def desk() -> TokenDesk:
    return TokenDesk()


@pytest.fixture
def stub(provider: Stubs, household: Household, desk: TokenDesk) -> ProviderStub:
    """A provider that only takes tokens of its own making; the household has no API keys."""
    household.environment.clear()
    stub = provider(desk.answer)
    household.token_url = stub.url
    return stub


def asked_for(stub: ProviderStub) -> list[str]:
    return [asked.line.split()[1] for asked in stub.asked.values]


def test_refused_token_is_renewed_once_and_the_request_repeated_once(
    stub: ProviderStub, household: Household, desk: TokenDesk
) -> None:
    """The agent sees the answer to the second try and learns nothing of the first."""
    claude_login(household.home, "access-0", "refresh-0")
    assert ask(household.door(stub.url), b'{"a": 1}').status == 200
    assert asked_for(stub) == ["/v1/messages", "/claude", "/v1/messages"]
    assert [asked.body for asked in stub.asked.values][::2] == [b'{"a": 1}'] * 2


def test_token_that_is_refused_as_soon_as_it_is_given_is_not_renewed_again(
    provider: Stubs, household: Household, desk: TokenDesk
) -> None:
    """Requests that no token helps make one renewal, however many an agent sends."""
    household.environment.clear()
    stub = provider(lambda visit: visit.answer(401) if visit.asked.line.startswith("POST /v1") else desk.renew(visit))
    household.token_url = stub.url
    claude_login(household.home, "access-0", "refresh-0")
    door = household.door(stub.url)
    assert [ask(door).status for _ in range(4)] == [401] * 4
    assert len(desk.renewals) == 1


def test_token_past_its_time_is_renewed_before_it_is_shown(
    stub: ProviderStub, household: Household, desk: TokenDesk
) -> None:
    """No request is wasted on a token that says itself that it has ended."""
    claude_login(household.home, "access-0", "refresh-0", PAST)
    assert ask(household.door(stub.url)).status == 200
    assert asked_for(stub) == ["/claude", "/v1/messages"]
    assert fields_of(desk.renewals[0]) == {
        "grant_type": "refresh_token",
        "refresh_token": "refresh-0",
        "client_id": "9d1c250a-e61b-44d9-88ed-5944d1962f5e",
    }


def test_renewed_login_goes_back_into_the_clis_file(stub: ProviderStub, household: Household) -> None:
    """The CLI on the host stays logged in: its file has the new tokens, everything else as before, still 0600."""
    path = claude_login(household.home, "access-0", "refresh-0", PAST)
    ask(household.door(stub.url))
    document = json.loads(path.read_text())
    kept = document["claudeAiOauth"]
    assert (kept["accessToken"], kept["refreshToken"]) == ("access-1", "refresh-1")
    assert kept["scopes"] == ["user:inference"]
    assert document["mcpOAuth"] == {"other": 1}
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_renewed_login_of_the_environment_is_kept_in_a_file_of_ours(
    stub: ProviderStub, household: Household, desk: TokenDesk
) -> None:
    """A new process goes on with the renewed tokens; a new login of the person makes them worthless."""
    household.environment.update(CODEX_OAUTH_REFRESH_TOKEN="refresh-0", CODEX_OAUTH_ACCOUNT_ID="account-1")
    assert ask(household.door(stub.url, "codex"), path=PATHS["codex"]).status == 200
    path = household.home / "credentials/codex.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700

    assert ask(household.door(stub.url, "codex"), path=PATHS["codex"]).status == 200
    assert len(desk.renewals) == 1

    desk.refresh_token = "refresh-of-a-new-login"
    household.environment["CODEX_OAUTH_REFRESH_TOKEN"] = "refresh-of-a-new-login"
    assert ask(household.door(stub.url, "codex"), path=PATHS["codex"]).status == 200
    assert fields_of(desk.renewals[1])["refresh_token"] == "refresh-of-a-new-login"


def test_google_is_asked_in_its_form(stub: ProviderStub, household: Household, desk: TokenDesk) -> None:
    """Form fields with the client's secret, as Google's token endpoint wants them."""
    household.environment.update(
        GEMINI_REFRESH_TOKEN="refresh-0", GEMINI_OAUTH_CLIENT_ID="client", GEMINI_OAUTH_CLIENT_SECRET="s"
    )
    household.keyring().grant("gemini")
    assert fields_of(desk.renewals[0]) == {
        "grant_type": "refresh_token",
        "refresh_token": "refresh-0",
        "client_id": "client",
        "client_secret": "s",
    }
    assert desk.renewals[0].headers["content-type"] == "application/x-www-form-urlencoded"


def test_concurrent_runs_share_one_renewal(provider: Stubs, household: Household, desk: TokenDesk) -> None:
    """However many find out at the same time, the refresh token is shown once: most providers take it once only."""
    all_are_refused = threading.Barrier(8)

    def script(visit: Visit) -> None:
        if visit.asked.headers.get("authorization") == "Bearer access-0":
            all_are_refused.wait(10)
        desk.answer(visit)

    household.environment.clear()
    stub = provider(script)
    household.token_url = stub.url
    claude_login(household.home, "access-0", "refresh-0")
    gateway = household.gateway({"claude": stub.url})
    doors = [household.open(gateway) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        assert [answer.status for answer in pool.map(ask, doors)] == [200] * 8
    assert len(desk.renewals) == 1


def test_ended_login_is_one_call_and_then_a_sentence_for_people(
    stub: ProviderStub, household: Household, desk: TokenDesk
) -> None:
    """The agent gets 401 with the fix, the next run is not started at all, and the provider is not asked again until a
    person has logged in anew."""
    path = claude_login(household.home, "access-0", "refresh-withdrawn")
    gateway = household.gateway({"claude": stub.url})
    door = household.open(gateway)
    with logged_events() as log:
        answers = [ask(door), ask(door)]
        log.wait_for_event("gateway.credential_refused", run_id="r-1")
    assert [answer.status for answer in answers] == [401, 401]
    assert f"ended the login for claude ({path}): log in again" in answers[0].error["message"]
    with pytest.raises(SetupNeeded, match="log in again"):
        household.open(gateway)
    assert len(desk.renewals) == 1

    claude_login(household.home, "access-0", "refresh-0")
    assert ask(household.open(gateway)).status == 200


def test_endpoint_that_fails_is_left_alone_for_a_moment(
    stub: ProviderStub, household: Household, desk: TokenDesk
) -> None:
    """A passing failure is no ended login: 502, no storm of calls, and the next run starts."""
    claude_login(household.home, "access-0", "refresh-0", PAST)
    desk.status = 503
    gateway = household.gateway({"claude": stub.url})
    door = household.open(gateway)
    assert [ask(door).status for _ in range(3)] == [502] * 3
    assert len(desk.renewals) == 1
    household.open(gateway)


@pytest.mark.parametrize("answer", [b"", b"[]", b'{"access_token": 5}', b"<html>"])
def test_answer_without_tokens_is_a_failure(provider: Stubs, household: Household, answer: bytes) -> None:
    """Whatever else comes is not stored as a token."""
    household.environment.clear()
    stub = provider(lambda visit: visit.answer(200, answer))
    household.token_url = stub.url
    path = claude_login(household.home, "access-0", "refresh-0", PAST)
    before = path.read_text()
    assert ask(household.door(stub.url)).status == 502
    assert path.read_text() == before


def test_login_that_the_cli_has_renewed_meanwhile_is_used(
    provider: Stubs, household: Household, desk: TokenDesk
) -> None:
    """The CLI on this machine may be faster by a hair: its file has what it got."""

    def script(visit: Visit) -> None:
        if visit.asked.line.startswith("POST /claude"):
            desk.access_token = "access-of-the-cli"
            claude_login(household.home, "access-of-the-cli", "refresh-of-the-cli")
            visit.answer(400, b'{"error": "invalid_grant"}')
        else:
            desk.answer(visit)

    household.environment.clear()
    stub = provider(script)
    household.token_url = stub.url
    claude_login(household.home, "access-0", "refresh-0")
    assert ask(household.door(stub.url)).status == 200


def test_file_that_cannot_be_written_does_not_cost_the_renewal(
    stub: ProviderStub, household: Household, desk: TokenDesk
) -> None:
    """The tokens go on working in this process, and an operator learns that they are not kept."""
    household.environment["CODEX_OAUTH_REFRESH_TOKEN"] = "refresh-0"
    (household.home / "credentials").write_text("in the way")
    with logged_events() as log:
        door = household.door(stub.url, "codex")
        assert ask(door, path=PATHS["codex"]).status == 200
        log.wait_for_event("gateway.tokens_not_kept", runtime="codex")
    assert ask(door, path=PATHS["codex"]).status == 200
    assert len(desk.renewals) == 1


def test_refused_key_starts_no_further_run(provider: Stubs, household: Household) -> None:
    """After a 401 the next run with the same key is refused before it starts, and says which key; a new key works."""
    stub = provider(lambda visit: visit.answer(200 if visit.asked.headers["x-api-key"] == "new" else 401, b"secret"))
    gateway = household.gateway({"claude": stub.url})
    answer = ask(household.open(gateway))
    assert answer.status == 401
    assert b"secret" not in answer.body
    with pytest.raises(SetupNeeded, match=r"refused the credential for claude .ANTHROPIC_API_KEY in the environment"):
        household.open(gateway)
    household.environment["ANTHROPIC_API_KEY"] = "new"
    assert ask(household.open(gateway)).status == 200


def test_key_that_was_replaced_during_a_run_is_tried_at_once(provider: Stubs, household: Household) -> None:
    """A refused key is looked up again: a person may have put a new one there."""

    def script(visit: Visit) -> None:
        household.environment["ANTHROPIC_API_KEY"] = "new"
        visit.answer(200 if visit.asked.headers["x-api-key"] == "new" else 401)

    stub = provider(script)
    assert ask(household.door(stub.url)).status == 200
