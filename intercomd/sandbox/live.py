"""A running sandbox: one thread that starts the process, feeds and reads it, and says how it ended.

Owns:      the process, its streams, the run's input directory, the run's log.
Never:     decides when to stop; waits for a stream that somebody outside of the sandbox keeps open.
Talks to:  the listener, from its thread only.

The thread that watches the process also starts it: the kernel's "die with your parent" means the parent *thread*.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from datetime import timedelta
from threading import Event, Lock, Thread
from typing import Protocol

from intercomd.clock import Clock
from intercomd.domain.frames import Frame
from intercomd.domain.ids import InputId
from intercomd.domain.runs import ProcessIdentity
from intercomd.errors import IntercomError, MailboxFull, SandboxError, SetupNeeded
from intercomd.logs import EventLog
from intercomd.sandbox import group_lock
from intercomd.sandbox.child import Child, Launch
from intercomd.sandbox.inputs import InputFiles, render_agent_input
from intercomd.sandbox.layout import sandbox_name
from intercomd.sandbox.port import SandboxListener, SandboxSpec
from intercomd.sandbox.removal import remove_folder
from intercomd.sandbox.run_log import RunSummary, write_run_log
from intercomd.sandbox.streams import Streams

ERROR_TAIL_BYTES = 2000
_START_SECONDS = 30.0
_LOCK_SECONDS = 5.0
_LAST_HELPERS_SECONDS = 2.0
"""How long an engine's own processes may take to tidy up after a sandbox."""
_END_PAUSE_SECONDS = 1.0
_SAY_PAUSE_SECONDS = 0.1
_SAY_SECONDS = 60.0
_START_ERRORS = (SandboxError, OSError, ValueError)
"""What a start may meet: a refusal, a limit of the system, a word that cannot be an argument."""
_log = EventLog("sandbox")


class Recipe(Protocol):
    """What differs between engines that run a sandbox as a process of ours."""

    name: str

    def prepare(self, spec: SandboxSpec, lock: int) -> Launch:
        """What to execute; `lock` is the descriptor of the group's lock. Raises `SandboxError`."""
        ...

    def read_exit(self, returncode: int) -> tuple[int | None, int | None]:
        """The agent's exit code and signal, one of them None."""
        ...

    def explain(self, returncode: int, error_tail: str) -> str:
        """The end of standard error, with what the engine knows about it."""
        ...


