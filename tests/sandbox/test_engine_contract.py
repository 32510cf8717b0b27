"""What every sandbox engine promises about streams, ends and files. The lock has its own file."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from intercomd.domain.frames import Noise
from intercomd.domain.ids import InputId
from intercomd.errors import ActorUnavailable, MailboxFull, SandboxError
from intercomd.sandbox.port import SandboxEngine
from intercomd.sandbox.streams import DRAIN_LIMIT_FRAMES, LEAST_FRAME_BYTES, UNRELEASED_LIMIT_BYTES
from tests.sandbox.harness import DEADLINE, INSTALL, Bench, Recorder
from tests.support.waiting import logged_events, wait_for

MEGABYTE = 1_000_000


def test_agent_gets_its_input_object_and_the_end_of_the_stream(bench: Bench) -> None:
    """Standard input is one JSON object with the names of original.md §9.2, then nothing."""
    _, recorder = bench.run("say(sys.stdin.read())", prompt="grüße 🙂")
    assert json.loads(recorder.results[0]) == {
        "prompt": "grüße 🙂",
        "groupFolder": "kitchen",
        "chatJid": "local:kitchen",
        "isMain": False,
        "assistantName": "Andy",
        "secrets": {},
        "inputId": "input-0",
    }


def test_streams_carry_50_megabytes_each_way(bench: Bench) -> None:
    """Neither side waits for the other to finish: the agent answers while it still reads."""
    code = """
total = 0
while chunk := os.read(0, 1_000_000):
    total += len(chunk)
    put(b"n" * len(chunk))
put(b"e" * 50_000_000, to=2)
for _ in range(50):
    say("r" * 1_000_000)
say(total)
"""
    ended, recorder = bench.run(code, prompt="p" * 50 * MEGABYTE)
    assert ended.exit_code == 0
    assert [len(result) for result in recorder.results[:-1]] == [MEGABYTE] * 50
    assert int(recorder.results[-1]) > 50 * MEGABYTE


@pytest.mark.parametrize("code", [0, 1, 42, 255])
def test_exit_code_is_reported(bench: Bench, code: int) -> None:
    """The listener learns with what code the agent ended."""
    ended, _ = bench.run(f"sys.exit({code})")
    assert (ended.exit_code, ended.signal) == (code, None)


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGTERM, signal.SIGKILL])
def test_signal_is_reported(bench: Bench, number: signal.Signals) -> None:
    """An agent that a signal ended has no exit code."""
    ended, _ = bench.run(f"os.kill(os.getpid(), {number.value})")
    assert (ended.exit_code, ended.signal) == (None, number)


def test_ended_is_the_last_call_and_the_only_one_of_its_kind(bench: Bench) -> None:
    """Frames come in order, numbered from 1; then `ended`, once."""
    _, recorder = bench.run("for n in range(200): say(n)")
    assert recorder.calls == [*(f"frame {number}" for number in range(1, 201)), "ended"]
    assert recorder.results == [str(number) for number in range(200)]


def test_frames_survive_a_busy_error_stream(bench: Bench) -> None:
    """A line on stderr between marker and JSON loses nothing (B-57)."""
    code = """
for n in range(60):
    put("---INTERCOM_OUTPUT_START---")
    put("thinking\\n", to=2)
    put(json.dumps({"status": "success", "result": n}) + "---INTERCOM_OUTPUT_END---")
