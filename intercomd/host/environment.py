"""What the host takes from its environment, else from `.env`: the names of the existing system (original.md §15.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from intercomd.errors import ConfigError
from intercomd.settings.dotenv import read_dotenv
from intercomd.settings.loading import DOTENV

_TOGGLE = "RUST_ORCHESTRATOR"
_TAKEN_OVER = "true"
_PLAIN_NOES = frozenset({"false", "0", "no", "off"})
_PORT = "HOST_CALLBACK_PORT"
_DEFAULT_PORT = 7341


@dataclass(frozen=True, slots=True)
class Toggle:
    """`RUST_ORCHESTRATOR`: whether the daemon orchestrates and the host does not. `source` says where `value` was
    found; both are None where it was not."""

    value: str | None
    source: str | None

    @property
    def is_taken_over(self) -> bool:
        """Only the exact word counts, so that a mistake leaves one orchestrator too many, which the leases settle,
        and never none."""
        return self.value == _TAKEN_OVER

    @property
    def is_near_miss(self) -> bool:
        """It says something, and neither the word nor a plain no."""
        return self.value is not None and not self.is_taken_over and self.value.strip().lower() not in _PLAIN_NOES


@dataclass(frozen=True, slots=True)
class HostEnvironment:
    """The toggle and the callback server's port; port 0 takes a free one."""

    toggle: Toggle
    callback_port: int


def read_environment(environment: Mapping[str, str], dotenv: Path = DOTENV) -> HostEnvironment:
    """Raises `ConfigError` for a port that is none, and for a `.env` that cannot be read."""
    file = read_dotenv(dotenv)
    value, source = _find(_TOGGLE, environment, file, dotenv)
    port, port_source = _find(_PORT, environment, file, dotenv)
    return HostEnvironment(Toggle(value, source), _parse_port(port, port_source))


def _find(
    name: str, environment: Mapping[str, str], file: Mapping[str, str], path: Path
) -> tuple[str | None, str | None]:
    """The environment's value wins unless it is empty (original.md §16)."""
    if environment.get(name):
        return environment[name], "the environment"
    return (file[name], str(path)) if name in file else (None, None)


def _parse_port(text: str | None, source: str | None) -> int:
    if text is None:
        return _DEFAULT_PORT
    digits = text.strip()
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 5 and int(digits) <= 65_535):
        raise ConfigError(source or "", [f"{_PORT} = {text}: must be a port, a whole number from 0 to 65535"])
    return int(digits)
