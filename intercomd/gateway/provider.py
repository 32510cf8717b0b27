"""What the providers' APIs are, as far as an agent may use them: where they are, and which requests pass."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

_MOST_QUERY_CHARACTERS = 200
_QUERY_PAIR = re.compile(r"[A-Za-z0-9_.$-]+(=[A-Za-z0-9_.,-]*)?")
_DROPPED_PARAMETERS = frozenset({"key", "access_token", "oauth_token", "$.xgafv", "$httpmethod", "$httpheaders"})
"""Query parameters that Google's APIs take credentials, wire options, or another method from."""


@dataclass(frozen=True, slots=True)
class Provider:
    """The API that one runtime speaks. `paths` is matched against the whole path; every request is a POST."""

    runtime: str
    base_url: str
    paths: re.Pattern[str]

    def accepted_target(self, method: str, target: str) -> str | None:
        """The target as it goes upstream, without credentials in its query; None when it may not pass."""
        path, _, query = target.partition("?")
        if method != "POST" or not self.paths.fullmatch(path) or len(query) > _MOST_QUERY_CHARACTERS:
            return None
        pairs = [pair for pair in query.split("&") if pair]
        if not all(_QUERY_PAIR.fullmatch(pair) for pair in pairs):
            return None
        kept = "&".join(pair for pair in pairs if pair.partition("=")[0].lower() not in _DROPPED_PARAMETERS)
        return f"{path}?{kept}" if kept else path


_KNOWN = (
    Provider("claude", "https://api.anthropic.com", re.compile(r"/v1/messages(/count_tokens)?")),
    Provider("codex", "https://api.openai.com", re.compile(r"/v1/responses")),
    Provider(
        "gemini",
        "https://generativelanguage.googleapis.com",
        re.compile(r"/v1beta/models/[A-Za-z0-9][A-Za-z0-9._-]*:(generateContent|streamGenerateContent|countTokens)"),
    ),
)
PROVIDERS: Mapping[str, Provider] = MappingProxyType({provider.runtime: provider for provider in _KNOWN})
"""By runtime. What is not here needs no model and gets no gateway."""