"""
    _, recorder = bench.run(code)
    assert recorder.results == [str(number) for number in range(60)]


def test_reader_does_not_spin_when_the_error_stream_ends_early(bench: Bench) -> None:
    """A closed stderr costs no processor time while stdout stays open (B-58)."""
    _, recorder = bench.start(bench.spec("os.close(2); say('closed'); time.sleep(0.2); say('done')"))
    recorder.wait_for_result("closed")
    before = time.process_time()
    recorder.wait_until_ended()
    assert time.process_time() - before < 0.1


def test_reading_goes_on_after_invalid_utf8(bench: Bench) -> None:
    """Bytes that are no text do not end the reading (B-62)."""
    _, recorder = bench.run(r"put(b'\xff\xfe\n\xc3'); say('after')")
    assert recorder.results == ["after"]


def test_half_a_frame_at_the_end_is_reported(bench: Bench) -> None:
    """What the agent left unfinished is a frame that says so."""
    _, recorder = bench.run("say('whole'); put('---INTERCOM_OUTPUT_START---{')")
    assert isinstance(recorder.frames.values[-1], Noise)


def test_error_tail_is_cut_between_characters(bench: Bench) -> None:
    """The end of stderr is text, bounded, and has no broken character (B-59)."""
    ended, _ = bench.run("put('x' + '€' * 5000, to=2); sys.exit(1)")
    assert set(ended.error_tail) == {"€"}
    assert 1900 < len(ended.error_tail.encode()) <= 2000


def test_input_that_is_never_read_does_not_hold_up_the_end(bench: Bench) -> None:
    """An agent may exit, or be killed, with its input unread (B-61)."""
    ended, _ = bench.run("sys.exit(0)", prompt="p" * MEGABYTE)
    assert ended.exit_code == 0
    sandbox, recorder = bench.start(bench.spec("say('up'); hang()", prompt="p" * MEGABYTE))
    recorder.wait_for_result("up")
    sandbox.kill()
    assert recorder.wait_until_ended().signal == signal.SIGKILL


def test_kill_ends_every_descendant(bench: Bench) -> None:
    """Children of the agent die with it, also in a session of their own: what they held is free when `ended` comes
    (hazard B-69)."""
    sandbox, recorder = bench.start(bench.spec(_HOLDING_CHILDREN + "say('up'); hang()"))
    recorder.wait_for_result("up")
    sandbox.kill()
    assert recorder.wait_until_ended().signal == signal.SIGKILL
    _assert_free(bench.group_file("first"))
    _assert_free(bench.group_file("second"))


def test_end_does_not_wait_for_descendants(bench: Bench) -> None:
    """A child that holds the streams open dies with the agent, whose last words are still heard."""
    ended, recorder = bench.run(_HOLDING_CHILDREN + "say('bye'); sys.exit(5)")
    assert (ended.exit_code, recorder.results) == (5, ["bye"])
    _assert_free(bench.group_file("first"))
    _assert_free(bench.group_file("second"))


def test_follow_ups_arrive_whole_and_in_order(bench: Bench) -> None:
    """Fifty follow-ups are answered in the order they were handed over, each under its id; then the agent ends."""
    sandbox, recorder = bench.start(bench.agent_spec("first"))
    for number in range(50):
        sandbox.follow_up(InputId(f"input-{number + 1}"), f"text {number} 🙂")
    sandbox.close_input()
    sandbox.close_input()
    ended = recorder.wait_until_ended()
    assert (ended.exit_code, ended.signal) == (0, None)
    assert recorder.results == ["first", *(f"text {number} 🙂" for number in range(50))]


@pytest.mark.parametrize(("frames", "size", "ahead"), [(320, 100_000, 9), (5000, 1, 1000)])
def test_reader_waits_until_frames_are_released(bench: Bench, frames: int, size: int, ahead: int) -> None:
    """At most 1 MiB of frames, or a thousand of them, and what one read brings and the agent leaves in its pipe, is
    ahead of a listener that is slower than the agent; every frame arrives in the end."""
    recorder = Recorder(holds_frames=True)
    bench.start(bench.spec(f"for n in range({frames}): say('r' * {size})"), recorder)
    for count in range(1, frames + 1):
        sizes = recorder.sizes.wait_for_count(count)
        if count > ahead:
            recorder.release(sizes[count - ahead - 1])
    recorder.wait_until_ended()
    assert len(recorder.results) == frames
    assert min(recorder.sizes.values) >= LEAST_FRAME_BYTES
    assert recorder.most_unreleased_bytes <= 3 * UNRELEASED_LIMIT_BYTES


def test_frames_left_at_the_end_are_bounded(direct_bench: Bench) -> None:
    """An agent that makes its pipe as large as it can, fills it with small frames and exits, does not flood a listener
    that stands still: what is left out is counted, and `ended` is told (B-70). A client in between does not exit
    before its output is taken."""
    code = """
