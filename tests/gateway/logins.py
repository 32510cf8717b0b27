"""Logins as people and the CLIs leave them, and a provider's token endpoint."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from tests.gateway.provider_stub import Asked, Visit

SOON = timedelta(hours=1)


def jwt(**claims: object) -> str:
    """A token with these claims, and a signature that nobody checks."""
    parts = ({"alg": "RS256"}, claims)
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*encoded, "signature"])


def put_private(path: Path, content: object) -> Path:
    """A file of secrets as the CLIs write it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def claude_login(home: Path, access: str, refresh: str, lifetime: timedelta = SOON) -> Path:
    """What `claude` keeps after a login."""
    expires_at = int((datetime.now(UTC) + lifetime).timestamp() * 1000)
    kept = {"accessToken": access, "refreshToken": refresh, "expiresAt": expires_at, "scopes": ["user:inference"]}
    return put_private(home / ".claude/.credentials.json", {"claudeAiOauth": kept, "mcpOAuth": {"other": 1}})


class TokenDesk:
    """Scripts of a provider: its API accepts only the newest access token, its token endpoint makes them."""

    def __init__(self, refresh_token: str = "refresh-0") -> None:
        self.access_token = "access-never-given"
        self.refresh_token = refresh_token
        self.renewals: list[Asked] = []
        self.status = 200

    def answer(self, visit: Visit) -> None:
        """Both endpoints in one: `/<runtime>` renews, everything else is the API."""
        if visit.asked.line.startswith("POST /v1"):
            is_known = visit.asked.headers.get("authorization") == f"Bearer {self.access_token}"
            visit.answer(200 if is_known else 401, b'{"who": "the provider"}')
        else:
            self.renew(visit)

    def renew(self, visit: Visit) -> None:
        self.renewals.append(visit.asked)
        if self.status != 200:
            visit.answer(self.status, b'{"error": "invalid_grant"}')
        elif fields_of(visit.asked)["refresh_token"] != self.refresh_token:
            visit.answer(400, b'{"error": "invalid_grant"}')
        else:
            count = len(self.renewals)
            self.access_token, self.refresh_token = f"access-{count}", f"refresh-{count}"
            given = {"access_token": self.access_token, "refresh_token": self.refresh_token, "expires_in": 3600}
            visit.answer(200, json.dumps(given).encode())


def fields_of(asked: Asked) -> dict[str, Any]:
    """What was sent to the token endpoint, in either form."""
    if asked.headers["content-type"] == "application/json":
        return dict(json.loads(asked.body))
    return {name: value for name, (value,) in parse_qs(asked.body.decode()).items()}
