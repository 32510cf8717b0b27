"""What images of the existing system are told on their standard input: the secrets themselves (original.md §9.3).

They know no gateway. Each is given those of its own runtime, under the names it looks for, and no other (hazard B-51).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from intercomd.errors import SetupNeeded
from intercomd.gateway.logins import Login, find_credential
from intercomd.gateway.sources import Secret, Sources

_NAMES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "claude": ("CLAUDE_CODE_OAUTH_TOKEN", "ANTHROPIC_API_KEY"),
        "codex": (
            *("CODEX_OAUTH_ACCESS_TOKEN", "CODEX_OAUTH_REFRESH_TOKEN"),
            *("CODEX_OAUTH_ID_TOKEN", "CODEX_OAUTH_ACCOUNT_ID"),
        ),
        "gemini": ("GEMINI_REFRESH_TOKEN", "GEMINI_OAUTH_CLIENT_ID", "GEMINI_OAUTH_CLIENT_SECRET"),
    }
)
_ENOUGH: Mapping[str, tuple[frozenset[str], ...]] = MappingProxyType(
    {
        "claude": (frozenset({"CLAUDE_CODE_OAUTH_TOKEN"}), frozenset({"ANTHROPIC_API_KEY"})),
        "codex": (frozenset({"CODEX_OAUTH_REFRESH_TOKEN"}), frozenset({"CODEX_OAUTH_ACCESS_TOKEN"})),
        "gemini": (frozenset(_NAMES["gemini"]),),
    }
)
"""By runtime: any of these sets is what its image can work with."""


def find_legacy_secrets(runtime: str, sources: Sources) -> dict[str, Secret]:
    """By name, as they are now. Raises `SetupNeeded` when the image could not work with what there is."""
    found = {name: secret for name in _NAMES[runtime] if (secret := sources.find(name))}
    if runtime == "claude" and not found:
        found = _token_of_claude_itself(sources)
    if not any(names <= found.keys() for names in _ENOUGH[runtime]):
        ways = " or ".join(" and ".join(sorted(names)) for names in _ENOUGH[runtime])
        raise SetupNeeded(
            f"there is no credential for the legacy image of {runtime}: "
            f"set {ways} in the environment of the daemon or in {sources.dotenv}"
        )
    return found


def _token_of_claude_itself(sources: Sources) -> dict[str, Secret]:
    """The login that the claude of this machine keeps. It is not renewed here: that claude does it."""
    login = find_credential("claude", sources)
    if not isinstance(login, Login) or login.tokens.access is None:
        return {}
    return {"CLAUDE_CODE_OAUTH_TOKEN": Secret(login.tokens.access, login.origin)}
