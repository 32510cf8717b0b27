"""One way in: file, environment and command line become checked settings, or one error with every problem."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli

from intercomd.errors import ConfigError
from intercomd.settings.dotenv import read_dotenv
from intercomd.settings.model import Settings
from intercomd.settings.reading import SettingsReader
from intercomd.settings.rules import check_rules

DEFAULT_PATH = Path("config/intercom.toml")

ENVIRONMENT = {
    "INTERCOMD_BIND": "server.bind",
    "INTERCOM_POSTGRES_DSN": "storage.postgres_dsn",
    "HOST_CALLBACK_URL": "server.host_callback_url",
    "ASSISTANT_NAME": "assistant.name",
    "TELEGRAM_BOT_TOKEN": "channels.telegram.bot_token",
}
"""Environment variables and the keys they win over; a blank one counts as unset."""

ENVIRONMENT_FILES = {
    "INTERCOM_POSTGRES_DSN_FILE": "storage.postgres_dsn",
    "TELEGRAM_BOT_TOKEN_FILE": "channels.telegram.bot_token",
}
"""Variables that name a file with the value, as a service manager hands over secrets; those above win over them."""

DOTENV = Path(".env")
DOTENV_VARIABLES = ("ASSISTANT_NAME", "TELEGRAM_BOT_TOKEN")
"""Read from the file `.env` too, below the environment: the host does so, and both must agree (hazard B-104)."""


def load_settings(
    path: Path | None, environment: Mapping[str, str], overrides: Mapping[str, object] | None = None
) -> Settings:
    """The settings: file at `path`, `.env`, environment, `overrides` (dotted key → value); the last wins.

    None means config/intercom.toml when it exists, else defaults. Raises `ConfigError` with every problem: a given
    file that is missing or unreadable (hazard B-108), syntax, unknown names, wrong types and ranges, and what
    `rules.py` says.
    """
    source, table = _read_file(path)
    origins: dict[str, str] = {}
    dotenv = read_dotenv(DOTENV)
    for variable in DOTENV_VARIABLES:
        if value := dotenv.get(variable):
            _put(table, ENVIRONMENT[variable], value)
            origins[ENVIRONMENT[variable]] = f"{variable} in {DOTENV}"
    for variable, key in ENVIRONMENT_FILES.items():
        if name := environment.get(variable, "").strip():
            _put(table, key, _read_value(variable, Path(name)))
            origins[key] = variable
    for variable, key in ENVIRONMENT.items():
        if value := environment.get(variable, "").strip():
            _put(table, key, value)
            origins[key] = variable
    for key, given in (overrides or {}).items():
        _put(table, key, given)
        origins[key] = "the command line"
    reader = SettingsReader(origins)
    settings = reader.read(Settings, table)
    check_rules(settings, table, environment, reader)
    if reader.problems:
        raise ConfigError(source, reader.problems)
    return settings


def _read_file(path: Path | None) -> tuple[str, dict[str, Any]]:
    if path is None and not DEFAULT_PATH.exists():
        return "the configuration", {}
    path = path or DEFAULT_PATH
    try:
        return str(path), tomli.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(str(path), ["the file does not exist"]) from None
    except OSError as error:
        raise ConfigError(str(path), [f"the file cannot be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            str(path), [f"the file is not UTF-8: byte {error.start} is {error.object[error.start]:#04x}"]
        ) from None
    except tomli.TOMLDecodeError as error:
        raise ConfigError(str(path), [f"the file is not TOML: {error}"]) from None


def _read_value(variable: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise ConfigError(variable, [f"the file {path} cannot be read: {reason}"]) from error


def _put(table: dict[str, Any], key: str, value: object) -> None:
    """Set a dotted key; where the file has something else than a section, the reader complains about that."""
    *sections, name = key.split(".")
    for section in sections:
        inner = table.setdefault(section, {})
        if not isinstance(inner, dict):
            return
        table = inner
    table[name] = value
