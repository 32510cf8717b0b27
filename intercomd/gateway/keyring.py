"""The credentials of the runtimes, looked up at every use so that a changed one works at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from intercomd.errors import SetupNeeded
from intercomd.gateway.sources import Sources


@dataclass(frozen=True, slots=True)
class Grant:
    """What the gateway shows to a provider. `name` says where it is from; `base_url` is set when another door than the
    provider's usual one takes it."""

    name: str
    headers: Mapping[str, str] = field(repr=False)
    base_url: str | None = None


_API_KEYS = {
    "claude": ("ANTHROPIC_API_KEY", "x-api-key", "{}"),
    "codex": ("OPENAI_API_KEY", "authorization", "Bearer {}"),
    "gemini": ("GEMINI_API_KEY", "x-goog-api-key", "{}"),
}


class Keyring:
    """One for the process, for any thread."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def grant(self, runtime: str) -> Grant:
        """Raises `SetupNeeded` when there is no credential."""
        variable, header, form = _API_KEYS[runtime]
        secret = self._sources.find(variable)
        if secret is None:
            raise SetupNeeded(f"there is no credential for {runtime}: set {variable} in the daemon's environment")
        return Grant(secret.origin, {header: form.format(secret.value)})

    def renew(self, runtime: str, refused: Grant) -> Grant | None:
        """Another one than `refused`, which the provider did not accept; None when there is no other."""
        found = self.grant(runtime)
        return found if found != refused else None
