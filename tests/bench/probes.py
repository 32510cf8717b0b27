"""Requests the probes answer: how many a second beside an empty application, and how soon when every worker is busy."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.bench.empty_app import empty_app
from tests.bench.figures import Figure, interleave, medians
from tests.bench.load import Burst, Load
from tests.support.daemon import DaemonProcess
from tests.support.daemon_client import DaemonClient

_RATE_SHARE = 0.5
_RATE_S = 1.0
_RATED = ("/healthz", "/readyz")
_RUNS = 8
_THREADS = 8
_CHECKS = 4
_POLL_S = 3
_WRITES_EVERY_S = 0.25
_STREAMED = "a text that is streamed piece by piece, " * 20
"""A hundred pieces, up to four times a second, come faster than a model writes."""
_BUSY_S = 2.0
_CALM_S = 0.01
"""Between two requests of a client that wants to know how soon `/livez` answers."""


def measure_probes(home: Path, rounds: int) -> Iterator[Figure]:
    """Both servers run all the time; each is asked in turn, over the same number of connections."""
    with empty_app() as empty, _daemon(home / "probes") as daemon:
        daemon.wait_for_log("orchestrator.state", state="active")
        contestants = {"empty": partial(_rate, empty, "/")}
        contestants |= {path: partial(_rate, daemon.client.url, path) for path in _RATED}
        found = medians(interleave(rounds, contestants))
    for path in _RATED:
        floor = _RATE_SHARE * found["empty"]
        yield Figure(f"{path}, requests", found[path], "/s", floor, True, found["empty"], "empty Falcon app")


def measure_busy(home: Path, rounds: int) -> Iterator[Figure]:
    """Every worker has a request in hand and more wait, eight agents stream: `/livez` is asked a hundred times a
    second, and so is an empty application, which shows what the busy machine alone costs."""
    with empty_app() as empty, _daemon(home / "busy") as daemon, _everything_busy(daemon):
        contestants = {
            "livez": lambda: _burst(daemon.client.url, "/livez").p99_ms,
            "empty": lambda: _burst(empty, "/").p99_ms,
        }
        found = medians(interleave(rounds, contestants))
    yield Figure(
        "/livez with all workers busy and 8 runs streaming, p99",
        found["livez"],
        "ms",
        50,
        False,
        found["empty"],
        "empty Falcon app",
    )


@contextmanager
def _everything_busy(daemon: DaemonProcess) -> Iterator[None]:
    """Six requests wait for news of a quiet chat, which is as many as may; pre-flight checks, which take their time,
    compete for the other two workers with eight people who get a text streamed, and write again meanwhile."""
    done = threading.Event()
    client = daemon.client
    wait = partial(client.get, f"/v1/local/chats/quiet/updates?wait={_POLL_S}")
    check = partial(client.get, "/v1/preflight")
    works = [wait] * (_THREADS - 2) + [check] * _CHECKS
    works += [partial(_write, client, f"stream{number}", done) for number in range(_RUNS)]
    with ThreadPoolExecutor(len(works)) as people:
        try:
            busy = [people.submit(_repeat, work, done) for work in works]
            daemon.wait_for_log("run.started", count=_RUNS)
            yield
        finally:
            done.set()
        for future in busy:
            future.result()


def _write(client: DaemonClient, chat: str, done: threading.Event) -> None:
    client.say(chat, f"!stream {_STREAMED}")
    done.wait(_WRITES_EVERY_S)


def _repeat(work: Callable[[], object], done: threading.Event) -> None:
    while not done.is_set():
        work()


def _rate(url: str, path: str) -> float:
    load = Burst(url, path, _RATE_S).run()
    if load.refused:
        raise AssertionError(f"{path} answered {load.refused} requests with something else than 200")
    return load.per_second


def _burst(url: str, path: str) -> Load:
    return Burst(url, path, _BUSY_S, connections=1, pause_s=_CALM_S).run()


def _daemon(home: Path) -> DaemonProcess:
    home.mkdir()
    settings: dict[str, dict[str, object]] = {
        "server": {"bind": "127.0.0.1:0", "threads": _THREADS},
        "orchestrator": {"max_concurrent_containers": _RUNS},
        "log": {"level": "info"},
    }
    return DaemonProcess(home, settings)
