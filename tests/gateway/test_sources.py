"""Where credentials are looked for, and which of them wins."""

from __future__ import annotations

from pathlib import Path

import pytest

from intercomd.errors import SetupNeeded
from intercomd.gateway.sources import Sources
from tests.gateway.logins import put_private

NAME = "ANTHROPIC_API_KEY"


@pytest.fixture
def environment() -> dict[str, str]:
    return {}


@pytest.fixture
def sources(environment: dict[str, str], tmp_path: Path) -> Sources:
    return Sources(environment, tmp_path / ".env", tmp_path)


def value_of(sources: Sources) -> str | None:
    found = sources.find(NAME)
    return None if found is None else found.value


def test_nearest_source_wins(sources: Sources, environment: dict[str, str], tmp_path: Path) -> None:
    """The environment before systemd's credentials, those before `.env`; each is looked at anew every time."""
    assert value_of(sources) is None
    put_private(tmp_path / ".env", f"# secrets\n{NAME}='from dotenv'\n")
    assert value_of(sources) == "from dotenv"
    environment["CREDENTIALS_DIRECTORY"] = str(tmp_path / "credentials")
    assert value_of(sources) == "from dotenv"
    put_private(tmp_path / "credentials" / NAME, "from systemd\n")
    assert value_of(sources) == "from systemd"
    environment[NAME] = " from the environment "
    assert value_of(sources) == "from the environment"
    environment[NAME] = "  "
    assert value_of(sources) == "from systemd"


def test_secret_does_not_show_itself(sources: Sources, environment: dict[str, str]) -> None:
    """Whoever prints it sees where it is from."""
    environment[NAME] = "canary"
    assert repr(sources.find(NAME)) == f"Secret(origin='{NAME} in the environment')"


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o644, 0o666])
def test_file_that_others_may_use_is_refused_with_the_command_that_helps(
    sources: Sources, tmp_path: Path, mode: int
) -> None:
    """A secret in such a file is not used until the file is closed to others."""
    path = put_private(tmp_path / ".env", f"{NAME}=secret")
    path.chmod(mode)
    with pytest.raises(SetupNeeded, match=f"chmod 600 {path}"):
        sources.find(NAME)
    path.chmod(0o600)
    assert value_of(sources) == "secret"


def test_open_file_without_the_secret_is_no_matter(sources: Sources, tmp_path: Path) -> None:
    """A `.env` that only names the assistant may be seen by everybody."""
    path = put_private(tmp_path / ".env", "ASSISTANT_NAME=Amy")
    path.chmod(0o644)
    assert value_of(sources) is None


@pytest.mark.parametrize("content", [b"\xff\xfe", None])
def test_file_that_cannot_be_read_is_said_so(sources: Sources, tmp_path: Path, content: bytes | None) -> None:
    """What is there and of no use is not taken for missing."""
    path = tmp_path / ".env"
    if content is None:
        path.mkdir()
    else:
        put_private(path, "").write_bytes(content)
    with pytest.raises(SetupNeeded, match=str(path)):
        sources.find(NAME)
