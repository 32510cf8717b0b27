"""Agents that fail in every way: each request still has one visible outcome."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import pytest

from intercomd.domain.endings import CUT_OFF_NOTICE
from tests.support.daemon import DaemonProcess, Settings, wait_until_gone

pytestmark = pytest.mark.full

FIRST_WAIT_SECONDS = 5


@pytest.fixture(scope="module")
def settings() -> Settings:
    """Agents may be silent for a second."""
    return {"sandbox": {"engine": "process", "run_timeout_ms": 1_000}}


def test_run_is_tried_again_when_the_agent_exits_1(daemon: DaemonProcess) -> None:
    """A failed try is stored with the time of the next one (hazards B-20, B-23)."""
    daemon.client.say("exits", "!exit 1")
    ended = daemon.wait_for_log("run.ended", folder="exits")
    assert (ended.fields["outcome"], ended.fields["ending"]) == ("failed", "retry")
    (run,) = daemon.client.runs("exits")
    assert run["outcome"] == "failed"
    assert "code 1" in run["error"]
    assert_waits_for_second_try(daemon, "exits", run["ended_at"])


def test_new_message_during_the_wait_is_answered_at_once(daemon: DaemonProcess) -> None:
    """People need not wait for a backoff: the next request runs both (hazard B-20)."""
    daemon.client.say("impatient", "!exit 1")
    daemon.wait_for_log("run.ended", folder="impatient", ending="retry")
    assert daemon.client.ask("impatient", "and now?") == "and now?"
    progress = daemon.client.get("/v1/groups/impatient")
    assert (progress["has_pending"], progress["attempts"], progress["not_before"]) == (False, 0, None)


def test_error_report_is_a_failure(daemon: DaemonProcess) -> None:
    """An error frame fails the run and its reason is kept (hazard B-63)."""
    daemon.client.say("reports", "!fail the model is away")
    daemon.wait_for_log("run.ended", folder="reports", outcome="failed", ending="retry")
    (run,) = daemon.client.runs("reports")
    assert "the model is away" in run["error"]


def test_half_a_frame_and_exit_0_is_a_failure(daemon: DaemonProcess) -> None:
    """An agent that ends without an answer failed, whatever its exit code (hazard B-60)."""
    daemon.client.say("half", "!half")
    daemon.wait_for_log("run.ended", folder="half", outcome="failed", ending="retry")
    assert daemon.client.replies("half") == []


def test_agent_that_never_answers_times_out(daemon: DaemonProcess) -> None:
    """A hang is a failed try, not a success: what it announced at its start is no answer (hazards B-60, B-61)."""
    daemon.client.say("hangs", "!hang")
    started = daemon.wait_for_log("run.started", folder="hangs")
    daemon.wait_for_log("run.ended", folder="hangs", outcome="timed_out", ending="retry")
    wait_until_gone([int(str(started.fields["pid"]))])
    (run,) = daemon.client.runs("hangs")
    assert_waits_for_second_try(daemon, "hangs", run["ended_at"])


@pytest.mark.parametrize(
    ("chat", "noise"),
    [
        ("garbage", "!garbage"),
        ("bytes", "!invalid-utf8"),
        ("chatty", "!stderr 300000"),
        ("flood", "!big 100"),
    ],
)
def test_reply_survives_noise(daemon: DaemonProcess, chat: str, noise: str) -> None:
    """Whatever surrounds the frames, none is lost (hazards B-57, B-59, B-62, B-64)."""
    assert daemon.client.ask(chat, f"{noise} still here") == "still here"


def test_forked_process_ends_with_its_run(daemon: DaemonProcess) -> None:
    """A child that the agent leaves behind holds neither the run nor a lock, and is gone after it."""
    assert daemon.client.ask("forks", "!fork parent") == "parent"
    forked = daemon.agents("forks")
    assert len(forked) == 2
    assert daemon.client.ask("forks", "/stop") == "Stopped."
    wait_until_gone(forked)
    assert daemon.client.ask("forks", "again") == "again"


def test_last_failed_try_ends_with_one_notice_and_retry_begins_anew(daemon: DaemonProcess) -> None:
    """After the last try people are told once, nothing is pending, and /retry runs the request again with a new
    count of tries (hazards B-20, B-123)."""
    daemon.client.say("hopeless", "!exit 1")
    daemon.wait_for_log("run.ended", folder="hopeless", ending="retry")
    skip_to_last_try(daemon, "hopeless")
    daemon.wait_for_log("run.ended", folder="hopeless", ending="gave_up")
    (notice,) = daemon.client.wait_for_replies("hopeless", 1)
    assert "/retry" in notice
    assert not daemon.client.get("/v1/groups/hopeless")["has_pending"]
    assert "again" in daemon.client.ask("hopeless", "/retry")
    daemon.wait_for_log("run.ended", folder="hopeless", ending="retry", count=2)
    assert daemon.client.get("/v1/groups/hopeless")["attempts"] == 1


def test_request_with_effects_is_not_run_twice(daemon: DaemonProcess) -> None:
    """An agent that replied and then failed is not tried again: people read that the reply may be incomplete, and
    are not sent to /retry, which has nothing to run (hazards B-12, B-114)."""
    daemon.client.say("crashes", "!crash-after done")
    assert daemon.client.wait_for_replies("crashes", 2) == ["done", CUT_OFF_NOTICE]
    daemon.wait_for_log("run.ended", folder="crashes", outcome="failed", ending="done")
    assert not daemon.client.get("/v1/groups/crashes")["has_pending"]


def test_silence_is_declared(daemon: DaemonProcess) -> None:
    """An end of turn without a text settles the request: nothing is sent, nothing tried again."""
    daemon.client.say("silent", "!silent")
    daemon.wait_for_log("run.idle", folder="silent")
    assert not daemon.client.get("/v1/groups/silent")["has_pending"]
    assert daemon.client.ask("silent", "now speak") == "now speak"
    assert daemon.client.replies("silent") == ["now speak"]


def assert_waits_for_second_try(daemon: DaemonProcess, folder: str, ended_at: str) -> None:
    progress = daemon.client.get(f"/v1/groups/{folder}")
    assert (progress["has_pending"], progress["attempts"]) == (True, 1)
    waits = instant(progress["not_before"]) - instant(ended_at)
    assert waits.total_seconds() == pytest.approx(FIRST_WAIT_SECONDS, abs=0.5)


def skip_to_last_try(daemon: DaemonProcess, folder: str) -> None:
    """As if all tries but the last had failed and the last were due: their waits add up to minutes."""
    with closing(sqlite3.connect(daemon.data_dir / "intercom.db")) as connection:
        connection.execute("UPDATE groups SET attempts = 5, not_before = 0 WHERE folder = ?", (folder,))
        connection.commit()


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
