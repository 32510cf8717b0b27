"""What people read when there is no answer."""

from __future__ import annotations

import pytest

from intercomd.agent.complaints import complain, took_too_long
from intercomd.agent.events import Failed


@pytest.mark.parametrize(
    ("failed", "words", "is_final"),
    [
        (Failed("API Error: 401 bad key", 401), "Anthropic refused the credential (401)", True),
        (Failed("API Error: 403", 403), "refused the credential (403)", True),
        (Failed("no such model", 404), "does not know the model m-1. Choose another with /model.", True),
        (Failed("slow down", 429), "takes no more requests for now", False),
        (Failed("oops", 529), "has a fault of its own (529)", False),
        (Failed("it\n broke"), "claude stopped: it broke", False),
    ],
)
def test_failure_is_put_in_words_and_told_whether_it_will_pass(failed: Failed, words: str, is_final: bool) -> None:
    """Who it was, what it was, what to do; only what passes by itself is tried again (B-63)."""
    complaint = complain("claude", failed, "m-1")
    assert words in complaint.notice
    assert (complaint.error, complaint.is_final) == (failed.error, is_final)


@pytest.mark.parametrize(
    "error",
    [
        "Failed to authenticate. API Error: 401 intercomd: there is no credential; set X",
        "unexpected status 401 Unauthorized: intercomd: there is no credential; set X, url: http://127.0.0.1:1/v1",
        '[API Error: {"error":{"code":401,"message":"intercomd: there is no credential; set X","status":"?"}}]',
        '[API Error: {"error":{"message": "intercomd: there is no credential; set X"}}]',
        "API Error: 502 intercomd: there is no credential; set X. This is a server-side issue, usually temporary"
        " — try again",
    ],
)
def test_words_of_the_model_gateway_reach_people_as_they_are(error: str) -> None:
    """However a program wraps them up: they say exactly what to do."""
    assert complain("codex", Failed(error, 401), None).notice == "there is no credential; set X"


def test_long_error_is_cut() -> None:
    """A notice stays short."""
    assert len(complain("gemini", Failed("x" * 5000), None).notice) < 350


def test_silence_is_told_with_what_the_program_said_last() -> None:
    """The operator sees the reason, people see that it took too long."""
    complaint = took_too_long("codex", 270.0, "Reconnecting...")
    assert complaint.notice == "codex had nothing from OpenAI for 270 s."
    assert complaint.error.endswith(": Reconnecting...") and not complaint.is_final
