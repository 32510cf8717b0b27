"""The credentials of the runtimes: looked up at every use, so that a changed one works at once, and renewed once.

An access token that runs out is renewed by whoever finds out first, under the runtime's lock; everybody else waits for
that, looks again and finds the new one. A login that the provider has ended is not asked for again until a person has
replaced it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from threading import Lock

from intercomd.clock import Clock
from intercomd.errors import SetupNeeded
from intercomd.gateway.errors import LoginEnded, UpstreamFailed
from intercomd.gateway.legacy import find_legacy_secrets
from intercomd.gateway.logins import ApiKey, Login, Tokens, find_credential
from intercomd.gateway.renewal import TOKEN_ENDPOINTS, TokenEndpoint, renew
from intercomd.gateway.sources import Secret, Sources
from intercomd.gateway.token_files import TokenFiles
from intercomd.gateway.upstream import Lines
from intercomd.logs import EventLog

_EARLY = timedelta(minutes=1)
"""So long before its end an access token counts as ended: a request takes time."""
_LEAST_LIFE_SECONDS = 60.0
"""A token that is refused so soon after it was given is not renewed: the next one would be refused, too."""
_PAUSE_SECONDS = 5.0
"""How long a failed renewal stands for further ones."""
_log = EventLog("gateway")


@dataclass(frozen=True, slots=True)
class Grant:
    """What the gateway shows to a provider. `name` says where it is from. `base_url` is set when another door than the
    provider's usual one takes it; there, paths lack `drops`."""

    name: str
    headers: Mapping[str, str] = field(repr=False)
    base_url: str | None = None
    drops: str = ""


class Keyring:
    """One for the process, for any thread."""

    def __init__(
        self,
        sources: Sources,
        directory: Path,
        clock: Clock,
        *,
        lines: Lines | None = None,
        endpoints: Mapping[str, TokenEndpoint] = TOKEN_ENDPOINTS,
    ) -> None:
        """`directory` is where renewed tokens are kept that are in no CLI's own file."""
        self._sources = sources
        self._files = TokenFiles(directory)
        self._clock = clock
        self._lines = lines or Lines()
        self._endpoints = endpoints
        self._locks = {runtime: Lock() for runtime in endpoints}
        self._ended: dict[str, str] = {}
        self._failed: dict[str, tuple[float, UpstreamFailed]] = {}
        self._given: dict[str, tuple[float, Tokens]] = {}

    def check(self, runtime: str) -> Grant:
        """The credential as it is, perhaps past its time; nobody is asked. Raises `SetupNeeded` when there is none, or
        the provider has ended it."""
        found = self._find(runtime)
        if isinstance(found, Login):
            self._refuse_ended(runtime, found)
        return _grant(runtime, found)

    def grant(self, runtime: str) -> Grant:
        """A credential that should be good now, renewed if it was not. Raises `SetupNeeded` or `UpstreamFailed`."""
        found = self._find(runtime)
        if isinstance(found, Login) and not self._is_good(found.tokens):
            with self._locks[runtime]:
                found = self._find(runtime)
                if isinstance(found, Login) and not self._is_good(found.tokens):
                    found = self._renew(runtime, found)
        return _grant(runtime, found)

    def hand_out(self, runtime: str) -> dict[str, Secret]:
        """The secrets themselves, by name, for an image of the existing system. Raises `SetupNeeded`."""
        return find_legacy_secrets(runtime, self._sources)

    def renew(self, runtime: str, refused: Grant) -> Grant | None:
        """Another one than `refused`, which the provider did not accept; None when there can be no other. Raises as
        `grant`."""
        with self._locks[runtime]:
            found = self._find(runtime)
            if (other := _grant(runtime, found)) != refused:
                return other
            if isinstance(found, ApiKey) or found.tokens.refresh is None or self._is_just_given(runtime, found):
                return None
            return _grant(runtime, self._renew(runtime, found))

    def _find(self, runtime: str) -> ApiKey | Login:
        found = find_credential(runtime, self._sources)
        if isinstance(found, Login) and (kept := self._files.find(runtime, found)):
            return replace(found, tokens=kept)
        return found

    def _is_good(self, tokens: Tokens) -> bool:
        is_fresh = tokens.expires_at is None or tokens.expires_at - _EARLY > self._clock.now()
        return tokens.access is not None and is_fresh

    def _renew(self, runtime: str, login: Login) -> Login:
        """The login with new tokens, which are kept. The runtime's lock is held."""
        self._refuse_ended(runtime, login)
        if login.tokens.refresh is None:
            raise SetupNeeded(f"the login for {runtime} ({login.origin}) has ended: log in again")
        failed_at, failure = self._failed.get(runtime, (0.0, None))
        if failure is not None and self._clock.monotonic() - failed_at < _PAUSE_SECONDS:
            raise failure
        try:
            tokens = renew(login, login.tokens.refresh, self._endpoints[runtime], self._lines, self._clock)
        except LoginEnded as error:
            again = self._find(runtime)
            if isinstance(again, Login) and again.fingerprint != login.fingerprint:
                return again  # the CLI on this machine was faster, and its file has what it got
            self._ended[runtime] = login.fingerprint
            raise _login_ended(runtime, login) from error
        except UpstreamFailed as error:
            self._failed[runtime] = (self._clock.monotonic(), error)
            _log.warning("gateway.login_not_renewed", runtime=runtime, origin=login.origin, error=error)
            raise
        self._failed.pop(runtime, None)
        self._given[runtime] = (self._clock.monotonic(), tokens)
        source = find_credential(runtime, self._sources)
        if isinstance(source, Login):
            self._files.save(runtime, source, tokens)
        _log.info("gateway.login_renewed", runtime=runtime, origin=login.origin)
        return replace(login, tokens=tokens)

    def _is_just_given(self, runtime: str, login: Login) -> bool:
        at, tokens = self._given.get(runtime, (0.0, None))
        return (
            tokens is not None
            and tokens.access == login.tokens.access
            and self._clock.monotonic() - at < _LEAST_LIFE_SECONDS
        )

    def _refuse_ended(self, runtime: str, login: Login) -> None:
        if self._ended.get(runtime) == login.fingerprint:
            raise _login_ended(runtime, login)


