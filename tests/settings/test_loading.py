"""Loading settings: where values come from, and what happens when a file cannot be used."""

from __future__ import annotations

import operator
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from intercomd.errors import ConfigError
from intercomd.settings.loading import ENVIRONMENT, load_settings
from intercomd.settings.model import Server, Settings
from intercomd.settings.sandbox import EngineName
from intercomd.settings.values import BotToken

NO_ENVIRONMENT: Mapping[str, str] = {}


def write(folder: Path, text: str) -> Path:
    path = folder / "intercom.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_settings_are_the_defaults_when_nothing_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a file, variables and options every key has its default, and nothing is switched on."""
    monkeypatch.chdir(tmp_path)
    settings = load_settings(None, NO_ENVIRONMENT)
    assert settings == Settings()
    assert not settings.orchestrator.enabled
    assert not settings.scheduler.enabled


def test_default_file_is_read_when_it_exists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """config/intercom.toml is taken without being named."""
    (tmp_path / "config").mkdir()
    write(tmp_path / "config", 'assistant.name = "Ida"')
    monkeypatch.chdir(tmp_path)
    assert load_settings(None, NO_ENVIRONMENT).assistant.name == "Ida"


def test_file_values_arrive_typed(tmp_path: Path) -> None:
    """Paths, addresses, names and lists have their own types once loaded."""
    path = write(
        tmp_path,
        """
        [server]
        bind = "[::1]:0"
        [storage]
        data_dir = "some where"
        [sandbox]
        engine = "process"
        [demarch]
        read_allowlist = ["a", "b"]
        """,
    )
    settings = load_settings(path, NO_ENVIRONMENT)
    assert (settings.server.bind.host, settings.server.bind.port) == ("::1", 0)
    assert settings.storage.data_dir == Path("some where")
    assert settings.sandbox.engine is EngineName.PROCESS
    assert settings.demarch.read_allowlist == ("a", "b")


def test_given_profiles_replace_the_default_ones(tmp_path: Path) -> None:
    """Defining one profile drops the others, and the result cannot be changed afterwards."""
    path = write(tmp_path, 'runtimes.default_runtime = "mine"\n[runtimes.profiles.mine]\nprovider = "p"')
    profiles = load_settings(path, NO_ENVIRONMENT).runtimes.profiles
    assert list(profiles) == ["mine"]
    assert profiles["mine"].default_model == ""
    with pytest.raises(TypeError):
        profiles["other"] = profiles["mine"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("INTERCOMD_BIND", "127.0.0.2:1"),
        ("INTERCOM_POSTGRES_DSN", "postgresql://env@h/d"),
        ("HOST_CALLBACK_URL", "http://127.0.0.2:2"),
        ("ASSISTANT_NAME", "Enva"),
        ("TELEGRAM_BOT_TOKEN", "42:env"),
    ],
)
def test_environment_wins_over_the_file(tmp_path: Path, variable: str, value: str) -> None:
    """Each documented variable beats its key in the file; all of them are covered here."""
    assert len(ENVIRONMENT) == 5
    path = write(
        tmp_path,
        """
        server = { bind = "127.0.0.1:9", host_callback_url = "http://127.0.0.1:9" }
        storage.postgres_dsn = "postgresql://file@h/d"
        assistant.name = "File"
        channels.telegram.bot_token = "41:file"
        """,
    )
    loaded = operator.attrgetter(ENVIRONMENT[variable])(load_settings(path, {variable: value}))
    assert (loaded.reveal() if isinstance(loaded, BotToken) else str(loaded)) == value


def test_blank_variables_count_as_unset(tmp_path: Path) -> None:
    """A variable that is set to blanks changes nothing."""
    path = write(tmp_path, 'assistant.name = "File"')
    assert load_settings(path, dict.fromkeys(ENVIRONMENT, "  ")).assistant.name == "File"


