"""Renewed tokens on disk: in the CLI's own file where the login is from there, else in a file of ours.

    <data_dir>/credentials/<runtime>.json   0600, replaced whole: half a file is never seen, an old one never mixed in
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from intercomd.domain.instants import from_epoch_ms, to_epoch_ms
from intercomd.errors import SetupNeeded
from intercomd.gateway.logins import Login, Tokens
from intercomd.gateway.sources import read_private
from intercomd.logs import EventLog

_log = EventLog("gateway")


class _Kept(msgspec.Struct, frozen=True, kw_only=True):
    """`login` is the fingerprint of the login as a person gave it: another one makes these tokens worthless."""

    login: str
    access_token: str
    refresh_token: str | None
    expires_at_ms: int | None


class TokenFiles:
    """Called under the runtime's lock (see `Keyring`)."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._unkept: dict[str, _Kept] = {}

    def find(self, runtime: str, login: Login) -> Tokens | None:
        """The tokens that `login` has become; None when it was not renewed by us. Raises `SetupNeeded`."""
        kept = self._unkept.get(runtime) or self._read(runtime)
        if kept is None or kept.login != login.fingerprint:
            return None
        expires_at = None if kept.expires_at_ms is None else from_epoch_ms(kept.expires_at_ms)
        return Tokens(kept.access_token, kept.refresh_token, expires_at)

    def save(self, runtime: str, login: Login, tokens: Tokens) -> None:
        """Keep what `login` has become. Where the disk refuses, this process goes on with the tokens, and an operator
        is told: at the next start the login is lost."""
        if login.file is not None and _write_back(runtime, login.file, tokens):
            return
        expires_at_ms = None if tokens.expires_at is None else to_epoch_ms(tokens.expires_at)
        kept = _Kept(
            login=login.fingerprint,
            access_token=tokens.access or "",
            refresh_token=tokens.refresh,
            expires_at_ms=expires_at_ms,
        )
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            _replace(self._path(runtime), msgspec.json.encode(kept))
            self._unkept.pop(runtime, None)
        except OSError as error:
            self._unkept[runtime] = kept
            _log.error("gateway.tokens_not_kept", runtime=runtime, path=self._path(runtime), error=error.strerror)

    def _read(self, runtime: str) -> _Kept | None:
        text = read_private(self._path(runtime))
        try:
            return msgspec.json.decode(text, type=_Kept) if text else None
        except msgspec.DecodeError:
            raise SetupNeeded(f"{self._path(runtime)} is damaged: remove it, and log in again") from None

    def _path(self, runtime: str) -> Path:
        return self._directory / f"{runtime}.json"


def _write_back(runtime: str, path: Path, tokens: Tokens) -> bool:
    """Whether the CLI's file has them now; everything else in it stays as it is."""
    try:
        document = msgspec.json.decode(read_private(path))
        _PUTTERS[runtime](document, tokens)
        _replace(path, msgspec.json.format(msgspec.json.encode(document), indent=2))
    except (OSError, SetupNeeded, msgspec.DecodeError, LookupError, TypeError) as error:
        _log.warning("gateway.tokens_not_written_back", runtime=runtime, path=path, error=type(error).__name__)
        return False
    return True


def _put_claude(document: Any, tokens: Tokens) -> None:
    kept = document["claudeAiOauth"]
    kept |= {"accessToken": tokens.access, "refreshToken": tokens.refresh, "expiresAt": _ms(tokens.expires_at)}


def _put_codex(document: Any, tokens: Tokens) -> None:
    document["tokens"] |= {"access_token": tokens.access, "refresh_token": tokens.refresh}


def _put_gemini(document: Any, tokens: Tokens) -> None:
    document |= {
        "access_token": tokens.access,
        "refresh_token": tokens.refresh,
        "expiry_date": _ms(tokens.expires_at),
    }


_PUTTERS = {"claude": _put_claude, "codex": _put_codex, "gemini": _put_gemini}


def _ms(instant: datetime | None) -> int | None:
    return None if instant is None else to_epoch_ms(instant)


def _replace(path: Path, content: bytes) -> None:
    """Durable and all or nothing; `mkstemp` makes the file 0600 from its first byte on."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(name)
        raise
