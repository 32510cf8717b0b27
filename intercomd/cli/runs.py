"""`intercomd runs`: what agents did."""

from __future__ import annotations

import argparse
from typing import Any

from intercomd.cli.client import DaemonClient, add_client_options, path_word, with_daemon
from intercomd.cli.exit_codes import ExitCode
from intercomd.cli.tables import plain, render_json, render_table

SUMMARY = "list the newest runs or show one"


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    every = actions.add_parser("list", help="show the newest runs", allow_abbrev=False)
    every.add_argument("--group", metavar="FOLDER", help="only this group's")
    every.add_argument("--limit", type=int, default=20, help="how many (default: 20)")
    one = actions.add_parser("show", help="show all that is known of a run", allow_abbrev=False)
    one.add_argument("run_id")
    for action in (every, one):
        action.add_argument("--json", action="store_true", help="for scripts")
        add_client_options(action)


def run(arguments: argparse.Namespace) -> int:
    action = _list if arguments.action == "list" else _show
    return with_daemon(arguments, lambda daemon: action(daemon, arguments))


def _list(daemon: DaemonClient, arguments: argparse.Namespace) -> int:
    answer = daemon.get("/v1/runs", group=arguments.group, limit=arguments.limit)
    if arguments.json:
        print(render_json(answer))
        return ExitCode.OK
    headers = ("RUN", "GROUP", "OUTCOME", "TRY", "RUNTIME", "OPENED", "ENDED", "ERROR")
    print(render_table(headers, [_row(run) for run in answer["runs"]]))
    return ExitCode.OK


def _show(daemon: DaemonClient, arguments: argparse.Namespace) -> int:
    run = daemon.get(f"/v1/runs/{path_word(arguments.run_id)}")
    if arguments.json:
        print(render_json(run))
        return ExitCode.OK
    width = max(map(len, run))
    for key, value in run.items():
        shown = "-" if value is None else render_json(value) if isinstance(value, dict) else plain(str(value))
        print(f"{key:{width}}  {shown}")
    return ExitCode.OK


def _row(run: dict[str, Any]) -> tuple[object, ...]:
    return (
        run["run_id"],
        run["folder"],
        run["outcome"] or "running",
        run["attempt"],
        run["runtime"],
        run["opened_at"],
        run["ended_at"],
        run["error"],
    )
