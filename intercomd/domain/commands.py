"""Slash commands: their texts and effects (original.md §5.4), as a function of what is known about the chat."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from intercomd.domain.ids import ChatJid
from intercomd.domain.markdown import MARKDOWN, in_code, plain
from intercomd.domain.models import CATALOGUE, DEFAULT_MODEL, display_name, resolve_model

NOT_REGISTERED = "This chat is not registered."
_COMMAND = re.compile(r"/([a-z]+)(?:@\w+)?(?:\s+(.*))?", re.DOTALL)
_SHOWN_SESSION = 12

HELP = {
    "/help": "Show this command list",
    "/status": "Show runtime, session, and container status",
    "/model": "Show available models",
    "/model <#>": "Switch model by number",
    "/model <name>": "Switch model by name",
    "/reset": "Clear session and stop running container",
    "/new": "Start a fresh chat (alias for /reset)",
    "/ping": "Check if bot is online",
    "/chatid": "Show this chat's registration ID",
    "/stop": "Stop what the assistant is doing, keep the session",
    "/retry": "Run the last failed request again",
    "/network <group> <none|full>": "Decide what a group's agent may reach (main chat only)",
    "/why": "Say why the last message was answered, or not",
    "/tasks": "Show the scheduled tasks",
    "/pause <#>": "Let a task rest",
    "/resume <#>": "Let a task go on",
    "/cancel <#>": "Remove a task",
}
NAMES = frozenset(usage.split()[0][1:] for usage in HELP)
TASK_NAMES = frozenset({"tasks", "pause", "resume", "cancel"})
"""Those that `domain/task_texts.py` has the words of."""
WHY = "why"
"""Answered from the record of decisions (`desk/why.py`)."""
NETWORK = "network"
"""Carried out by the rules of groups (`desk/groups.py`)."""


@dataclass(frozen=True, slots=True)
class KillContainer:
    """End the run in flight."""


@dataclass(frozen=True, slots=True)
class ClearSession:
    """The next run starts a fresh conversation."""


@dataclass(frozen=True, slots=True)
class SwitchModel:
    model_id: str
    runtime: str


@dataclass(frozen=True, slots=True)
class RetryLast:
    """Run the last failed request again."""


Effect = KillContainer | ClearSession | SwitchModel | RetryLast


@dataclass(frozen=True, slots=True)
class CommandResult:
    """A command's answer; `parse_mode` is `Markdown` or None; effects are applied in order, before the answer."""

    text: str
    parse_mode: str | None = None
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True, slots=True)
class ChatFacts:
    """What a command may say about the chat it was written in; `folder` is None in an unregistered chat."""

    chat_jid: ChatJid
    group_name: str | None
    folder: str | None
    model_id: str | None
    session_id: str | None
    is_active: bool
    assistant_name: str
    uptime: timedelta


def parse_command(content: str) -> tuple[str, str] | None:
    """Name (without slash) and arguments of a command of ours; None for every other text, `/etc/hosts` included."""
    match = _COMMAND.fullmatch(content.strip())
    return (match[1], match[2] or "") if match and match[1] in NAMES else None


def answer(name: str, arguments: str, facts: ChatFacts) -> CommandResult:
    """Text and effects of command `name` (no slash, case-sensitive)."""
    match name:
        case "help":
            lines = [f"*{plain(facts.assistant_name)} Commands*", ""]
            lines += [f"{_usage(usage)} — {meaning}" for usage, meaning in HELP.items()]
            return CommandResult("\n".join(lines), MARKDOWN)
        case "ping":
            return CommandResult(f"{facts.assistant_name} is online.")
        case "chatid":
            return CommandResult(f"Chat ID: `{facts.chat_jid}`", MARKDOWN)
        case "status":
            return _status(facts)
        case "model":
            return _model(arguments, facts)
        case "reset" | "new":
            return _reset(facts)
        case "stop":
            return _stop(facts)
        case "retry":
            if facts.folder is None:
                return CommandResult(NOT_REGISTERED)
            return CommandResult("Trying the last failed request again.", effects=(RetryLast(),))
        case _ if name in TASK_NAMES or name in {WHY, NETWORK}:  # those of a registered chat have rules of their own
            return CommandResult(NOT_REGISTERED)
        case _:
            return CommandResult(f"Unknown command: /{name}")


def _status(facts: ChatFacts) -> CommandResult:
    if facts.folder is None:
        return CommandResult(NOT_REGISTERED)
    lines = [
        f"*Status for {plain(facts.group_name or 'Unknown')}*",
        "",
        f"Model: `{in_code(display_name(facts.model_id or DEFAULT_MODEL.model_id))}`",
        f"Session: {_session(facts.session_id)}",
        f"Container: {'active' if facts.is_active else 'idle'}",
        f"Assistant: {plain(facts.assistant_name)}",
        f"Uptime: {_uptime(facts.uptime)}",
    ]
    return CommandResult("\n".join(lines), MARKDOWN)


def _model(arguments: str, facts: ChatFacts) -> CommandResult:
    if facts.group_name is None:
        return CommandResult(NOT_REGISTERED)
    present = facts.model_id or DEFAULT_MODEL.model_id
    if not arguments.strip():
        return CommandResult("\n".join(_model_list(present)), MARKDOWN)
    wanted = resolve_model(arguments)
    if wanted is None:
        lines = [f"No model is called `{in_code(arguments.strip())}`.", "", *_model_list(present)]
        return CommandResult("\n".join(lines), MARKDOWN)
    if wanted.model_id == present:
        return CommandResult(f"Already using `{in_code(wanted.display)}`.", MARKDOWN)
    return CommandResult(
        f"Switched from {plain(display_name(present))} to *{plain(wanted.display)}*.\n"
        "Conversation context will carry over.",
        MARKDOWN,
        (KillContainer(), ClearSession(), SwitchModel(wanted.model_id, wanted.runtime)),
    )


def _model_list(present: str) -> list[str]:
    lines = [f"*Current model:* {plain(display_name(present))}", ""]
    for number, model in enumerate(CATALOGUE, start=1):
        mark = " (active)" if model.model_id == present else ""
        lines.append(f" {number}. `{model.model_id}` — {model.display}{mark}")
    return [*lines, "", "Switch: `/model <name>` or `/model <#>`"]


def _reset(facts: ChatFacts) -> CommandResult:
    if facts.group_name is None:
        return CommandResult(NOT_REGISTERED)
    fresh = "Next message will start a fresh session."
    if facts.is_active:
        text = f"Session cleared. Running container stopped. {fresh}"
        return CommandResult(text, effects=(KillContainer(), ClearSession()))
    return CommandResult(f"Session cleared. {fresh}", effects=(ClearSession(),))


def _stop(facts: ChatFacts) -> CommandResult:
    if facts.folder is None:
        return CommandResult(NOT_REGISTERED)
    if not facts.is_active:
        return CommandResult("Nothing is running.", effects=(KillContainer(),))
    return CommandResult("Stopped.", effects=(KillContainer(),))


def _session(session_id: str | None) -> str:
    if session_id is None:
        return "_none_"
    shown = session_id if len(session_id) <= _SHOWN_SESSION else session_id[:_SHOWN_SESSION] + "..."
    return f"`{in_code(shown)}`"


def _uptime(uptime: timedelta) -> str:
    hours, minutes = divmod(int(uptime.total_seconds()) // 60, 60)
    return f"{hours}h {minutes}m" if hours else f"{minutes}m"


def _usage(usage: str) -> str:
    return f"`{usage}`" if " " in usage else usage
