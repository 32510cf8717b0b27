"""How many runs a second, beside bare starts of the same program."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from tests.bench.agents import Agent, BareStarts, echo_agent, tiny_agent
from tests.bench.figures import Figure, interleave, medians
from tests.bench.stage import Stage, register, staged, write_to_all
from tests.bench.stores import POSTGRES, SQLITE, opened_store

CONCURRENCY = 8
_GROUPS = {"tiny": 500, "echo": 150}
_BATCH_GROUPS, _BATCH = 1000, 10
_ECHO_SHARE = 0.6


class _Contest:
    """One kind of store and one agent: groups that have all answered once, so that only runs are measured."""

    def __init__(self, stack: ExitStack, home: Path, kind: str, agent: Agent, groups: int) -> None:
        self.groups = groups
        self._store = stack.enter_context(opened_store(kind, home))
        self._stage: Stage = stack.enter_context(staged(home, self._store, agent, CONCURRENCY))
        register(self._store, groups)
        self.answer(1)

    def answer(self, messages: int) -> float:
        """Messages answered a second when every group gets so many at once."""
        write_to_all(self._store, self.groups, messages)
        return self.groups * messages / self._stage.answer_all(self.groups)


def measure_run_rates(home: Path, rounds: int) -> Iterator[Figure]:
    """One text a run, eight runs at a time, every commit on disk."""
    agents = {"tiny": tiny_agent(home), "echo": echo_agent()}
    with ExitStack() as stack:
        contestants = {}
        for name, agent in agents.items():
            bare = BareStarts(agent, home)
            contestants[f"bare {name}"] = partial(bare.rate, _GROUPS[name], CONCURRENCY)
            for kind in (SQLITE, POSTGRES):
                contest = _Contest(stack, _made(home / f"{name}-{kind}"), kind, agent, _GROUPS[name])
                contestants[f"{name} {kind}"] = partial(contest.answer, 1)
        found = medians(interleave(rounds, contestants))
    for kind, floor in ((SQLITE, 250.0), (POSTGRES, 150.0)):
        name = f"runs, agent that costs nothing, {kind}"
        yield Figure(name, found[f"tiny {kind}"], "/s", floor, True, found["bare tiny"], "bare starts")
    for kind in (SQLITE, POSTGRES):
        bare_echo = found["bare echo"]
        floor = _ECHO_SHARE * bare_echo
        yield Figure(f"runs, echo, {kind}", found[f"echo {kind}"], "/s", floor, True, bare_echo, "bare starts")


def measure_batches(home: Path, rounds: int) -> Iterator[Figure]:
    """1,000 groups get ten messages each at once: a batch a run, echo."""
    agent = echo_agent()
    bare = BareStarts(agent, home)
    with ExitStack() as stack:
        contest = _Contest(stack, _made(home / "batches"), SQLITE, agent, _BATCH_GROUPS)
        contestants = {
            "bare": lambda: _BATCH * bare.rate(_GROUPS["echo"], CONCURRENCY),
            "ours": lambda: contest.answer(_BATCH),
        }
        found = medians(interleave(min(rounds, 2), contestants))
    name = "messages, 1,000 groups x 10 at once, SQLite"
    yield Figure(name, found["ours"], "/s", 600.0, True, found["bare"], "ten a bare start")


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder
