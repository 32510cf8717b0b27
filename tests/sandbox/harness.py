"""Runs agents that are written in a few lines, in any engine, and records what their listener is told."""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from intercomd.clock import SystemClock
from intercomd.domain.frames import Frame, Result
from intercomd.domain.ids import ChatJid, Folder, InputId, RunId
from intercomd.sandbox.choice import make_engines
from intercomd.sandbox.layout import Layout
from intercomd.sandbox.port import AgentInput, Sandbox, SandboxEngine, SandboxSpec
from tests.support.containers import container_settings
from tests.support.waiting import DEADLINE_SECONDS, Probe, wait_for

FOLDER = Folder("kitchen")
INSTALL = f"test{os.getpid()}"
"""Other tests may run on the same machine, with containers of their own."""
DEADLINE = timedelta(seconds=DEADLINE_SECONDS)

PRELUDE = r"""
import json, os, signal, sys, time
group, inbox = os.environ["INTERCOM_GROUP_DIR"], os.environ["INTERCOM_INPUT_DIR"]
def put(text, to=1):
    data = text if isinstance(text, bytes) else text.encode()
    while data:
        data = data[os.write(to, data):]
def say(result):
    frame = json.dumps({"status": "success", "result": result}).replace("---INTERCOM", "\\u002d--INTERCOM")
    put("---INTERCOM_OUTPUT_START---" + frame + "---INTERCOM_OUTPUT_END---")
def hang():
    while True:
        time.sleep(3600)
"""


@dataclass(frozen=True)
class Ended:
    exit_code: int | None
    signal: int | None
    error_tail: str


class Recorder:
    """A listener. Frames are released as they come, unless it `holds_frames`."""

    def __init__(self, *, holds_frames: bool = False) -> None:
        self.frames: Probe[Frame] = Probe()
        self.sizes: Probe[int] = Probe()
        self.calls: list[str] = []
        self.outcome: Ended | None = None
        self.most_unreleased_bytes = 0
        self._holds_frames = holds_frames
        self._guard = threading.Lock()
        self._unreleased_bytes = 0
        self._sandbox: Sandbox | None = None
        self._has_ended = threading.Event()

    def frame(self, number: int, frame: Frame, size_bytes: int) -> None:
        self.calls.append(f"frame {number}")
        with self._guard:
            self._unreleased_bytes += size_bytes
            self.most_unreleased_bytes = max(self.most_unreleased_bytes, self._unreleased_bytes)
        if not self._holds_frames:
            self.release(size_bytes)
        self.frames.record(frame)
        self.sizes.record(size_bytes)

    def ended(self, exit_code: int | None, signal: int | None, error_tail: str) -> None:
        self.calls.append("ended")
        self.outcome = Ended(exit_code, signal, error_tail)
        self._has_ended.set()

    def attach(self, sandbox: Sandbox) -> None:
        """Frames that came before `start` returned are released now."""
        with self._guard:
            self._sandbox = sandbox
            early = 0 if self._holds_frames else self._unreleased_bytes
        self.release(early)

    def release(self, size_bytes: int) -> None:
        with self._guard:
            if self._sandbox is None:
                return
            self._unreleased_bytes -= size_bytes
            self._sandbox.release(size_bytes)

    @property
    def results(self) -> list[str]:
        """The texts of the results so far."""
        return [frame.text for frame in self.frames.values if isinstance(frame, Result)]

    def wait_for_result(self, text: str) -> None:
        self.frames.wait_for(lambda frame: isinstance(frame, Result) and frame.text == text, f"the result {text!r}")

    def wait_until_ended(self) -> Ended:
        wait_for(self._has_ended, "the end of the sandbox")
        assert self.outcome is not None
        return self.outcome


def make_engine(name: str, install: str, environment: Mapping[str, str]) -> SandboxEngine:
    """The engine as the product makes it."""
    engines = make_engines(container_settings(install, environment), SystemClock())
    return next(engine for engine in engines if engine.name == name)


class Bench:
    """An engine in an install of its own; ends whatever a test started in it."""

    def __init__(self, engine: SandboxEngine, root: Path, install: str = INSTALL) -> None:
        self.engine = engine
        self.root = root
        self.layout = Layout(root / "data", root / "groups", install)
        self._started: list[Sandbox] = []
        self._count = 0

    def spec(self, code: str, prompt: str = "hello", *, is_main: bool = False) -> SandboxSpec:
        """A run of `code`, with `PRELUDE` before it."""
        return replace(
            self.agent_spec(prompt, is_main=is_main),
            command=(self.engine.python, "-I", "-S", "-B", "-c", PRELUDE + code),
        )

    def agent_spec(self, prompt: str, *, is_main: bool = False) -> SandboxSpec:
        """A run of the agent program."""
        self._count += 1
        agent_input = AgentInput(
            prompt=prompt,
            session_id=None,
            folder=FOLDER,
            chat_jid=ChatJid("local:kitchen"),
            is_main=is_main,
            assistant_name="Andy",
            model=None,
            input_id=InputId("input-0"),
        )
        run_id = RunId(f"run-{self._count}")
        return self.layout.prepare_run(self.engine, run_id, agent_input, "UTC", datetime.now(UTC))

    def start(self, spec: SandboxSpec, recorder: Recorder | None = None) -> tuple[Sandbox, Recorder]:
        """Start it; frames are released as they come unless `recorder` says otherwise."""
        recorder = recorder or Recorder()
        sandbox = self.engine.start(spec, recorder)
        self._started.append(sandbox)
        recorder.attach(sandbox)
        return sandbox, recorder

    def run(self, code: str, prompt: str = "hello") -> tuple[Ended, Recorder]:
        """Start it and wait for its end."""
        _, recorder = self.start(self.spec(code, prompt))
        return recorder.wait_until_ended(), recorder

    def group_file(self, name: str) -> Path:
        return self.root / "groups" / FOLDER / name

    def close(self) -> None:
        for sandbox in self._started:
            sandbox.kill()
        assert all(sandbox.wait(DEADLINE) for sandbox in self._started)


def assert_dies(pid: int) -> None:
    """The process is gone, or goes within the deadline: it was killed, and the kernel needs a moment."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([descriptor], [], [], DEADLINE_SECONDS)[0], f"process {pid} lives"
    finally:
        os.close(descriptor)


@contextmanager
def open_bench(engine: SandboxEngine, root: Path) -> Iterator[Bench]:
    bench = Bench(engine, root)
    try:
        yield bench
    finally:
        bench.close()
