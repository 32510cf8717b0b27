"""From "stored" to "the agent has its input", and from "reply written" to "the channel has it"."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from tests.bench.agents import Agent, BareStarts, tiny_agent
from tests.bench.figures import Figure, percentile
from tests.bench.stage import register, staged
from tests.bench.stores import POSTGRES, SQLITE, opened_store

_SAMPLES_A_ROUND = 60
_GROUPS = 20
_NS_IN_MS = 1e6


def measure_latency(home: Path, rounds: int) -> Iterator[Figure]:
    """One message at a time; a bare start of the same program between any two."""
    agent = tiny_agent(home)
    for kind in (SQLITE, POSTGRES):
        folder = home / f"latency-{kind}"
        folder.mkdir()
        yield from _measure(kind, folder, agent, rounds * _SAMPLES_A_ROUND)


def _measure(kind: str, home: Path, agent: Agent, samples: int) -> Iterator[Figure]:
    bare = BareStarts(agent, home)
    starts, readings, deliveries = [], [], []
    with ExitStack() as stack:
        store = stack.enter_context(opened_store(kind, home))
        stage = stack.enter_context(staged(home, store, agent, _GROUPS))
        register(store, _GROUPS)
        for number in range(samples):
            starts.append(_bare_ms(bare))
            count = stage.deliveries.count
            stored_at = stage.say(number % _GROUPS)
            handed_at, text = stage.deliveries.wait_for(count + 1)[count]
            read_ms, written_ms = (int(word) / _NS_IN_MS for word in text.split())
            readings.append(read_ms - stored_at * 1e3)
            deliveries.append(handed_at * 1e3 - written_ms)
            stage.slots.wait_until_idle()
    bare_ms = median(starts)
    above = [reading - bare_ms for reading in readings]
    name = f"stored → agent has its input, above a bare start, {kind}"
    yield Figure(f"{name}, p50", percentile(above, 50), "ms", 10, False, bare_ms, "bare start")
    yield Figure(f"{name}, p95", percentile(above, 95), "ms", 25, False, percentile(starts, 95), "bare start")
    name = f"reply written → handed to the channel, {kind}"
    yield Figure(f"{name}, p50", percentile(deliveries, 50), "ms", 10)


def _bare_ms(bare: BareStarts) -> float:
    began = time.monotonic()
    written = bare.once().split(b'"result":"')[1]
    return int(written.split()[0]) / _NS_IN_MS - began * 1e3
