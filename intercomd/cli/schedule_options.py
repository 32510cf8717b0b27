"""`--cron`, `--every`, `--once` and `--zone`: a schedule on the command line, as the API takes it."""

from __future__ import annotations

import argparse
import re

_SPAN = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_SECONDS = (86_400, 3_600, 60, 1)


def add_schedule_options(parser: argparse.ArgumentParser, *, is_required: bool) -> None:
    """The three kinds, of which one is given, and the zone."""
    kinds = parser.add_mutually_exclusive_group(required=is_required)
    kinds.add_argument("--cron", metavar="EXPRESSION", help="minute, hour, day, month, weekday: '0 9 * * 1-5'; @daily")
    kinds.add_argument("--every", metavar="SPAN", type=_milliseconds, help="an interval: 90s, 15m, 2h30m, 1d")
    kinds.add_argument("--once", metavar="WHEN", help="2026-12-24T18:00 in the task's zone, or with Z or +01:00")
    parser.add_argument("--zone", help="an IANA zone such as Europe/Vienna (default: scheduler.timezone)")


def schedule_fields(arguments: argparse.Namespace) -> dict[str, str]:
    """`schedule_type` and `schedule_value`, and `timezone`; what is not given is left out."""
    given = {"cron": arguments.cron, "interval": arguments.every, "once": arguments.once}
    fields = {"timezone": arguments.zone} if arguments.zone is not None else {}
    for kind, value in given.items():
        if value is not None:
            fields |= {"schedule_type": kind, "schedule_value": value}
    return fields


def _milliseconds(text: str) -> str:
    match = _SPAN.fullmatch(text.strip())
    if match is None or not any(match.groups()):
        raise argparse.ArgumentTypeError(f"{text!r} is no span of time; write it like 90s, 15m, 2h30m or 1d")
    return str(1000 * sum(int(count or 0) * size for count, size in zip(match.groups(), _SECONDS, strict=True)))
