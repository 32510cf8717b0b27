"""`intercomd preflight`: what to look at before the orchestrator is switched on."""

from __future__ import annotations

import argparse
from typing import Any

from intercomd.cli.client import DaemonClient, DaemonUnreachable, Refused, add_client_options, with_daemon
from intercomd.cli.exit_codes import ExitCode
from intercomd.cli.tables import render_json, render_table

SUMMARY = "check everything the orchestrator needs; exit code 0 when all is well, 1 otherwise"

_TIMEOUT_S = 60.0


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="for scripts")
    add_client_options(parser)


def run(arguments: argparse.Namespace) -> int:
    code = with_daemon(arguments, lambda daemon: _check(daemon, arguments))
    return ExitCode.FAILURE if code == ExitCode.TRY_LATER else code


def _check(daemon: DaemonClient, arguments: argparse.Namespace) -> int:
    checks = _find(daemon)
    is_ok = all(check["is_ok"] for check in checks)
    if arguments.json:
        print(render_json({"is_ok": is_ok, "checks": checks}))
    else:
        rows = [("ok" if check["is_ok"] else "FAILED", check["name"], check["evidence"]) for check in checks]
        print(render_table(("RESULT", "CHECK", "EVIDENCE"), rows))
    return ExitCode.OK if is_ok else ExitCode.FAILURE


def _find(daemon: DaemonClient) -> list[dict[str, Any]]:
    """What the daemon found, and before it whether it could be asked at all."""
    try:
        checks: list[dict[str, Any]] = daemon.get("/v1/preflight", timeout_s=_TIMEOUT_S)["checks"]
    except (DaemonUnreachable, Refused) as error:
        return [{"name": "api", "is_ok": False, "evidence": str(error)}]
    return [{"name": "api", "is_ok": True, "evidence": f"the daemon answers at {daemon.url}"}, *checks]
