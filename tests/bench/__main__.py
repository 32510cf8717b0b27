"""`python -m tests.bench`: measures, prints a table or JSON, ends. Loopback only, files in a temporary folder."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.bench.backlog import measure_backlog
from tests.bench.enabling import measure_enabling
from tests.bench.figures import Figure, render_table, render_values
from tests.bench.gateway import measure_gateway, measure_idle_doors
from tests.bench.idle import measure_idle, measure_waiting
from tests.bench.latency import measure_latency
from tests.bench.machine import describe_machine
from tests.bench.probes import measure_busy, measure_probes
from tests.bench.rates import measure_batches, measure_run_rates
from tests.bench.starts import measure_live, measure_starts
from tests.bench.tasks import measure_due, measure_resting_tasks, measure_rush

Measure = Callable[[Path, int], Iterator[Figure]]

MEASUREMENTS: dict[str, Measure] = {
    "latency": measure_latency,
    "runs": measure_run_rates,
    "batches": measure_batches,
    "starts": measure_starts,
    "live": measure_live,
    "idle": measure_idle,
    "waiting": measure_waiting,
    "backlog": measure_backlog,
    "probes": measure_probes,
    "busy": measure_busy,
    "enabling": measure_enabling,
    "gateway": measure_gateway,
    "idle-doors": measure_idle_doors,
    "due": measure_due,
    "resting-tasks": measure_resting_tasks,
    "rush": measure_rush,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("only", nargs="*", metavar="MEASUREMENT", help=f"some of {', '.join(MEASUREMENTS)}; else all")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds whose median counts (default: 5)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    unknown = set(arguments.only) - set(MEASUREMENTS)
    if unknown or arguments.rounds < 1:
        parser.error(f"there are {', '.join(MEASUREMENTS)}, and --rounds is at least 1")
    with tempfile.TemporaryDirectory(prefix="intercom-bench-") as folder:
        home = Path(folder)
        machine = describe_machine(home)
        figures: list[Figure] = []
        for name in arguments.only or MEASUREMENTS:
            print(f"measuring {name} …", file=sys.stderr, flush=True)
            figures += MEASUREMENTS[name](home, arguments.rounds)
    if arguments.json:
        print(json.dumps({"machine": machine, "figures": render_values(figures)}, indent=2))
    else:
        print("\n".join(f"{key}: {value}" for key, value in machine.items()), end="\n\n")
        print(render_table(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
