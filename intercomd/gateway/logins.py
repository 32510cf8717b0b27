"""The forms in which a person may have given us a runtime's credential, in the order in which they count.

| runtime | API key           | OAuth login in variables                                 | the CLI's own file          |
|---------|-------------------|----------------------------------------------------------|-----------------------------|
| claude  | ANTHROPIC_API_KEY | CLAUDE_CODE_OAUTH_TOKEN (of `claude setup-token`, lasts) | ~/.claude/.credentials.json |
| codex   | OPENAI_API_KEY    | CODEX_OAUTH_{ACCESS,REFRESH,ID}_TOKEN, …_ACCOUNT_ID      | ~/.codex/auth.json          |
| gemini  | GEMINI_API_KEY    | GEMINI_REFRESH_TOKEN, GEMINI_OAUTH_CLIENT_{ID,SECRET}    | ~/.gemini/oauth_creds.json  |

Gemini's file needs the two client variables as well. Names of variables: original.md §9.3; of files: the CLIs' sources.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from intercomd.errors import SetupNeeded
from intercomd.gateway.sources import Secret, Sources

_CLAUDE_CLIENT = "9d1c250a-e61b-44d9-88ed-5944d1962f5e"
_CODEX_CLIENT = "app_EMoamEEZ73f0CkXaXp7hrann"
"""The CLIs' public client ids: a login made with a CLI can only be renewed in its name."""
_CLAUDE_FILE = ".claude/.credentials.json"
_CODEX_FILE = ".codex/auth.json"
_GEMINI_FILE = ".gemini/oauth_creds.json"
_OPENAI_CLAIM = "https://api.openai.com/auth"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key that is shown as it is."""

    secret: Secret


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a login currently is. Without an access token, or past its time, it has to be renewed."""

    access: str | None = field(default=None, repr=False)
    refresh: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Login:
    """An OAuth login. `file` is the CLI's own, which renewed tokens are written back to: the CLI uses them too, and
    most providers end the old refresh token when they give a new one."""

    origin: str
    tokens: Tokens
    client_id: str = ""
    client_secret: str | None = field(default=None, repr=False)
    account_id: str | None = None
    file: Path | None = None

    @property
    def fingerprint(self) -> str:
        """Tells logins apart without telling them."""
        secret = self.tokens.refresh or self.tokens.access or ""
        return hashlib.sha256(secret.encode()).hexdigest()[:16]


Found = ApiKey | Login


def find_credential(runtime: str, sources: Sources) -> Found:
    """Raises `SetupNeeded`, with everything a person can do, when there is none."""
    found = _FINDERS[runtime](sources)
    if found is None:
        raise SetupNeeded(f"there is no credential for {runtime}: {_fix(runtime, sources)}")
    return found


def _fix(runtime: str, sources: Sources) -> str:
    variables, program, file = _WAYS[runtime]
    return (
        f"set {variables} in the environment of the daemon or in {sources.dotenv}, "
        f"or run `{program}` as the daemon's user and log in ({sources.home_path(file)})"
    )


_WAYS: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "claude": ("ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN", "claude", _CLAUDE_FILE),
        "codex": ("OPENAI_API_KEY or CODEX_OAUTH_REFRESH_TOKEN", "codex login", _CODEX_FILE),
        "gemini": ("GEMINI_API_KEY", "gemini", _GEMINI_FILE),
    }
)


def _find_claude(sources: Sources) -> Found | None:
    if key := sources.find("ANTHROPIC_API_KEY"):
        return ApiKey(key)
    if token := sources.find("CLAUDE_CODE_OAUTH_TOKEN"):
        return Login(token.origin, Tokens(access=token.value))
    file = _read(sources, _CLAUDE_FILE)
    kept = _part(file, "claudeAiOauth")
    tokens = Tokens(_text(kept, "accessToken"), _text(kept, "refreshToken"), _instant_ms(kept.get("expiresAt")))
    if tokens.access is None and tokens.refresh is None:
        return None
    path = sources.home_path(_CLAUDE_FILE)
    return Login(str(path), tokens, _CLAUDE_CLIENT, file=path)