def _login_ended(runtime: str, login: Login) -> SetupNeeded:
    return SetupNeeded(
        f"the provider has ended the login for {runtime} ({login.origin}): log in again and put the new one there"
    )


def _grant(runtime: str, found: ApiKey | Login) -> Grant:
    return _sendable(_unchecked_grant(runtime, found))


def _unchecked_grant(runtime: str, found: ApiKey | Login) -> Grant:
    if isinstance(found, ApiKey):
        return Grant(found.secret.origin, _key_headers(runtime, found.secret.value))
    headers = {"authorization": f"Bearer {found.tokens.access}"}
    match runtime:
        case "claude":
            return Grant(found.origin, headers | {"anthropic-beta": "oauth-2025-04-20"})
        case "codex":
            account = {} if found.account_id is None else {"chatgpt-account-id": found.account_id}
            # A ChatGPT login is good at ChatGPT's own backend only.
            return Grant(found.origin, headers | account, "https://chatgpt.com/backend-api/codex", drops="/v1")
        case _:
            return Grant(found.origin, headers)


def _sendable(grant: Grant) -> Grant:
    """Raises `SetupNeeded` for what cannot stand in a header: a line too many, a quotation mark of a word processor."""
    if not all(value.isascii() and value.isprintable() for value in grant.headers.values()):
        raise SetupNeeded(f"the credential of {grant.name} has characters that none can have: put it there again")
    return grant


def _key_headers(runtime: str, key: str) -> dict[str, str]:
    match runtime:
        case "claude":
            return {"x-api-key": key}
        case "gemini":
            return {"x-goog-api-key": key}
        case _:
            return {"authorization": f"Bearer {key}"}
