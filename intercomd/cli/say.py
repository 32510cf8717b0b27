"""`intercomd chat --say`: one text, its reply on standard output, the outcome as exit code."""

from __future__ import annotations

import sys
import threading
import time

from intercomd.cli.exit_codes import ExitCode
from intercomd.cli.local_chat import BOT, Line, LocalChat, Sent
from intercomd.cli.markup import render_markup
from intercomd.cli.tables import plain

_LOOK_EVERY_S = 1.0
_PACE_S = 0.05
"""Between two looks when the daemon has no room for a waiting reader and answers at once."""


def say(chat: LocalChat, text: str, wait_s: float) -> int:
    """Send `text` and print what is answered.

    OK with the reply (or its declared silence), FAILURE when a notice says that the request failed or nobody will
    answer, TRY_LATER when there is no outcome after `wait_s`.
    """
    sent = chat.send(text)
    if sent.kind == "context":
        register = f"register it: intercomd groups add local:{chat.name} FOLDER"
        hint = "it needs the group's trigger" if sent.folder else register
        print(f"The text is stored, but no request: {hint}", file=sys.stderr)
        return ExitCode.FAILURE
    answers = _await_outcome(chat, sent, time.monotonic() + wait_s)
    if answers is None:
        print(
            f"No outcome after {wait_s:g} s; the request stays in the chat and may still be answered", file=sys.stderr
        )
        return ExitCode.TRY_LATER
    notices = chat.notices(answers)
    for line in answers:
        output = sys.stderr if line.seq in notices else sys.stdout
        print(_rendered(line, output.isatty(), sent), file=output)
    return ExitCode.FAILURE if notices else ExitCode.OK


def _rendered(line: Line, is_terminal: bool, sent: Sent) -> str:
    """Scripts get an agent's words as they are; answers to commands are Markdown for certain."""
    text = plain(line.text)
    return render_markup(text, is_terminal=is_terminal) if is_terminal or sent.kind == "command" else text


def _await_outcome(chat: LocalChat, sent: Sent, deadline: float) -> tuple[Line, ...] | None:
    """The bot's messages after `sent`, once it is settled; None at the deadline."""
    seen, live = sent.seq, 0
    while (remaining := deadline - time.monotonic()) > 0:
        asked_at = time.monotonic()
        page = chat.wait(seen, live, min(remaining, _LOOK_EVERY_S))
        has_waited = time.monotonic() - asked_at >= _PACE_S
        has_news = page.last_seq > seen
        seen, live = page.last_seq, page.live_version
        if (has_news or has_waited) and chat.is_settled(sent):
            answers = tuple(line for line in chat.after(sent.seq).lines if line.kind == BOT)
            if answers or sent.kind == "request":
                return answers
        if not has_news and not has_waited:
            threading.Event().wait(_PACE_S)
    return None
