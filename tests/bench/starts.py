"""What a sandbox costs beside the engine's own program, and what fifty idle ones cost the daemon."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from tests.bench.figures import Figure, interleave, medians
from tests.bench.idle import cpu_seconds, pass_time, status_of
from tests.sandbox.harness import Bench, make_engine
from tests.support.containers import THIN_IMAGE, import_thin_image, podman_environment
from tests.support.daemon import DaemonProcess

_COMMAND = "/bin/true"
_STARTS = 10
_DEADLINE_S = 30.0
_SANDBOXES = 50
_OBSERVED_S = 10.0
_INSTALL = f"bench{os.getpid()}"
_BWRAP_ALONE = "bwrap --ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/lib /lib --symlink usr/lib64 /lib64"
_ALONE: Mapping[str, Sequence[str]] = {
    "bubblewrap": (*_BWRAP_ALONE.split(), "--unshare-all", _COMMAND),
    "podman": ("podman", "run", "--rm", "-i", "--pull=never", "--network=none", THIN_IMAGE, _COMMAND),
}
_TARGETS = {"bubblewrap": 15.0, "podman": 30.0}


def measure_starts(home: Path, rounds: int) -> Iterator[Figure]:
    """From the call to the told end of a command that does nothing, ten times a round in turn with the bare program."""
    environment = podman_environment(home)
    import_thin_image("podman", environment)
    for name, alone in _ALONE.items():
        engine = make_engine(name, _INSTALL, environment)
        bench = Bench(engine, home / f"starts-{name}", _INSTALL)
        contestants = {"ours": partial(_ours, bench), "alone": partial(_alone, alone, environment)}
        found = medians(interleave(rounds * _STARTS, contestants))
        cost = 1000 * (found["ours"] - found["alone"])
        raw = 1000 * found["alone"]
        yield Figure(f"a sandbox above {name}", cost, "ms", _TARGETS[name], False, raw, f"{name} alone")


def measure_live(home: Path, _rounds: int) -> Iterator[Figure]:
    """Fifty agents that wait for a further text, in the real daemon."""
    settings: dict[str, dict[str, object]] = {
        "orchestrator": {"enabled": True, "max_concurrent_containers": _SANDBOXES},
        "log": {"level": "info"},
    }
    with DaemonProcess(_made(home / "live"), settings) as daemon:
        daemon.client.ask("chat0", "hello")
        before = status_of(daemon.pid, "VmRSS")
        for number in range(1, _SANDBOXES):
            daemon.client.ask(f"chat{number}", "hello")
        assert len(daemon.agents()) == _SANDBOXES
        share = (status_of(daemon.pid, "VmRSS") - before) / 1024 / (_SANDBOXES - 1)
        began = cpu_seconds(daemon.pid)
        pass_time(_OBSERVED_S)
        busy = 100 * (cpu_seconds(daemon.pid) - began) / _OBSERVED_S
    yield Figure(f"{_SANDBOXES} idle sandboxes: the daemon's memory for each", share, "MB", 1.0)
    yield Figure(f"{_SANDBOXES} idle sandboxes: the daemon's CPU in all", busy, "% of a core", 1.0)


def _ours(bench: Bench) -> float:
    began = time.monotonic()
    _, recorder = bench.start(replace(bench.spec(""), command=(_COMMAND,)))
    recorder.wait_until_ended()
    return time.monotonic() - began


def _alone(command: Sequence[str], environment: Mapping[str, str]) -> float:
    began = time.monotonic()
    subprocess.run(command, env=environment, input=b"", check=True, capture_output=True, timeout=_DEADLINE_S)
    return time.monotonic() - began


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder
