"""`.env` files as the existing system reads them: `KEY=value` lines without export, expansion or inline comments."""

from __future__ import annotations

from pathlib import Path

from intercomd.errors import ConfigError

_QUOTES = ("'", '"')


def read_dotenv(path: Path) -> dict[str, str]:
    """What the file at `path` says; nothing when there is none. Raises `ConfigError` when it cannot be read."""
    try:
        return parse_dotenv(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError(str(path), [f"the file cannot be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise ConfigError(str(path), [f"the file is not UTF-8 at byte {error.start}"]) from None


def parse_dotenv(text: str) -> dict[str, str]:
    """Names and values, by the rules of the existing system (original.md §9.3).

    Blank lines and lines that begin with `#` do not count; blanks around names and values do not either; one pair of
    equal quotes around a value is taken off; an empty value is no value; the last line of a name wins.
    """
    values: dict[str, str] = {}
    for line in text.split("\n"):
        name, equals, value = line.strip().partition("=")
        if not equals or name.startswith("#"):
            continue
        value = _unquoted(value.strip())
        if value:
            values[name.strip()] = value
    return values


def _unquoted(value: str) -> str:
    is_quoted = len(value) >= 2 and value[0] in _QUOTES and value[0] == value[-1]
    return value[1:-1] if is_quoted else value
