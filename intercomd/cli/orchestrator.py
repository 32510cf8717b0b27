"""`intercomd orchestrator`: is it on, switch it on or off."""

from __future__ import annotations

import argparse
import getpass
import sys
import time
from typing import Any

from intercomd.cli.client import DaemonClient, add_client_options, with_daemon
from intercomd.cli.exit_codes import ExitCode
from intercomd.cli.tables import plain, render_age, render_json

SUMMARY = "show whether chats are answered; stop that, or start it again"

_PATH = "/v1/orchestrator"
_REQUEST_TIMEOUT_S = 20.0
_WAIT_STEP_S = 5.0
_WAIT_S = 60.0
"""Beyond the drain: what lease, start and stop may take."""


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    _add_action(actions, "status", "show what is wanted, what is, and why they differ")
    enable = _add_action(actions, "enable", "lift the hold that `disable` placed, and try again after failed starts")
    disable = _add_action(
        actions, "disable", "stop answering until `enable`, restarts included; messages are still stored"
    )
    disable.add_argument(
        "--drain",
        type=_seconds,
        metavar="SECONDS",
        help="how long runs in flight may take to finish (default: orchestrator.grace_ms)",
    )
    disable.add_argument("--why", default="", metavar="TEXT", help="what to tell others who ask")
    for action in (enable, disable):
        action.add_argument("--wait", action="store_true", help="return when it is done; the exit code tells whether")


def run(arguments: argparse.Namespace) -> int:
    actions = {"status": _status, "enable": _enable, "disable": _disable}
    return with_daemon(arguments, lambda daemon: actions[arguments.action](daemon, arguments))


def _status(daemon: DaemonClient, arguments: argparse.Namespace) -> int:
    _print(daemon.get(_PATH), arguments)
    return ExitCode.OK


def _enable(daemon: DaemonClient, arguments: argparse.Namespace) -> int:
    """OK when active (or, without --wait, wanted), FAILURE when it failed, TRY_LATER when it still waits."""
    state = daemon.post(_PATH, {"action": "enable", "who": _who()}, timeout_s=_REQUEST_TIMEOUT_S)
    if arguments.wait:
        state = _settled(daemon, "active", _WAIT_S)
    _print(state, arguments)
    if state["state"] == "failed":
        return ExitCode.FAILURE
    return ExitCode.TRY_LATER if arguments.wait and state["state"] != "active" else ExitCode.OK


def _disable(daemon: DaemonClient, arguments: argparse.Namespace) -> int:
    """OK when idle (or, without --wait, on the way), TRY_LATER when it still drains."""
    wish = {"action": "disable", "who": _who(), "why": arguments.why}
    if arguments.drain is not None:
        wish["drain_ms"] = round(arguments.drain * 1000)
    state = daemon.post(_PATH, wish, timeout_s=_REQUEST_TIMEOUT_S)
    if arguments.wait:
        state = _settled(daemon, "idle", _WAIT_S + (3600 if arguments.drain is None else arguments.drain))
    _print(state, arguments)
    return ExitCode.TRY_LATER if arguments.wait and state["state"] != "idle" else ExitCode.OK


def _settled(daemon: DaemonClient, wanted: str, timeout_s: float) -> Any:
    """The state once it is `wanted` or failed, else that at the deadline."""
    deadline = time.monotonic() + timeout_s
    while True:
        state = daemon.get(_PATH, timeout_s=_REQUEST_TIMEOUT_S, wait=_WAIT_STEP_S)
        if state["state"] in (wanted, "failed") or time.monotonic() >= deadline:
            return state


def _print(state: dict[str, Any], arguments: argparse.Namespace) -> None:
    print(render_json(state) if arguments.json else plain(render_state(state)))
    if not arguments.json and not state["is_enabled"]:
        print("orchestrator.enabled is false: set it to true and restart the daemon to switch it on", file=sys.stderr)


def render_state(state: dict[str, Any]) -> str:
    """For people."""
    reason = f": {state['reason']}" if state["reason"] else ""
    age = f" for {render_age(state['state_age_s'])}" if state["state_age_s"] >= 1 else ""
    lines = [
        f"state   {state['state']}{age}{reason}",
        f"wanted  {'yes' if state['is_wanted'] else 'no'}",
        f"owner   {_owner(state['owner'])}",
        f"runs    {state['runs']}",
    ]
    return "\n".join(lines)


def _owner(owner: dict[str, Any] | None) -> str:
    if owner is None:
        return "nobody"
    return "this daemon" if owner["is_this_daemon"] else f"process {owner['pid']}"


def _who() -> str:
    """The account's name, as far as it has one."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "an operator"


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds <= 3600:
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds from 0 to 3600")
    return seconds


def _add_action(
    actions: argparse._SubParsersAction[argparse.ArgumentParser], name: str, summary: str
) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=summary, description=summary, allow_abbrev=False)
    parser.add_argument("--json", action="store_true", help="for scripts")
    add_client_options(parser)
    return parser
