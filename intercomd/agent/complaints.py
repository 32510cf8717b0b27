"""Why there is no answer, in sentences for people, and whether trying again may help."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .events import Failed

_PROVIDERS = {"claude": "Anthropic", "codex": "OpenAI", "gemini": "Google"}
_OWN_WORDS = re.compile(r'intercomd: (.+?)(?:, url: |"\s*[,}]|\. This is a server-side issue|$)', re.DOTALL)
"""What the model gateway says itself, for people, as the programs pass it on."""
_HOPELESS = (400, 401, 402, 403, 404, 413, 422)
_MOST_CHARACTERS = 300


class Complaint(NamedTuple):
    """`error` is for the operator, `notice` for the chat."""

    error: str
    notice: str
    is_final: bool


def complain(runtime: str, failed: Failed, model: str | None) -> Complaint:
    """What to say about a turn that failed."""
    provider = _PROVIDERS.get(runtime, runtime)
    status = failed.status
    own_words = _find_own_words(failed.error)
    if own_words is not None:
        notice = own_words
    elif status in (401, 403):
        notice = f"{provider} refused the credential ({status}). It has to be renewed where the assistant runs."
    elif status == 404:
        notice = f"{provider} does not know the model {model}. Choose another with /model."
    elif status == 429:
        notice = f"{provider} takes no more requests for now (429: too many, or the quota is used up)."
    elif status is not None and status >= 500:
        notice = f"{provider} has a fault of its own ({status})."
    else:
        notice = f"{runtime} stopped: {_one_line(failed.error)}"
    return Complaint(failed.error, notice, is_final=status in _HOPELESS)


def took_too_long(runtime: str, seconds: float, reason: str) -> Complaint:
    """The program showed no progress; `reason` is what it said last about that."""
    waited = f"{runtime} had nothing from {_PROVIDERS.get(runtime, runtime)} for {seconds:g} s"
    return Complaint(f"{waited}: {reason}" if reason else waited, f"{waited}.", is_final=False)


def cannot_start(runtime: str, reason: str) -> Complaint:
    """The program is not there, or not what is needed to run it."""
    notice = f"{runtime} cannot be started here: {reason}."
    return Complaint(notice, notice, is_final=True)


def _find_own_words(error: str) -> str | None:
    found = _OWN_WORDS.search(error)
    return _one_line(found[1]) if found else None


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _MOST_CHARACTERS else line[:_MOST_CHARACTERS] + "…"
