"""The options of commands that read the settings themselves."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import tomli

from intercomd.settings.loading import DEFAULT_PATH, load_settings
from intercomd.settings.model import Settings


def add_settings_options(parser: argparse.ArgumentParser) -> None:
    """`--config`, `--bind`, `--data-dir` and `--set`."""
    parser.add_argument(
        "--config", type=Path, metavar="PATH", help=f"the settings file (default: {DEFAULT_PATH} if it exists)"
    )
    parser.add_argument("--bind", metavar="HOST:PORT", help="wins over INTERCOMD_BIND and server.bind")
    parser.add_argument(
        "--data-dir", type=Path, metavar="DIR", help="keep everything below DIR: data, embedded store and group folders"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        type=_parse_assignment,
        dest="assignments",
        help="any other setting, for example sandbox.engine=process; may be repeated",
    )


def settings_from(arguments: argparse.Namespace, environment: Mapping[str, str]) -> Settings:
    """The settings these options ask for; raises `ConfigError`."""
    overrides: dict[str, object] = {}
    if arguments.data_dir is not None:
        directory: Path = arguments.data_dir.absolute()
        overrides["storage.data_dir"] = str(directory)
        overrides["storage.sqlite_path"] = str(directory / "intercom.db")
        overrides["storage.groups_dir"] = str(directory / "groups")
    overrides |= dict(arguments.assignments)
    if arguments.bind is not None:
        overrides["server.bind"] = arguments.bind
    return load_settings(arguments.config, environment, overrides)


def _parse_assignment(text: str) -> tuple[str, object]:
    """`KEY=VALUE` with the value in TOML, or as plain text where it is not TOML."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    try:
        return key.strip(), tomli.loads(f"value = {value}")["value"]
    except tomli.TOMLDecodeError:
        return key.strip(), value
