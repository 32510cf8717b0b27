"""The command line against a running API, with somebody in the place of the agent."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from intercomd.cli.main import main
from intercomd.clock import SystemClock
from intercomd.domain.ids import Folder, InputId, RunId
from intercomd.domain.leases import DISPATCH, Fence, Holder, delivery_duty
from intercomd.domain.mailbox import TextsRecorded
from intercomd.store.ports import FrameWrite, InputLimits
from tests.api.conftest import Api, api, store, threads
from tests.support.waiting import join

__all__ = ["api", "store", "threads"]


class Assistant:
    """Opens a run for what is pending, answers it, and delivers; the store's rows are the real ones."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._clock = SystemClock()
        self._numbers = itertools.count(1)
        self._helpers: list[threading.Thread] = []
        holder = Holder("boot", 1, 1)
        self._fences = {}
        for duty in (DISPATCH, delivery_duty("local")):
            epoch = api.store.leases.take(duty, None, holder)
            assert epoch is not None
            self._fences[duty] = Fence(duty, epoch)

    def answer(self, folder: str, *replies: str, notice: str | None = None) -> None:
        """One run from prompt to delivered replies."""
        store, now = self._api.store, self._clock.now()
        number = next(self._numbers)
        input_id = InputId(f"i-{number}")
        run = store.runs.open_run(
            self._fences[DISPATCH], Folder(folder), RunId(f"r-{number}"), input_id, InputLimits(), now
        )
        assert run is not None
        write = FrameWrite(run.run_id, 1, run.generation, replies=replies, settles=(input_id,))
        store.runs.record_frame(replace(write, notice=notice), now)
        while rows := store.outbox.claim(self._fences[delivery_duty("local")], "local", now, 10):
            store.outbox.record_sent([(row.outbox_id, (row.outbox_id,)) for row in rows], now)
        self._api.tell_sender(TextsRecorded((run.group.jid,)))

    def answer_next(self, *replies: str, notice: str | None = None) -> None:
        """Answer the next request of the chat `main`, whenever it comes."""

        def work() -> None:
            self._api.message_loop.wait_for_count(1)
            self.answer("main", *replies, notice=notice)

        self._helpers.append(threading.Thread(target=work, daemon=True))
        self._helpers[-1].start()

    def close(self) -> None:
        for helper in self._helpers:
            join(helper)


@pytest.fixture
def assistant(api: Api) -> Iterator[Assistant]:
    made = Assistant(api)
    yield made
    made.close()


@pytest.fixture
def intercomd(api: Api) -> Callable[..., int]:
    """Runs a command against the API."""

    def run(*words: str) -> int:
        return main([*words, "--url", api.server.url])

    return run