def _find_codex(sources: Sources) -> Found | None:
    if key := sources.find("OPENAI_API_KEY"):
        return ApiKey(key)
    access, refresh = sources.find("CODEX_OAUTH_ACCESS_TOKEN"), sources.find("CODEX_OAUTH_REFRESH_TOKEN")
    if given := access or refresh:
        account, identity = sources.find("CODEX_OAUTH_ACCOUNT_ID"), sources.find("CODEX_OAUTH_ID_TOKEN")
        tokens = _codex_tokens(_value(access), _value(refresh))
        account_id = _value(account) or _account_of(_value(identity))
        return Login(given.origin, tokens, _CODEX_CLIENT, account_id=account_id)
    path = sources.home_path(_CODEX_FILE)
    file = _read(sources, _CODEX_FILE)
    if own_key := _text(file, "OPENAI_API_KEY"):
        return ApiKey(Secret(own_key, str(path)))
    kept = _part(file, "tokens")
    tokens = _codex_tokens(_text(kept, "access_token"), _text(kept, "refresh_token"))
    if tokens.access is None and tokens.refresh is None:
        return None
    account_id = _text(kept, "account_id") or _account_of(_text(kept, "id_token"))
    return Login(str(path), tokens, _CODEX_CLIENT, account_id=account_id, file=path)


def _find_gemini(sources: Sources) -> Found | None:
    if key := sources.find("GEMINI_API_KEY"):
        return ApiKey(key)
    refresh = sources.find("GEMINI_REFRESH_TOKEN")
    if refresh is not None:
        client_id, client_secret = _google_client(sources, refresh.origin)
        return Login(refresh.origin, Tokens(refresh=refresh.value), client_id, client_secret)
    path = sources.home_path(_GEMINI_FILE)
    kept = _read(sources, _GEMINI_FILE)
    tokens = Tokens(_text(kept, "access_token"), _text(kept, "refresh_token"), _instant_ms(kept.get("expiry_date")))
    if tokens.refresh is None:
        return None
    client_id, client_secret = _google_client(sources, str(path))
    return Login(str(path), tokens, client_id, client_secret, file=path)


def _google_client(sources: Sources, origin: str) -> tuple[str, str]:
    client_id, client_secret = sources.find("GEMINI_OAUTH_CLIENT_ID"), sources.find("GEMINI_OAUTH_CLIENT_SECRET")
    if client_id is None or client_secret is None:
        raise SetupNeeded(
            f"the login for gemini ({origin}) also needs GEMINI_OAUTH_CLIENT_ID and GEMINI_OAUTH_CLIENT_SECRET, "
            "set where it is; or set GEMINI_API_KEY instead"
        )
    return client_id.value, client_secret.value


_FINDERS: Mapping[str, Callable[[Sources], Found | None]] = MappingProxyType(
    {"claude": _find_claude, "codex": _find_codex, "gemini": _find_gemini}
)


def _value(secret: Secret | None) -> str | None:
    return None if secret is None else secret.value


def _codex_tokens(access: str | None, refresh: str | None) -> Tokens:
    """The access token is a JWT that says until when it is good."""
    return Tokens(access, refresh, jwt_expiry(access))


def jwt_expiry(token: str | None) -> datetime | None:
    """When a JWT (RFC 7519) ends; None when it does not say, or is none."""
    expires = _claims(token).get("exp")
    return _instant(expires) if isinstance(expires, int | float) else None


def _account_of(id_token: str | None) -> str | None:
    return _text(_part(_claims(id_token), _OPENAI_CLAIM), "chatgpt_account_id")


def _claims(token: str | None) -> dict[str, Any]:
    parts = (token or "").split(".")
    if len(parts) != 3:
        return {}
    try:
        claims = msgspec.json.decode(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError, msgspec.DecodeError):
        return {}
    return claims if isinstance(claims, dict) else {}


def _read(sources: Sources, path: str) -> dict[str, Any]:
    text = sources.read_home(path)
    if text is None:
        return {}
    try:
        document = msgspec.json.decode(text)
    except msgspec.DecodeError:
        raise SetupNeeded(f"{sources.home_path(path)} is not JSON: log in again") from None
    return document if isinstance(document, dict) else {}


def _part(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    part = document.get(name)
    return part if isinstance(part, dict) else {}


def _text(document: Mapping[str, Any], name: str) -> str | None:
    value = document.get(name)
    return value.strip() or None if isinstance(value, str) else None


def _instant_ms(value: object) -> datetime | None:
    return _instant(value / 1000) if isinstance(value, int | float) else None


def _instant(seconds: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None
