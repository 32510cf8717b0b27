"""The runtimes that drive a program of somebody else; `echo` needs nothing of this, and does not import it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .codex_stream import CodexStream
from .complaints import cannot_start
from .conversation import Narrator
from .gemini_stream import GeminiStream
from .memory import offer_memory
from .one_shot import OneShot
from .programs import Claude, Codex, Gemini
from .relay import Relay
from .streaming import Streaming

if TYPE_CHECKING:
    from .assignment import Assignment
    from .frames import FrameWriter
    from .inbox import FollowUp, Inbox

RUNTIMES = ("claude", "codex", "gemini")


def converse(assignment: Assignment, first: FollowUp, inbox: Inbox, frames: FrameWriter) -> int:
    """Answer until told to close; the exit code: 0 then, 1 when there is no answer to a turn."""
    frames.answers = [] if first.input_id is None else [first.input_id]
    narrator = Narrator(assignment, frames)
    runtime = assignment.runtime
    if assignment.gateway_socket is None:
        frames.announce(assignment.model or runtime)
        narrator.complain(cannot_start(runtime, "this run was given no model gateway"))
        return 1
    relay = Relay(assignment.gateway_socket)
    try:
        program, conversation = _build(assignment, relay.url, narrator)
        frames.announce(program.model or runtime)
        offer_memory(assignment.group_dir)
        program.prepare()
        return conversation.converse(first, inbox, frames)
    except FileNotFoundError as error:
        narrator.complain(cannot_start(runtime, f"there is no {error.filename}; scripts/agents installs the programs"))
        return 1
    except OSError as error:
        reason = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        narrator.complain(cannot_start(runtime, reason))
        return 1
    finally:
        relay.close()


def _build(
    assignment: Assignment, base_url: str, narrator: Narrator
) -> tuple[Claude | Codex | Gemini, Streaming | OneShot]:
    if assignment.runtime == "claude":
        claude = Claude(assignment, base_url)
        return claude, Streaming(claude, assignment, narrator)
    if assignment.runtime == "codex":
        codex = Codex(assignment, base_url)
        return codex, OneShot(codex, CodexStream, assignment, narrator)
    gemini = Gemini(assignment, base_url)
    return gemini, OneShot(gemini, GeminiStream, assignment, narrator)
