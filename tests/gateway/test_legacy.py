"""What images of the existing system are handed: the secrets of their own runtime, and no other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from intercomd.errors import SetupNeeded
from intercomd.gateway.legacy import find_legacy_secrets
from intercomd.gateway.sources import Sources
from tests.gateway.logins import put_private

OF = {
    "claude": {"CLAUDE_CODE_OAUTH_TOKEN", "ANTHROPIC_API_KEY"},
    "codex": {
        *("CODEX_OAUTH_ACCESS_TOKEN", "CODEX_OAUTH_REFRESH_TOKEN"),
        *("CODEX_OAUTH_ID_TOKEN", "CODEX_OAUTH_ACCOUNT_ID"),
    },
    "gemini": {"GEMINI_REFRESH_TOKEN", "GEMINI_OAUTH_CLIENT_ID", "GEMINI_OAUTH_CLIENT_SECRET"},
}
EVERYTHING = {name: f"value of {name}" for names in OF.values() for name in names} | {
    "OPENAI_API_KEY": "not of the existing system",
    "TELEGRAM_BOT_TOKEN": "1:token",
}


def sources(home: Path, **environment: str) -> Sources:
    return Sources(environment, home / ".env", home)


@pytest.mark.parametrize("runtime", OF)
def test_runtime_gets_its_own_secrets_and_no_other(tmp_path: Path, runtime: str) -> None:
    """Whatever else the daemon knows (B-51), wherever it is from."""
    put_private(tmp_path / ".env", "".join(f"{name}={value}\n" for name, value in EVERYTHING.items()))
    found = find_legacy_secrets(runtime, sources(tmp_path))
    assert {name: secret.value for name, secret in found.items()} == {name: EVERYTHING[name] for name in OF[runtime]}


def test_claude_s_own_login_is_the_last_resort(tmp_path: Path) -> None:
    """The token in its credential file counts when no variable is set."""
    login = {"claudeAiOauth": {"accessToken": "of the file", "refreshToken": "never handed out"}}
    put_private(tmp_path / ".claude/.credentials.json", json.dumps(login))
    (token,) = find_legacy_secrets("claude", sources(tmp_path)).items()
    assert (token[0], token[1].value) == ("CLAUDE_CODE_OAUTH_TOKEN", "of the file")
    found = find_legacy_secrets("claude", sources(tmp_path, ANTHROPIC_API_KEY="key"))
    assert set(found) == {"ANTHROPIC_API_KEY"}


@pytest.mark.parametrize(
    ("runtime", "given", "wanted"),
    [
        ("claude", {"GEMINI_REFRESH_TOKEN": "x"}, "set ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN"),
        ("codex", {"OPENAI_API_KEY": "x"}, "set CODEX_OAUTH_REFRESH_TOKEN or CODEX_OAUTH_ACCESS_TOKEN"),
        (
            "gemini",
            {"GEMINI_REFRESH_TOKEN": "x"},
            "set GEMINI_OAUTH_CLIENT_ID and GEMINI_OAUTH_CLIENT_SECRET and GEMINI_REFRESH_TOKEN",
        ),
    ],
)
def test_too_few_secrets_are_a_complaint_with_the_fix(
    tmp_path: Path, runtime: str, given: dict[str, str], wanted: str
) -> None:
    """No container is started that could only fail."""
    with pytest.raises(SetupNeeded, match=wanted):
        find_legacy_secrets(runtime, sources(tmp_path, **given))
