"""`intercomd status`: the tree, slots, queues and last errors on one screen."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from intercomd.cli.client import DaemonClient, DaemonUnreachable, Refused, add_client_options, with_daemon
from intercomd.cli.exit_codes import ExitCode
from intercomd.cli.tables import plain, render_age, render_json, render_table

SUMMARY = "show how the daemon is; --check only says so by its exit code"

OK, DEGRADED, DOWN = 0, 1, 2
"""Exit codes of `--check`."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="for scripts")
    parser.add_argument(
        "--check", action="store_true", help="print one line and exit 0 (works), 1 (degraded) or 2 (down)"
    )
    add_client_options(parser)


def run(arguments: argparse.Namespace) -> int:
    if arguments.check:
        code = with_daemon(arguments, _check)
        return DOWN if code == ExitCode.TRY_LATER else code
    return with_daemon(arguments, _show_json if arguments.json else _show)


def _check(daemon: DaemonClient) -> int:
    try:
        status = daemon.get("/v1/status")
    except Refused as error:
        raise DaemonUnreachable(f"{daemon.url} answers, but not as intercomd should: {error}") from error
    complaints = _complaints(status)
    for complaint in complaints:
        print(plain(complaint), file=sys.stderr)
    print("degraded" if complaints else "ok")
    return DEGRADED if complaints else OK


def _show_json(daemon: DaemonClient) -> int:
    print(render_json(daemon.get("/v1/status")))
    return ExitCode.OK


def _show(daemon: DaemonClient) -> int:
    print(render_status(daemon.get("/v1/status"), daemon.url))
    return ExitCode.OK


def render_status(status: dict[str, Any], url: str) -> str:
    """The screen."""
    slots, orchestrator = status["slots"], status["orchestrator"]
    used = f"{slots['used']} of {slots['limit']} used"
    state = orchestrator["state"] + (f" ({orchestrator['reason']})" if orchestrator["reason"] else "")
    lines = [
        f"intercomd {status['version']} at {url}, up {render_age(status['uptime_seconds'])}",
        f"orchestrator  {state}",
        f"slots         {used}, {len(slots['idle'])} idle, {slots['waiting']} waiting, "
        f"{slots['waiting_tasks']} of them with tasks",
        f"store         {_store_line(status)}",
        *_duty_lines(status["duties"]),
        "",
        render_table(
            ("ACTOR", "STATE", "RESTARTS", "QUEUE", "OLDEST", "AT WORK ON", "LAST ERROR"),
            [_node_row(node) for node in status["tree"]["nodes"]],
        ),
    ]
    complaints = _complaints(status)
    if complaints:
        lines += ["", "problems:", *(f"  {complaint}" for complaint in complaints)]
    if status["model_usage"]:
        headers = ("MODEL USED BY", "REQUESTS", "TOKENS READ", "TOKENS WRITTEN")
        lines += ["", render_table(headers, [_usage_row(use) for use in status["model_usage"]])]
    failed = status["store"]["failed_runs"] if status["store"] else []
    if failed:
        lines += ["", render_table(("FAILED RUN", "GROUP", "OUTCOME", "ENDED", "ERROR"), [_run_row(r) for r in failed])]
    return "\n".join(plain(line) for line in lines)


def _duty_lines(duties: dict[str, str]) -> list[str]:
    """One line, where the process can own any."""
    named = [f"{duty} {standing}" for duty, standing in duties.items()]
    return [f"duties        {', '.join(named)}"] if named else []


def _complaints(status: dict[str, Any]) -> list[str]:
    orchestrator = status["orchestrator"]
    complaints = list(status["problems"])
    if orchestrator["state"] != "active" and (orchestrator["is_wanted"] or orchestrator["state"] != "idle"):
        complaints.append(f"the orchestrator is {orchestrator['state']}: {orchestrator['reason'] or 'no reason given'}")
    if status["store_error"]:
        complaints.append(f"the store is away: {status['store_error']}")
    return complaints


def _store_line(status: dict[str, Any]) -> str:
    store = status["store"]
    if store is None:
        return "away"
    return (
        f"{store['engine']}: {_counted(store['groups'], 'group')}, {store['pending_groups']} with open requests, "
        f"{_counted(store['live_runs'], 'run')}, {_counted(store['outbox_waiting'], 'text')} on the way"
    )


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _usage_row(use: dict[str, Any]) -> tuple[object, ...]:
    return use["folder"], use["requests"], use["input_tokens"], use["output_tokens"]


def _node_row(node: dict[str, Any]) -> tuple[object, ...]:
    return (
        node["path"] or "root",
        node["state"],
        node["restarts"],
        node["mailbox_depth"],
        render_age(node["oldest_item_age_s"]),
        node["item_in_hand"],
        node["last_error"],
    )


def _run_row(run: dict[str, Any]) -> tuple[object, ...]:
    return run["run_id"], run["folder"], run["outcome"], run["ended_at"], run["error"]
