"""config/intercom.toml.example and the code say the same, in both directions."""

from __future__ import annotations

import operator
import re
from functools import reduce
from pathlib import Path

import msgspec
import pytest
import tomli

from intercomd.settings.loading import load_settings
from intercomd.settings.model import Profile, Settings
from intercomd.settings.reading import SettingsReader
from intercomd.settings.rendering import Key, list_keys, render_example, render_json
from intercomd.settings.sandbox import EngineName

CONFIG = Path(__file__).parents[2] / "config"
EXAMPLE = (CONFIG / "intercom.toml.example").read_text(encoding="utf-8")
COUNTS = {
    "threads",
    "batch_size",
    "max_concurrent_containers",
    "log_keep_runs",
    "process_limit",
    "requests_per_minute",
    "daily_tokens_per_group",
}
"""Numbers without a unit: they count what they are called."""


def uncomment(text: str) -> str:
    """The example with its keys in force: explanations start with `# `, keys with `#`."""
    return re.sub(r"^#(?! \S)", "", text, flags=re.MULTILINE)


def test_example_is_current() -> None:
    """The tracked file is what `scripts/dev example` writes."""
    assert render_example() == EXAMPLE


def test_example_has_every_key_and_no_other() -> None:
    """Uncommented it names exactly the keys of the code, in the code's order."""
    table = tomli.loads(uncomment(EXAMPLE))
    found = [f"{section}.{name}" for section, name in walk(table, "")]
    assert found == [f"{key.section}.{key.name}" for key in list_keys()]


def walk(table: dict[str, object], path: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name, value in table.items():
        found += walk(value, f"{path}.{name}".lstrip(".")) if isinstance(value, dict) else [(path, name)]
    return found


def test_example_changes_nothing_as_it_stands() -> None:
    """A copy of the example is a configuration with all defaults."""
    assert load_settings(CONFIG / "intercom.toml.example", {}) == Settings()


def test_example_shows_the_defaults() -> None:
    """Uncommented, every key that has a default shows it."""
    table = tomli.loads(uncomment(EXAMPLE))
    for key in list_keys():
        if key.default is None:
            del reduce(operator.getitem, key.section.split("."), table)[key.name]
    reader = SettingsReader({})
    assert reader.read(Settings, table) == Settings()
    assert reader.problems == []


@pytest.mark.parametrize("key", list_keys(), ids=lambda key: f"{key.section}.{key.name}")
def test_key_is_documented(key: Key) -> None:
    """Every key has a meaning that is a sentence; a number says what it counts; an unset key has an example."""
    assert key.meaning.endswith((".", ")"))
    assert len(key.meaning.split()) > 2
    if isinstance(key.default, int) and not isinstance(key.default, bool) and key.unit is None:
        assert key.name in COUNTS
    assert key.default is not None or key.example


def test_defaults_are_those_of_the_system_before() -> None:
    """Names and defaults of original.md §3 hold; echo is the one profile more."""
    defaults = msgspec.json.decode(render_json(Settings()))
    assert list(defaults)[:7] == ["server", "storage", "runtimes", "demarch", "events", "orchestrator", "scheduler"]
    assert (
        defaults["server"]
        | {
            "bind": "127.0.0.1:7340",
            "request_timeout_ms": 30000,
            "max_body_bytes": 1048576,
            "host_callback_url": "http://127.0.0.1:7341",
        }
        == defaults["server"]
    )
    assert (
        defaults["storage"]
        | {
            "postgres_dsn": None,
            "sqlite_legacy_path": "store/messages.db",
            "groups_dir": "groups",
        }
        == defaults["storage"]
    )
    assert defaults["events"] == {
        "enabled": False,
        "poll_interval_ms": 1000,
        "batch_size": 20,
        "notification_jid": None,
    }
    assert (
        defaults["orchestrator"]
        | {
            "enabled": False,
            "max_concurrent_containers": 3,
            "poll_interval_ms": 1000,
            "idle_timeout_ms": 300000,
            "main_group_folder": "main",
        }
        == defaults["orchestrator"]
    )
    assert defaults["scheduler"] == {"enabled": False, "poll_interval_ms": 10000, "timezone": "UTC"}
    assert defaults["runtimes"]["default_runtime"] == "claude"
    assert list(defaults["runtimes"]["profiles"]) == ["claude", "codex", "echo", "gemini"]
    assert Settings().runtimes.profiles["echo"] == Profile(provider="none", default_model="echo")


def test_demo_settings_need_no_preparation() -> None:
    """config/demo.toml answers local chats with echo on the embedded store, at a port that is free."""
    settings = load_settings(CONFIG / "demo.toml", {})
    assert settings.orchestrator.enabled
    assert settings.runtimes.default_runtime == "echo"
    assert settings.storage.postgres_dsn is None
    assert settings.server.bind.port == 0
    assert settings.channels.local.auto_register
    assert settings.sandbox.engine is EngineName.AUTO