import fcntl, select
F_SETPIPE_SZ = 1031
fcntl.fcntl(1, F_SETPIPE_SZ, 1 << 20)
os.set_blocking(1, False)
frames = b'---INTERCOM_OUTPUT_START---{"status":"success"}---INTERCOM_OUTPUT_END---' * 1000
written = 0
while select.select([], [1], [], 0.3)[1]:
    written += os.write(1, frames[written % 72 :])
"""
    recorder = Recorder(holds_frames=True)
    direct_bench.start(direct_bench.spec(code), recorder)
    assert recorder.wait_until_ended().exit_code == 0
    frames = recorder.frames.values
    ahead = UNRELEASED_LIMIT_BYTES // LEAST_FRAME_BYTES + 1000
    assert DRAIN_LIMIT_FRAMES < len(frames) <= ahead + DRAIN_LIMIT_FRAMES
    assert isinstance(frames[-1], Noise) and "more frames" in frames[-1].reason


def test_stretch_of_noise_is_one_frame(bench: Bench) -> None:
    """Blocks that are no frames come together, one for each read, and do not hide the frame after them."""
    _, recorder = bench.run("put('---INTERCOM_OUTPUT_START------INTERCOM_OUTPUT_END---' * 5000); say('after')")
    assert recorder.results == ["after"] and len(recorder.frames.values) < 500


def test_end_is_said_again_to_a_listener_that_has_no_room(bench: Bench) -> None:
    """A full mailbox delays `ended` and does not lose it."""

    class Full(Recorder):
        def ended(self, exit_code: int | None, signal: int | None, error_tail: str) -> None:
            self.calls.append("asked")
            if len(self.calls) < 3:
                raise MailboxFull("as many items as it may hold")
            super().ended(exit_code, signal, error_tail)

    recorder = Full()
    bench.start(bench.spec("sys.exit(3)"), recorder)
    assert recorder.wait_until_ended().exit_code == 3
    assert recorder.calls == ["asked", "asked", "asked", "ended"]


def test_end_is_not_said_for_ever(bench: Bench) -> None:
    """Who never has room ends the saying by `kill`, and knows by `wait` that the sandbox is gone."""
    refused = threading.Event()

    class AlwaysFull(Recorder):
        def ended(self, exit_code: int | None, signal: int | None, error_tail: str) -> None:
            refused.set()
            raise MailboxFull("as many items as it may hold")

    sandbox, _ = bench.start(bench.spec("sys.exit(0)"), AlwaysFull())
    wait_for(refused, "the refusal of `ended`")
    sandbox.kill()
    assert sandbox.wait(DEADLINE)


def test_sandbox_may_be_called_after_its_end(bench: Bench) -> None:
    """Late calls of any kind change nothing and fail not (hazard B-25)."""
    sandbox, recorder = bench.start(bench.spec("say('x')"))
    recorder.wait_until_ended()
    sandbox.follow_up(InputId("late"), "text")
    sandbox.close_input()
    sandbox.release(1)
    sandbox.kill()
    assert recorder.calls == ["frame 1", "ended"]


def test_run_directory_is_gone_and_the_log_is_there_at_the_end(bench: Bench) -> None:
    """A failed run leaves its log, with both streams, for its owner only, and nothing else (B-70)."""
    spec = bench.spec("put('to the log', to=2); say('words'); sys.exit(7)")
    _, recorder = bench.start(spec)
    recorder.wait_until_ended()
    log = spec.log_path.read_text()
    assert "Exit Code: 7" in log and "to the log" in log and "words" in log
    assert spec.log_path.stat().st_mode & 0o777 == 0o600
    assert not spec.input_dir.exists()


def test_log_that_cannot_be_written_holds_nothing_up(bench: Bench) -> None:
    """A disk that is full or read-only costs the run's log, not its end."""
    spec = bench.spec("say('words'); sys.exit(7)")
    spec.log_path.parent.rmdir()
    with logged_events() as log:
        _, recorder = bench.start(spec)
        assert recorder.wait_until_ended().exit_code == 7
        log.wait_for_event("sandbox.log_not_written", run_id=spec.run_id)