class LiveSandbox:
    """A `Sandbox`, started by its constructor: see `SandboxEngine.start`."""

    def __init__(self, recipe: Recipe, spec: SandboxSpec, listener: SandboxListener, clock: Clock) -> None:
        self._recipe = recipe
        self._spec = spec
        self._listener = listener
        self._clock = clock
        self._name = sandbox_name(spec.install, spec.folder, spec.run_id)
        self._guard = Lock()
        self._files = InputFiles(spec.input_dir)
        self._is_over = False
        self._gives_up = Event()
        self._takes_frames = True
        self._end_rest: Callable[[int], None] | None = None
        started: Future[Child] = Future()
        self._thread = Thread(target=self._main, args=(started,), name=f"sandbox {spec.run_id}", daemon=True)
        try:
            self._streams = Streams(self._deliver)
            self._begin()
            child = _await_start(started)
        except SetupNeeded:
            self._remove_input_dir()
            raise
        except (*_START_ERRORS, RuntimeError) as error:
            self._remove_input_dir()
            raise SandboxError(f"run {spec.run_id}: {error}") from error
        self.identity = ProcessIdentity(recipe.name, self._name, child.pid, child.start_ticks)

    def release(self, size_bytes: int) -> None:
        self._streams.release(size_bytes)

    def follow_up(self, input_id: InputId, text: str) -> None:
        with self._guard:
            if not self._is_over:
                try:
                    self._files.write_follow_up(input_id, text)
                except OSError as error:
                    raise SandboxError(f"run {self._spec.run_id}: cannot write a follow-up: {error}") from error

    def close_input(self) -> None:
        with self._guard:
            if not self._is_over:
                try:
                    self._files.write_sentinel()
                except OSError as error:
                    raise SandboxError(f"run {self._spec.run_id}: cannot write the close sentinel: {error}") from error

    def kill(self) -> None:
        self._child.kill()
        if self._is_over:
            self._gives_up.set()

    def wait(self, timeout: timedelta) -> bool:
        self._thread.join(timeout.total_seconds())
        return not self._thread.is_alive()

    def _begin(self) -> None:
        try:
            self._thread.start()
        except RuntimeError:
            self._streams.close()
            raise

    # -- the sandbox's own thread -------------------------------------------------------------------

    def _main(self, started: Future[Child]) -> None:
        started_at, began = self._clock.now(), self._clock.monotonic()
        try:
            child = self._start()
        except _START_ERRORS as error:
            self._streams.close()
            if started.set_running_or_notify_cancel():
                started.set_exception(error)
            return
        self._child = child
        is_awaited = started.set_running_or_notify_cancel()
        if is_awaited:
            started.set_result(child)
        else:
            child.kill()
        exit_code, signal, returncode = None, None, 0
        try:
            returncode = self._run(child)
            exit_code, signal = self._recipe.read_exit(returncode)
        finally:
            duration = timedelta(seconds=self._clock.monotonic() - began)
            self._let_go(child)
            stdout, stderr = self._streams.stdout, self._streams.stderr
            summary = RunSummary(
                started_at, duration, exit_code, signal, self._streams.frame_count, stdout=stdout, stderr=stderr
            )
            self._write_log(summary)
            if is_awaited:
                self._say_ended(summary, self._recipe.explain(returncode, stderr.text(ERROR_TAIL_BYTES)))

    def _start(self) -> Child:
        lock = group_lock.acquire(self._spec.lock_path, self._spec.run_id)
        try:
            launch = self._recipe.prepare(self._spec, lock)
            child = _spawn(launch, lock)
        except BaseException:
            group_lock.give_back(lock)
            raise
        os.close(lock)
        self._end_rest = launch.end_rest
        return child

    def _run(self, child: Child) -> int:
        """From start to end; the return code. Nothing of the sandbox is alive when it returns."""
        try:
            self._streams.pump(child, render_agent_input(self._spec.agent_input))
        finally:
            child.kill()
            returncode = child.reap()
            self._wait_for_rest(returncode)
            self._wait_for_lock()
        self._streams.drain(child)
        return returncode

    def _wait_for_rest(self, returncode: int) -> None:
        """However long the engine is silent: an end that is told is an end."""
        pause, has_complained = Event(), False
        while self._end_rest is not None:
            try:
                self._end_rest(returncode)
                return
            except SandboxError as error:
                if not has_complained:
                    _log.error("sandbox.not_ended", run_id=self._spec.run_id, sandbox=self._name, error=error)
                has_complained = True
            pause.wait(_END_PAUSE_SECONDS)

    def _wait_for_lock(self) -> None:
        run_id, lock_path = self._spec.run_id, self._spec.lock_path
        try:
            patience = group_lock.PATIENCE_SECONDS if self._end_rest is None else _LAST_HELPERS_SECONDS
            is_free = group_lock.wait_until_free(lock_path, _LOCK_SECONDS, run_id, patience=patience)
        except (SandboxError, OSError) as error:
            _log.error("sandbox.lock_unknown", run_id=run_id, lock=lock_path, error=error)
        else:
            if not is_free:
                _log.error("sandbox.lock_held", run_id=run_id, lock=lock_path)

    def _deliver(self, number: int, frame: Frame, size_bytes: int) -> None:
        if not self._takes_frames:
            return
        try:
            self._listener.frame(number, frame, size_bytes)
        except IntercomError as error:
            _log.error("sandbox.listener_refused", run_id=self._spec.run_id, frame=number, error=error)
            self._takes_frames = False
            self._child.kill()

    def _let_go(self, child: Child) -> None:
        with self._guard:
            self._is_over = True
        child.close()
        self._streams.close()
        self._remove_input_dir()

    def _say_ended(self, summary: RunSummary, error_tail: str) -> None:
        """Until it is heard: a full mailbox is asked again. Not for ever, nor once whoever listens gives up by `kill`,
        who then learns of the end through `wait`."""
        deadline = self._clock.monotonic() + _SAY_SECONDS
        while True:
            try:
                self._listener.ended(summary.exit_code, summary.signal, error_tail)
                return
            except MailboxFull as error:
                refusal: IntercomError = error
                is_last = self._clock.monotonic() > deadline or self._gives_up.wait(_SAY_PAUSE_SECONDS)
            except IntercomError as error:
                refusal, is_last = error, True
            if is_last:
                _log.error("sandbox.listener_refused", run_id=self._spec.run_id, error=refusal)
                return

    def _write_log(self, summary: RunSummary) -> None:
        try:
            write_run_log(self._spec, self._name, summary)
        except OSError as error:
            _log.warning("sandbox.log_not_written", run_id=self._spec.run_id, path=self._spec.log_path, error=error)

    def _remove_input_dir(self) -> None:
        try:
            remove_folder(self._spec.input_dir)
        except OSError as error:
            _log.warning("sandbox.input_dir_left", run_id=self._spec.run_id, path=self._spec.input_dir, error=error)


def _spawn(launch: Launch, lock: int) -> Child:
    """The process; one that was started and could not be watched leaves nothing either."""
    try:
        return Child(launch, lock)
    except SandboxError:
        if launch.end_rest is not None:
            launch.end_rest(-signal.SIGKILL)
        raise


def _await_start(started: Future[Child]) -> Child:
    """The child once it runs. Past the deadline the thread is told to end what it may still start."""
    try:
        return started.result(_START_SECONDS)
    except FutureTimeoutError as error:
        if started.cancel():
            raise SandboxError(f"the process did not start within {_START_SECONDS:g} s") from error
        return started.result(_START_SECONDS)
