"""Wrong settings: every problem at once, with key, value, what is allowed and what was probably meant."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from intercomd.errors import ConfigError
from intercomd.settings.loading import load_settings
from intercomd.settings.model import Settings
from intercomd.settings.reading import SettingsReader


def problems_of(folder: Path, text: str, environment: dict[str, str] | None = None) -> tuple[str, ...]:
    path = folder / "intercom.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_settings(path, environment or {})
    assert caught.value.source == str(path)
    return caught.value.problems


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    """Five mistakes in one file are five lines of one error (hazard B-108)."""
    text = """
    [server]
    treads = 3
    bind = "7340"
    [orchestrator]
    max_concurrent_containers = 0
    [sandbox]
    engine = "bubblwrap"
    [sandbx]
    """
    assert problems_of(tmp_path, text) == (
        "sandbx: unknown section; did you mean sandbox?",
        "server.treads: unknown key; did you mean threads?",
        'server.bind = "7340": must be HOST:PORT with a port from 0 to 65535, [IPV6]:PORT, or unix:PATH',
        "orchestrator.max_concurrent_containers = 0: must be a whole number from 1 to 256",
        'sandbox.engine = "bubblwrap": must be one of auto, bubblewrap, process, podman, docker; '
        "did you mean bubblewrap?",
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("server.threads = true", "server.threads = true: must be a whole number from 1 to 64"),
        ("server.threads = 2.5", "server.threads = 2.5: must be a whole number from 1 to 64"),
        ('orchestrator.enabled = "yes"', 'orchestrator.enabled = "yes": must be true or false'),
        ("orchestrator.lease_ms = 299", "orchestrator.lease_ms = 299: must be a whole number from 300 to 600000"),
        ("assistant.name = 5", "assistant.name = 5: must be text that is not blank"),
        ('assistant.name = "\\t "', 'assistant.name = "\\t ": must be text that is not blank'),
        ("log.level = 1979-05-27", 'log.level = "1979-05-27": must be one of debug, info, warning, error'),
        ('log.level = "warn"', 'log.level = "warn": must be one of debug, info, warning, error; did you mean warning?'),
        ('demarch.read_allowlist = "a"', 'demarch.read_allowlist = "a": must be a list of texts'),
        ("demarch.read_allowlist = [1]", "demarch.read_allowlist = [1]: must be a list of texts"),
        ("storage.data_dir = 1", "storage.data_dir = 1: must be text"),
        ('storage.data_dir = " "', 'storage.data_dir = " ": must be a path'),
        ("server = 1", "server: must be a section, written as [server]"),
        ("runtimes.profiles = 1", "runtimes.profiles: must be a section, written as [runtimes.profiles.NAME]"),
        ("channels.local = []", "channels.local: must be a section, written as [channels.local]"),
        ("channels.lokal.enabled = true", "channels.lokal: unknown section; did you mean local?"),
        (
            "zzz = 1",
            "zzz: unknown key; known are assistant, channels, commands, demarch, events, gateway, log, orchestrator, "
            "outbox, retention, runtimes, sandbox, scheduler, server, storage",
        ),
        (
            'scheduler.timezone = "Europe/Wien"',
            'scheduler.timezone = "Europe/Wien": must be an IANA time zone; did you mean Europe/Vienna?',
        ),
        (
            'scheduler.timezone = "../../etc/passwd"',
            'scheduler.timezone = "../../etc/passwd": must be an IANA time zone; for example Europe/Vienna',
        ),
        (
            'scheduler.timezone = "Europe"',
            'scheduler.timezone = "Europe": must be an IANA time zone; did you mean Europe/Rome?',
        ),
        (
            'runtimes.default_runtime = "cluade"',
            'runtimes.default_runtime = "cluade": must be one of the profiles; did you mean claude?',
        ),
        (
            'server.host_callback_url = "localhost:7341"',
            'server.host_callback_url = "localhost:7341": must be http://HOST:PORT',
        ),
        (
            'server.host_callback_url = "http://h:x"',
            'server.host_callback_url = "http://h:x": must be http://HOST:PORT',
        ),
        ('server.api_token_file = "no/such"', 'server.api_token_file = "no/such": must be a file that exists'),
        (
            'server.bind = "0.0.0.0:1"',
            'server.bind = "0.0.0.0:1": is reachable from elsewhere and needs '
            "server.api_token_file; or use a loopback address or unix:PATH",
        ),
        (
            'orchestrator.main_group_folder = "../up"',
            "orchestrator.main_group_folder = \"../up\": '../up' is no group "
            "folder; allowed are 1 to 64 letters, digits, '-' and '_', starting with a letter or digit, "
            "and not 'global'",
        ),
        (
            'channels.telegram.bot_token = "a/secret"',
            "channels.telegram.bot_token = (hidden): must be a bot token as Telegram's BotFather gives it: "
            "123456:ABC-DEF",
        ),
        (
            'runtimes.profiles.claude.upstream_url = "http://model.example"',
            'runtimes.profiles.claude.upstream_url = "http://model.example": '
            "must be https://HOST[:PORT][/PATH], or http:// on this machine",
        ),
        (
            'channels.telegram.api_url = "ftp://x"',
            'channels.telegram.api_url = "ftp://x": must be https://HOST or http://HOST:PORT',
        ),
    ],
)
def test_problem_says_key_value_and_what_is_allowed(tmp_path: Path, text: str, problem: str) -> None:
    """One mistake is one line that a person can act on."""
    assert problems_of(tmp_path, text) == (problem,)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("events.enabled = true", "events.enabled"),
        ("runtimes.preserve_legacy_runtime_ids = false", "runtimes.preserve_legacy_runtime_ids"),
        (
            'orchestrator.enabled = true\nruntimes.default_runtime = "mine"\nruntimes.profiles.mine = {}',
            "runtimes.default_runtime",
        ),
    ],
)
def test_asking_for_a_part_that_is_not_built_is_an_error(tmp_path: Path, text: str, key: str) -> None:
    """What would be ignored is refused, with the reason (hazard B-108)."""
    (problem,) = problems_of(tmp_path, text)
    assert problem.startswith(f"{key} = ")
    assert "this version" in problem


def test_secret_that_is_not_set_is_an_error_of_the_runtime_that_needs_it(tmp_path: Path) -> None:
    """A default runtime without its required variables is found at start, not at the first question."""
    text = """
    orchestrator.enabled = true
    runtimes.default_runtime = "echo"
    runtimes.profiles.echo.required_env = ["THERE", "NOT_THERE", "BLANK"]
    """
    (problem,) = problems_of(tmp_path, text, {"THERE": "x", "BLANK": " "})
    assert problem.endswith("not set in the environment: NOT_THERE, BLANK")


def test_programs_folder_is_what_scripts_agents_made(tmp_path: Path) -> None:
    """A folder without programs is found at start, and the advice says how to fill it."""
    (tmp_path / "empty").mkdir()
    (problem,) = problems_of(tmp_path, f'runtimes.programs_dir = "{tmp_path}/empty"')
    assert problem.startswith("runtimes.programs_dir = ") and "scripts/agents" in problem


def test_problem_names_the_variable_that_brought_the_value(tmp_path: Path) -> None:
    """A bad value from the environment is not blamed on the file alone."""
    (problem,) = problems_of(tmp_path, "", {"INTERCOMD_BIND": "x"})
    assert problem.startswith('server.bind = "x" (from INTERCOMD_BIND): must be')


raw_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
names = st.sampled_from([*Settings.__struct_fields__, "bind", "enabled", "local", "profiles", "postgres_dsn", "name"])


@example({"server": {"\n": None}})
@given(st.dictionaries(names, raw_values | st.dictionaries(names, raw_values, max_size=4), max_size=6))
def test_reading_any_table_gives_settings_and_problems(table: dict[str, object]) -> None:
    """Whatever a file holds, the reader neither crashes nor returns something else than settings."""
    reader = SettingsReader({})
    assert isinstance(reader.read(Settings, table), Settings)
    assert all("\n" not in problem for problem in reader.problems)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            '[runtimes.profiles.echo]\nagent = "legacy"\n',
            'runtimes.profiles.echo.agent = "legacy": the existing system has images for claude, codex, gemini only',
        ),
        (
            '[runtimes.profiles.claude]\nagent = "legacy"\n[sandbox]\nengine = "bubblewrap"\n',
            'runtimes.profiles.claude.agent = "legacy": needs images: set sandbox.engine to podman, docker or auto',
        ),
        (
            '[runtimes.profiles.claude]\nagent = "legacy"\nupstream_url = "https://proxy.example"\n',
            'runtimes.profiles.claude.agent = "legacy": asks its provider itself: leave upstream_url out',
        ),
    ],
)
def test_image_of_the_existing_system_needs_what_it_knows(tmp_path: Path, text: str, problem: str) -> None:
    """A runtime it exists for, an engine with images, and no gateway in between."""
    assert problem in problems_of(tmp_path, text)
