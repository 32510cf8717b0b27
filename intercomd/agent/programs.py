"""How each program is called: what it finds in its home, its environment, its arguments.

Everything is written anew for every run, since what is in the home may have been changed by an earlier one. The
credential is a placeholder: the model gateway puts the real one in.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from .mcp_server import SERVER_NAME, mcp_command
from .memory import brief

if TYPE_CHECKING:
    from .assignment import Assignment

PLACEHOLDER = "via-gateway"
_PASSED_ON = ("PATH", "LANG", "TZ", "HOME")
_RETRIES = "2"
"""The host tries whole runs again, and the gateway knows how long providers want to be left alone."""
_CLAUDE_TOOLS_WITHOUT_USE = (
    *("AskUserQuestion", "CronCreate", "CronDelete", "CronList", "EnterPlanMode", "EnterWorktree", "ExitPlanMode"),
    *("ExitWorktree", "Monitor", "ScheduleWakeup", "SendMessage"),
)
"""They would schedule in a process that ends, or ask somebody who is not there; the chat's own tools do it."""
_GEMINI_MODELS = {
    "gemini-3.1-pro": "gemini-3.1-pro-preview",
    "gemini-2.5-flash": "gemini-2.5-flash-preview",
}
"""Names as people choose them, and as the provider knows them (original.md §9.8)."""


class Claude:
    """Claude Code: `@anthropic-ai/claude-code`."""

    def __init__(self, assignment: Assignment, base_url: str) -> None:
        self._assignment = assignment
        self._base_url = base_url
        self.model = assignment.model

    def prepare(self) -> None:
        os.makedirs(self._config_dir, exist_ok=True)

    @property
    def environment(self) -> dict[str, str]:
        return {
            **_passed_on(),
            "ANTHROPIC_BASE_URL": self._base_url,
            "ANTHROPIC_API_KEY": PLACEHOLDER,
            "CLAUDE_CONFIG_DIR": self._config_dir,
            "CLAUDE_CODE_MAX_RETRIES": _RETRIES,
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_AUTOUPDATER": "1",
            "DISABLE_ERROR_REPORTING": "1",
            "DISABLE_TELEMETRY": "1",
            "IS_SANDBOX": "1",
        }

    def argv(self, session_id: str | None) -> list[str]:
        """It takes texts on standard input, line by line, until that ends."""
        assignment = self._assignment
        program, *arguments = mcp_command()
        server = {"command": program, "args": arguments, "alwaysLoad": True}
        return [
            *("claude", "-p", "--input-format", "stream-json", "--output-format", "stream-json", "--verbose"),
            *("--include-partial-messages", "--replay-user-messages", "--dangerously-skip-permissions"),
            *("--append-system-prompt", brief(assignment.assistant_name, assignment.group_dir, assignment.global_dir)),
            *("--strict-mcp-config", "--mcp-config", json.dumps({"mcpServers": {SERVER_NAME: server}})),
            *("--allowedTools", f"mcp__{SERVER_NAME}__*"),
            *("--disallowedTools", ",".join(_CLAUDE_TOOLS_WITHOUT_USE)),
            *(() if self.model is None else ("--model", self.model)),
            *(() if session_id is None else ("--resume", session_id)),
        ]

    @property
    def _config_dir(self) -> str:
        return os.path.join(self._assignment.home, ".claude")


