"""`intercomd doctor`: what this machine can run agents in, and what stands in the way. Needs no daemon."""

from __future__ import annotations

import argparse
import os

from intercomd.cli.exit_codes import ExitCode
from intercomd.cli.settings_options import add_settings_options, settings_from
from intercomd.cli.tables import render_json, render_table
from intercomd.clock import SystemClock
from intercomd.daemon.doctor import Diagnosis, examine

SUMMARY = "try every sandbox engine, look for images, programs and credentials; exit code 0 when agents can run"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="for scripts")
    add_settings_options(parser)


def run(arguments: argparse.Namespace) -> int:
    lines = examine(settings_from(arguments, os.environ), os.environ, SystemClock())
    is_ok = all(line.finding.is_ok for line in lines if line.is_needed)
    if arguments.json:
        print(render_json({"is_ok": is_ok, "checks": [_plain(line) for line in lines]}))
    else:
        rows = [(_result(line), line.finding.name, line.finding.evidence) for line in lines]
        print(render_table(("RESULT", "CHECK", "EVIDENCE"), rows))
    return ExitCode.OK if is_ok else ExitCode.FAILURE


def _result(line: Diagnosis) -> str:
    """What nothing depends on is not failed, only not there."""
    if line.finding.is_ok:
        return "ok"
    return "FAILED" if line.is_needed else "no"


def _plain(line: Diagnosis) -> dict[str, object]:
    finding = line.finding
    return {"name": finding.name, "is_ok": finding.is_ok, "is_needed": line.is_needed, "evidence": finding.evidence}
