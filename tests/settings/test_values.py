"""Addresses and secrets."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercomd.errors import ConfigError
from intercomd.settings.loading import load_settings
from intercomd.settings.rendering import render_json
from intercomd.settings.values import BindAddress, PostgresDsn, redact


@pytest.mark.parametrize(
    ("text", "host", "port", "is_local"),
    [
        ("127.0.0.1:7340", "127.0.0.1", 7340, True),
        ("127.9.9.9:0", "127.9.9.9", 0, True),
        ("[::1]:80", "::1", 80, True),
        ("localhost:65535", "localhost", 65535, True),
        ("0.0.0.0:1", "0.0.0.0", 1, False),
        ("[::]:1", "::", 1, False),
        ("kitchen.lan:1", "kitchen.lan", 1, False),
    ],
)
def test_tcp_address_is_taken_apart(text: str, host: str, port: int, is_local: bool) -> None:
    """Host and port are known, and whether other machines can reach them."""
    address = BindAddress.parse(text)
    assert (address.host, address.port, address.socket_path) == (host, port, None)
    assert address.is_local is is_local
    assert str(address) == text


def test_unix_address_is_a_local_path() -> None:
    """`unix:` is followed by a path, blanks included."""
    address = BindAddress.parse("unix:/run/inter com.sock")
    assert address.socket_path == Path("/run/inter com.sock")
    assert address.host is None
    assert address.is_local


@pytest.mark.parametrize(
    "text", ["", "7340", ":7340", "host", "host:", "host:65536", "host:-1", "::1:80", "unix:", "a b:1"]
)
def test_address_is_refused_when_it_is_neither(text: str) -> None:
    """Anything else is an error that says what is allowed."""
    with pytest.raises(ValueError, match="must be HOST:PORT"):
        BindAddress.parse(text)


@given(
    before=st.sampled_from(
        ["postgresql://user:", "postgres://:", "host=h password=", "user=u Password = ", "postgresql://h/d?password="]
    ),
    secret=st.text(alphabet="0123456789/@:#?%é", min_size=8),
)
def test_password_is_in_no_rendering_of_a_dsn(before: str, secret: str) -> None:
    """Neither str, repr nor an error shows the password; `reveal` alone does."""
    text = before + secret + ("@host/db" if before.endswith(":") else "")
    dsn = PostgresDsn.parse(text)
    assert secret not in str(dsn)
    assert secret not in repr(dsn)
    assert secret not in f"{[dsn]} {redact(text)}"
    assert dsn.reveal() == text


def test_password_is_not_in_printed_settings() -> None:
    """print-config shows that there is a DSN and hides its password; so does the settings' repr (hazard B-55)."""
    settings = load_settings(None, {"INTERCOM_POSTGRES_DSN": "postgresql://ida:s3cret@host/db"})
    assert '"postgresql://ida:***@host/db"' in render_json(settings)
    assert "s3cret" not in render_json(settings) + repr(settings)


def test_bot_token_is_shown_by_nobody() -> None:
    """print-config shows that there is a token and hides it; so do the settings' repr, and a problem with it."""
    settings = load_settings(None, {"TELEGRAM_BOT_TOKEN": "123456:s3cret"})
    assert '"bot_token": "***"' in render_json(settings)
    assert "s3cret" not in render_json(settings) + repr(settings)


@pytest.mark.parametrize("value", ["mysql://ida:s3cret@host/db", "s3cret"])
def test_password_is_not_in_the_problem_with_a_dsn(value: str) -> None:
    """A DSN that cannot be used is hidden whole: where its password stands is not known."""
    with pytest.raises(ConfigError) as caught:
        load_settings(None, {"INTERCOM_POSTGRES_DSN": value})
    assert "s3cret" not in str(caught.value)
    assert "storage.postgres_dsn = (hidden) (from INTERCOM_POSTGRES_DSN)" in str(caught.value)
