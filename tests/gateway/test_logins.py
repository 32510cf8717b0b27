"""Each form of a credential, as the provider sees it."""

from __future__ import annotations

import pytest

from intercomd.errors import SetupNeeded
from intercomd.gateway.keyring import Grant
from tests.gateway.doors import Household
from tests.gateway.logins import claude_login, jwt, put_private

CODEX_TOKENS = {"access_token": "codex-access", "refresh_token": "codex-refresh", "account_id": "account-1"}
CHATGPT = "https://chatgpt.com/backend-api/codex"


def grant(household: Household, runtime: str, **environment: str) -> Grant:
    household.environment.clear()
    household.environment.update(environment)
    return household.keyring().grant(runtime)


def test_claude_takes_a_key_a_token_or_its_own_login(household: Household) -> None:
    """A key in `x-api-key`; a token as Bearer, with the beta header that it needs; the first of them that there is."""
    path = claude_login(household.home, "from-file", "refresh")
    beta = {"anthropic-beta": "oauth-2025-04-20"}
    assert grant(household, "claude") == Grant(str(path), {"authorization": "Bearer from-file"} | beta)
    token = {"CLAUDE_CODE_OAUTH_TOKEN": "token"}
    assert grant(household, "claude", **token).headers == {"authorization": "Bearer token"} | beta
    assert grant(household, "claude", **token, ANTHROPIC_API_KEY="key").headers == {"x-api-key": "key"}


def test_codex_takes_a_key_or_a_login_of_chatgpt(household: Household) -> None:
    """A login goes to ChatGPT's own backend and names the account; a key, also one in the file, to the API."""
    path = put_private(household.home / ".codex/auth.json", {"OPENAI_API_KEY": None, "tokens": CODEX_TOKENS})
    headers = {"authorization": "Bearer codex-access", "chatgpt-account-id": "account-1"}
    assert grant(household, "codex") == Grant(str(path), headers, CHATGPT, "/v1")

    claims = {"https://api.openai.com/auth": {"chatgpt_account_id": "account-2"}}
    login = {"CODEX_OAUTH_ACCESS_TOKEN": "a", "CODEX_OAUTH_REFRESH_TOKEN": "r", "CODEX_OAUTH_ID_TOKEN": jwt(**claims)}
    assert grant(household, "codex", **login).headers["chatgpt-account-id"] == "account-2"
    named = grant(household, "codex", **login, CODEX_OAUTH_ACCOUNT_ID="account-3")
    assert named.headers == {"authorization": "Bearer a", "chatgpt-account-id": "account-3"}

    put_private(path, {"OPENAI_API_KEY": "key-in-file", "tokens": CODEX_TOKENS})
    assert grant(household, "codex") == Grant(str(path), {"authorization": "Bearer key-in-file"})
    assert grant(household, "codex", OPENAI_API_KEY="key").headers == {"authorization": "Bearer key"}


@pytest.mark.parametrize("runtime", ["claude", "codex", "gemini"])
def test_missing_credential_says_what_to_set_and_where(household: Household, runtime: str) -> None:
    """One sentence with the variables, the file, and the CLI's own way."""
    with pytest.raises(SetupNeeded) as refusal:
        grant(household, runtime)
    text = str(refusal.value)
    assert text.startswith(f"there is no credential for {runtime}: set ")
    assert "_API_KEY" in text
    assert str(household.home / ".env") in text
    assert str(household.home / f".{runtime}") in text


def test_gemini_login_needs_its_client(household: Household) -> None:
    """A refresh token alone cannot be renewed, and the sentence says what is missing."""
    with pytest.raises(SetupNeeded, match="GEMINI_OAUTH_CLIENT_ID and GEMINI_OAUTH_CLIENT_SECRET"):
        grant(household, "gemini", GEMINI_REFRESH_TOKEN="r")


@pytest.mark.parametrize("content", ["{", "[]", '{"claudeAiOauth": 5}', '{"claudeAiOauth": {"accessToken": 5}}', ""])
def test_damaged_login_is_none(household: Household, content: str) -> None:
    """What cannot be a login asks for another one."""
    put_private(household.home / ".claude/.credentials.json", content)
    with pytest.raises(SetupNeeded):
        grant(household, "claude")


@pytest.mark.parametrize("key", ["two\nlines", "with\tblank", "“quoted”", "nul\0"])
def test_credential_that_cannot_be_sent_says_so(household: Household, key: str) -> None:
    """What was pasted badly is found before the run, and not shown."""
    with pytest.raises(SetupNeeded, match="ANTHROPIC_API_KEY in the environment has characters that none can have"):
        grant(household, "claude", ANTHROPIC_API_KEY=key)


def test_one_runtimes_credential_is_not_anothers(household: Household) -> None:
    """Each runtime gets its own only (B-51)."""
    assert grant(household, "claude", ANTHROPIC_API_KEY="a", OPENAI_API_KEY="o").headers == {"x-api-key": "a"}
    with pytest.raises(SetupNeeded):
        grant(household, "gemini", ANTHROPIC_API_KEY="a", OPENAI_API_KEY="o")