class Codex:
    """Codex: `@openai/codex`."""

    def __init__(self, assignment: Assignment, base_url: str) -> None:
        self._assignment = assignment
        self._base_url = base_url
        self.model = assignment.model

    def prepare(self) -> None:
        os.makedirs(self._config_dir, exist_ok=True)
        _write(os.path.join(self._config_dir, "config.toml"), self._config())

    @property
    def environment(self) -> dict[str, str]:
        return {**_passed_on(), "CODEX_HOME": self._config_dir, "INTERCOM_MODEL_KEY": PLACEHOLDER}

    def argv(self, session_id: str | None) -> list[str]:
        """It takes one text, on standard input."""
        options = ("--json", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox")
        model = () if self.model is None else ("--model", self.model)
        resumed = ("-",) if session_id is None else ("resume", session_id, "-")
        return ["codex", "exec", *options, *model, *resumed]

    @property
    def _config_dir(self) -> str:
        return os.path.join(self._assignment.home, ".codex")

    def _config(self) -> str:
        """Without network its analytics make it wait for a name server at its end: 5 s a turn."""
        assignment = self._assignment
        program, *arguments = mcp_command()
        briefing = brief(assignment.assistant_name, assignment.group_dir, assignment.global_dir)
        return "\n".join(
            (
                'model_provider = "intercom"',
                "check_for_update_on_startup = false",
                f"developer_instructions = {_toml(briefing)}",
                "[analytics]",
                "enabled = false",
                "[model_providers.intercom]",
                'name = "intercom"',
                f"base_url = {_toml(self._base_url + '/v1')}",
                'wire_api = "responses"',
                'env_key = "INTERCOM_MODEL_KEY"',
                f"request_max_retries = {_RETRIES}",
                f"stream_max_retries = {_RETRIES}",
                f"[mcp_servers.{SERVER_NAME}]",
                f"command = {_toml(program)}",
                f"args = [{', '.join(map(_toml, arguments))}]",
                "",
            )
        )


class Gemini:
    """Gemini CLI: `@google/gemini-cli`."""

    def __init__(self, assignment: Assignment, base_url: str) -> None:
        self._assignment = assignment
        self._base_url = base_url
        self.model = None if assignment.model is None else _GEMINI_MODELS.get(assignment.model, assignment.model)

    def prepare(self) -> None:
        """It knows no option for instructions; its user's own memory file takes them."""
        assignment = self._assignment
        os.makedirs(self._config_dir, exist_ok=True)
        _write(os.path.join(self._config_dir, "settings.json"), json.dumps(self._settings(), indent=1))
        briefing = brief(assignment.assistant_name, assignment.group_dir, assignment.global_dir)
        _write(os.path.join(self._config_dir, "GEMINI.md"), briefing + "\n")

    @property
    def environment(self) -> dict[str, str]:
        return {
            **_passed_on(),
            "GEMINI_API_KEY": PLACEHOLDER,
            "GOOGLE_GEMINI_BASE_URL": self._base_url,
            "GEMINI_CLI_NO_RELAUNCH": "true",
            "GEMINI_CLI_TRUST_WORKSPACE": "true",
            "NO_COLOR": "1",
        }

    def argv(self, session_id: str | None) -> list[str]:
        """It takes one text, on standard input."""
        return [
            *("gemini", "--output-format", "stream-json", "--approval-mode", "yolo"),
            *(() if self.model is None else ("--model", self.model)),
            *(() if session_id is None else ("--resume", session_id)),
        ]

    @property
    def _config_dir(self) -> str:
        return os.path.join(self._assignment.home, ".gemini")

    def _settings(self) -> dict[str, Any]:
        """One attempt: after a stream that broke it would begin anew and print the reply twice."""
        program, *arguments = mcp_command()
        return {
            "general": {"enableAutoUpdate": False, "maxAttempts": 1},
            "mcpServers": {SERVER_NAME: {"command": program, "args": arguments, "trust": True}},
            "privacy": {"usageStatisticsEnabled": False},
            "security": {"auth": {"selectedType": "gemini-api-key"}},
            "telemetry": {"enabled": False},
        }


def _passed_on() -> dict[str, str]:
    return {name: os.environ[name] for name in _PASSED_ON if name in os.environ}


def _toml(text: str) -> str:
    """A TOML string; unlike JSON's it may not hold DEL as it is."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _write(path: str, text: str) -> None:
    """Replace what is there, and follow no link that an earlier run may have left."""
    draft = f"{path}.{os.getpid()}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with open(descriptor, "w", encoding="utf-8", errors="replace") as file:
        file.write(text)
    os.replace(draft, path)
