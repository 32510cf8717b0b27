"""The `intercomd` command: picks the subcommand, imports only that, and turns errors into exit codes."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Protocol, cast

from intercomd import __version__
from intercomd.cli.exit_codes import ExitCode
from intercomd.cli.parsing import Parser
from intercomd.errors import ConfigError, IntercomError

COMMANDS = {
    "serve": "intercomd.cli.serve",
    "host": "intercomd.cli.host",
    "chat": "intercomd.cli.chat",
    "status": "intercomd.cli.status",
    "preflight": "intercomd.cli.preflight",
    "doctor": "intercomd.cli.doctor",
    "orchestrator": "intercomd.cli.orchestrator",
    "groups": "intercomd.cli.groups",
    "runs": "intercomd.cli.runs",
    "tasks": "intercomd.cli.tasks",
    "why": "intercomd.cli.why",
    "backup": "intercomd.cli.backup",
    "print-config": "intercomd.cli.print_config",
}
"""Subcommands and the modules that hold them; a module is imported when its command is used."""

DEFAULT_COMMAND = "serve"


class Command(Protocol):
    """What a subcommand's module has."""

    SUMMARY: str

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Add the command's options."""
        ...

    def run(self, arguments: argparse.Namespace) -> int:
        """Do it and return the exit code; `IntercomError`s are left to `main`."""
        ...


def main(argv: Sequence[str] | None = None) -> int:
    """Run `intercomd` with these words (default: the process's own) and return the exit code."""
    words = list(sys.argv[1:] if argv is None else argv) or [DEFAULT_COMMAND]
    try:
        return _run(words)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return ExitCode.BAD_CONFIG
    except IntercomError as error:
        print(f"Error: {error}", file=sys.stderr)
        return ExitCode.FAILURE
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has left (`intercomd runs list | head`): keep the interpreter's last flush quiet.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.FAILURE
    except Exception:  # noqa: BLE001 - a defect ends the process with its traceback
        traceback.print_exc()
        return ExitCode.CRASH


def _run(words: list[str]) -> int:
    name, *rest = words
    if name not in COMMANDS:
        _parse_top(words)
    command = _load(name)
    parser = Parser(prog=f"intercomd {name}", description=command.SUMMARY, allow_abbrev=False)
    command.configure(parser)
    return command.run(parser.parse_args(rest))


def _parse_top(words: list[str]) -> None:
    """Handle `--version`, `--help` and what is no command at all; ends the process."""
    asks_for_help = "-h" in words or "--help" in words
    parser = Parser(
        prog="intercomd",
        description="A daemon that runs an AI assistant for a household or a team.",
        epilog=_list_commands() if asks_for_help else None,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"intercomd {__version__}")
    parser.add_argument(
        "command", choices=COMMANDS, metavar="COMMAND", help=f"what to do; without one: {DEFAULT_COMMAND}"
    )
    parser.parse_args(words)


def _list_commands() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:{width}}  {_load(name).SUMMARY}" for name in COMMANDS]
    return "\n".join(["commands:", *lines, "", "`intercomd COMMAND --help` tells about one of them."])


def _load(name: str) -> Command:
    return cast(Command, importlib.import_module(COMMANDS[name]))
