"""Where credentials are looked for, at every use: the environment, the service manager, `.env`, the CLIs' own files.

A file of secrets that other accounts may read is refused, as `ssh` does it: whoever wrote it there learns of it while
there is a person looking, and not from a bill.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from intercomd.errors import SetupNeeded
from intercomd.settings.dotenv import parse_dotenv

_CREDENTIALS_DIRECTORY = "CREDENTIALS_DIRECTORY"
"""Set by systemd for units with LoadCredential= (systemd.exec(5)); only the unit's account can read it."""
_OTHERS = 0o077
_MOST_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Secret:
    """A value and where it was found."""

    value: str = field(repr=False)
    origin: str


class Sources:
    """`environment` wins over systemd's credentials, those over the file `dotenv`; `home` has the CLIs' own files."""

    def __init__(self, environment: Mapping[str, str], dotenv: Path, home: Path) -> None:
        self._environment = environment
        self.dotenv = dotenv
        self._home = home

    def find(self, name: str) -> Secret | None:
        """The variable `name`, blank ones not counted. Raises `SetupNeeded` for a file that must not be used."""
        if value := self._environment.get(name, "").strip():
            return Secret(value, f"{name} in the environment")
        if folder := self._environment.get(_CREDENTIALS_DIRECTORY, "").strip():
            text, _ = _read(Path(folder, name))
            if value := text.strip():
                return Secret(value, f"the systemd credential {name}")
        text, is_private = _read(self.dotenv)
        if value := parse_dotenv(text).get(name, ""):
            if not is_private:
                raise _open_to_others(self.dotenv)
            return Secret(value, f"{name} in {self.dotenv}")
        return None

    def read_home(self, path: str) -> str | None:
        """The text of a CLI's own credential file below the home folder; None when there is none."""
        return read_private(self._home / path) or None

    def home_path(self, path: str) -> Path:
        """Where that file is."""
        return self._home / path


def read_private(path: Path) -> str:
    """The text of a file of secrets, empty when there is none. Raises `SetupNeeded` when others may read it, or we may
    not."""
    text, is_private = _read(path)
    if not is_private:
        raise _open_to_others(path)
    return text


def _read(path: Path) -> tuple[str, bool]:
    """The text, and whether only the file's owner may use it."""
    try:
        with path.open("rb") as file:
            is_private = not os.fstat(file.fileno()).st_mode & _OTHERS
            return file.read(_MOST_BYTES).decode("utf-8"), is_private
    except (FileNotFoundError, NotADirectoryError):
        return "", True
    except OSError as error:
        raise SetupNeeded(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SetupNeeded(f"{path} is not UTF-8 at byte {error.start}") from None


def _open_to_others(path: Path) -> SetupNeeded:
    return SetupNeeded(f"{path} holds secrets and other accounts may use it: run `chmod 600 {path}`")