def test_dotenv_is_read_for_what_the_host_reads_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Name and token come from `.env` in the working directory unless the environment has them (hazard B-104)."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("ASSISTANT_NAME='Dot'\nTELEGRAM_BOT_TOKEN=42:dot\nINTERCOMD_BIND=1.2.3.4:5\n")
    settings = load_settings(None, {"TELEGRAM_BOT_TOKEN": "43:env"})
    assert settings.assistant.name == "Dot"
    assert settings.channels.telegram.bot_token == BotToken("43:env")
    assert settings.server == Server()
    assert load_settings(None, {}).channels.telegram.bot_token == BotToken("42:dot")


def test_secret_is_read_from_the_file_a_variable_names(tmp_path: Path) -> None:
    """A credential of the service manager wins over the settings file, the value itself over both."""
    path = write(tmp_path, 'storage.postgres_dsn = "postgresql://file/db"')
    credential = tmp_path / "postgres-dsn"
    credential.write_text("postgresql://u:hidden@credential/db\n")
    environment = {"INTERCOM_POSTGRES_DSN_FILE": str(credential)}
    secret = load_settings(path, environment).storage.postgres_dsn
    assert secret is not None
    assert secret.reveal() == "postgresql://u:hidden@credential/db"
    assert "hidden" not in repr(secret)
    environment["INTERCOM_POSTGRES_DSN"] = "postgresql://variable/db"
    secret = load_settings(path, environment).storage.postgres_dsn
    assert secret is not None
    assert secret.reveal() == "postgresql://variable/db"


def test_secret_file_that_is_missing_is_named(tmp_path: Path) -> None:
    """A credential that was promised and is not there is a configuration error, not an unset value."""
    with pytest.raises(ConfigError, match=r"INTERCOM_POSTGRES_DSN_FILE.*\n.*gone cannot be read: No such file"):
        load_settings(write(tmp_path, ""), {"INTERCOM_POSTGRES_DSN_FILE": str(tmp_path / "gone")})


def test_command_line_wins_over_the_environment(tmp_path: Path) -> None:
    """--bind beats INTERCOMD_BIND beats the file."""
    path = write(tmp_path, 'server.bind = "127.0.0.1:1"')
    settings = load_settings(path, {"INTERCOMD_BIND": "127.0.0.1:2"}, {"server.bind": "127.0.0.1:3"})
    assert str(settings.server.bind) == "127.0.0.1:3"


def test_blank_text_means_absent_for_an_optional_key(tmp_path: Path) -> None:
    """A blank DSN chooses the embedded store, as it did in the system before."""
    assert load_settings(write(tmp_path, 'storage.postgres_dsn = " "'), NO_ENVIRONMENT).storage.postgres_dsn is None


def test_missing_file_is_an_error_when_it_was_named(tmp_path: Path) -> None:
    """A typo in --config does not start a daemon on defaults (hazard B-108)."""
    with pytest.raises(ConfigError, match=r"intercom\.tml has 1 problem:\n  the file does not exist"):
        load_settings(tmp_path / "intercom.tml", NO_ENVIRONMENT)


def test_folder_in_place_of_a_file_is_an_error(tmp_path: Path) -> None:
    """What exists and cannot be read is named with the reason."""
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load_settings(tmp_path, NO_ENVIRONMENT)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"[server]\nbind = \n", "not TOML: .* line 2"),
        (b"[server]\n[server]\n", "not TOML: .* line 2"),
        (b"assistant.name = '\xff'", "not UTF-8: byte 18 is 0xff"),
    ],
)
def test_broken_files_are_errors_that_say_where(tmp_path: Path, content: bytes, problem: str) -> None:
    """Syntax and encoding errors name the place."""
    path = tmp_path / "intercom.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=problem):
        load_settings(path, NO_ENVIRONMENT)


def test_real_environment_is_taken_as_it_is(tmp_path: Path) -> None:
    """`os.environ` itself is a usable environment."""
    assert load_settings(write(tmp_path, ""), {**os.environ, "ASSISTANT_NAME": "Real"}).assistant.name == "Real"