def test_follow_up_that_cannot_be_written_is_an_error(bench: Bench) -> None:
    """Whoever hands a text over learns that it did not arrive."""
    spec = bench.spec("say('up'); hang()")
    sandbox, recorder = bench.start(spec)
    recorder.wait_for_result("up")
    spec.input_dir.rmdir()
    with pytest.raises(SandboxError, match="cannot write a follow-up"):
        sandbox.follow_up(InputId("late"), "text")
    spec.input_dir.mkdir()


def test_listener_that_refuses_a_frame_ends_the_sandbox(bench: Bench) -> None:
    """When nobody takes the frames any more the agent is killed, and `ended` still comes."""

    class Refusing(Recorder):
        def frame(self, number: int, frame: object, size_bytes: int) -> None:
            self.calls.append("refused")
            raise ActorUnavailable("the run is gone")

    recorder = Refusing()
    bench.start(bench.spec("say(1); say(2); hang()"), recorder)
    assert recorder.wait_until_ended().signal == signal.SIGKILL
    assert recorder.calls == ["refused", "ended"]


def test_failed_start_leaves_nothing(engine: SandboxEngine, bench: Bench) -> None:
    """A start that cannot work raises, never calls the listener, and frees lock and directory."""
    spec = bench.spec("say(1)")
    recorder = Recorder()
    with pytest.raises(SandboxError, match=str(spec.run_id)):
        engine.start(replace(spec, lock_path=bench.root / "missing" / "x.lock"), recorder)
    assert recorder.calls == [] and not spec.input_dir.exists()


def test_command_that_cannot_be_an_argument_is_a_failed_start(bench: Bench) -> None:
    """A zero byte in the command is refused at once, and the group is free for the next start."""
    with pytest.raises(SandboxError, match="null byte"):
        bench.start(replace(bench.spec(""), command=("a\0b",)))
    assert bench.run("sys.exit(0)")[0].exit_code == 0


def test_sandbox_has_a_name_and_an_identity(engine: SandboxEngine, bench: Bench) -> None:
    """The identity finds the process again: engine, deterministic name, pid and start time."""
    spec = bench.spec("say('up'); hang()")
    sandbox, recorder = bench.start(spec)
    recorder.wait_for_result("up")
    assert (sandbox.identity.engine, sandbox.identity.name) == (engine.name, f"intercom-{INSTALL}-kitchen-run-1")
    stat = Path(f"/proc/{sandbox.identity.pid}/stat").read_text()
    assert int(stat.rpartition(")")[2].split()[19]) == sandbox.identity.start_ticks


_HOLDING_CHILDREN = """
import fcntl
def hold(name, in_own_session):
    ready, report = os.pipe()
    if os.fork() == 0:
        if in_own_session:
            os.setsid()
        fcntl.flock(os.open(group + "/" + name, os.O_CREAT | os.O_RDWR), fcntl.LOCK_EX)
        os.write(report, b"x")
        hang()
    os.read(ready, 1)
hold("first", False)
hold("second", True)
"""


def _assert_free(path: Path) -> None:
    """Nobody holds the file's lock."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        os.close(descriptor)
