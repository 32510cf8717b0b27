"""RUST_ORCHESTRATOR and HOST_CALLBACK_PORT in all their spellings."""

from __future__ import annotations

from pathlib import Path

import pytest

from intercomd.errors import ConfigError
from intercomd.host.environment import HostEnvironment, read_environment
from intercomd.settings.dotenv import parse_dotenv


@pytest.fixture
def dotenv(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def read(environment: dict[str, str], dotenv: Path, content: str | None = None) -> HostEnvironment:
    if content is not None:
        dotenv.write_text(content)
    return read_environment(environment, dotenv)


@pytest.mark.parametrize(
    ("value", "is_taken_over", "is_near_miss"),
    [
        ("true", True, False),
        ("false", False, False),
        ("FALSE", False, False),
        ("0", False, False),
        ("no", False, False),
        ("off", False, False),
        ("True", False, True),
        ("TRUE", False, True),
        ("1", False, True),
        ("yes", False, True),
        ("on", False, True),
        (" true", False, True),
        ("true ", False, True),
        ('"true"', False, True),
        ("tru", False, True),
        (" ", False, True),
    ],
)
def test_toggle_counts_for_the_exact_word_only(
    dotenv: Path, value: str, is_taken_over: bool, is_near_miss: bool
) -> None:
    """In the environment `true` and nothing else switches; whatever is neither that nor a plain no is a near miss."""
    toggle = read({"RUST_ORCHESTRATOR": value}, dotenv).toggle
    assert (toggle.is_taken_over, toggle.is_near_miss) == (is_taken_over, is_near_miss)
    assert (toggle.value, toggle.source) == (value, "the environment")


@pytest.mark.parametrize(
    ("content", "value"),
    [
        ("RUST_ORCHESTRATOR=true", "true"),
        ("RUST_ORCHESTRATOR = true ", "true"),
        ('RUST_ORCHESTRATOR="true"', "true"),
        ("RUST_ORCHESTRATOR='true'\r\n", "true"),
        ("OTHER=1\n\n# a comment\nRUST_ORCHESTRATOR=true\n", "true"),
        ("RUST_ORCHESTRATOR=false\nRUST_ORCHESTRATOR=true\n", "true"),
        ("RUST_ORCHESTRATOR=true\nRUST_ORCHESTRATOR=\n", "true"),
        ("RUST_ORCHESTRATOR=true\nRUST_ORCHESTRATOR=false\n", "false"),
        ("RUST_ORCHESTRATOR=True", "True"),
        ('RUST_ORCHESTRATOR=" true"', " true"),
        ("RUST_ORCHESTRATOR=true # on", "true # on"),
        ("RUST_ORCHESTRATOR=\"true'", "\"true'"),
        ("#RUST_ORCHESTRATOR=true", None),
        ("export RUST_ORCHESTRATOR=true", None),
        ("RUST_ORCHESTRATOR", None),
        ("RUST_ORCHESTRATOR=", None),
        ('RUST_ORCHESTRATOR=""', None),
        ("rust_orchestrator=true", None),
        ("", None),
    ],
)
def test_toggle_is_read_from_dotenv(dotenv: Path, content: str, value: str | None) -> None:
    """Without the environment the `.env` file decides, by its own grammar."""
    toggle = read({}, dotenv, content).toggle
    assert toggle.value == value
    assert toggle.is_taken_over == (value == "true")
    assert toggle.source == (None if value is None else str(dotenv))


@pytest.mark.parametrize(
    ("environment", "is_taken_over"),
    [({"RUST_ORCHESTRATOR": "false"}, False), ({"RUST_ORCHESTRATOR": ""}, True), ({}, True)],
)
def test_environment_beats_dotenv_unless_it_is_empty(
    dotenv: Path, environment: dict[str, str], is_taken_over: bool
) -> None:
    """`false` in the environment wins over `true` in the file; an empty value does not."""
    assert read(environment, dotenv, "RUST_ORCHESTRATOR=true").toggle.is_taken_over is is_taken_over


def test_nothing_given_leaves_the_host_in_charge(dotenv: Path) -> None:
    """Without environment and file the host orchestrates, silently, on the port that its clients know."""
    given = read({}, dotenv)
    assert not given.toggle.is_taken_over
    assert not given.toggle.is_near_miss
    assert given.callback_port == 7341


@pytest.mark.parametrize(("value", "port"), [("0", 0), ("8080", 8080), (" 7341 ", 7341), ("65535", 65535)])
def test_port_is_taken_from_either_place(dotenv: Path, value: str, port: int) -> None:
    """HOST_CALLBACK_PORT counts from the environment and from `.env`."""
    assert read({"HOST_CALLBACK_PORT": value}, dotenv).callback_port == port
    assert read({}, dotenv, f"HOST_CALLBACK_PORT={value}").callback_port == port


@pytest.mark.parametrize("value", ["65536", "-1", "http", "7341.0", "٧"])
def test_port_that_is_none_is_refused(dotenv: Path, value: str) -> None:
    """A wrong port is an error with its name and value, no silent default."""
    with pytest.raises(ConfigError, match="HOST_CALLBACK_PORT") as caught:
        read({"HOST_CALLBACK_PORT": value}, dotenv)
    assert value in str(caught.value)


def test_dotenv_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    """A `.env` that is a folder, or no text, is said to be so and not passed over."""
    with pytest.raises(ConfigError, match="cannot be read"):
        read_environment({}, tmp_path)
    broken = tmp_path / "broken"
    broken.write_bytes(b"A=\xff")
    with pytest.raises(ConfigError, match="UTF-8"):
        read_environment({}, broken)


def test_parse_dotenv_splits_at_the_first_equals_sign() -> None:
    """The rest of the line, further equals signs included, is the value."""
    assert parse_dotenv("TOKEN=a=b==\n KEY = 'x y' ") == {"TOKEN": "a=b==", "KEY": "x y"}
