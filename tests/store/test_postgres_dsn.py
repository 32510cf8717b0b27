"""Reading a DSN."""

from __future__ import annotations

import ssl

import pytest

from intercomd.errors import ConfigError
from intercomd.store.postgres_dsn import parse_dsn


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://ann:p%40ss@db.example:5433/chat?sslmode=require",
        "host=db.example port=5433 user=ann password='p@ss' dbname=chat sslmode=require",
    ],
)
def test_parse_dsn_reads_both_forms(dsn: str) -> None:
    """A URL and key=value pairs name the same target, which never shows its password."""
    target = parse_dsn(dsn)
    assert (target.host, target.port, target.user, target.database) == ("db.example", 5433, "ann", "chat")
    assert (target.password, target.tls_mode) == ("p@ss", "require")
    assert "p@ss" not in f"{target} {target!r}"


@pytest.mark.parametrize(
    ("dsn", "mode"),
    [
        ("postgresql://db.example/x", "verify-full"),
        ("postgresql://127.0.0.1/x", "disable"),
        ("postgresql://[::1]/x", "disable"),
        ("host=/run/postgresql dbname=x", "disable"),
        ("postgresql:///x", "disable"),
        ("postgresql://localhost/x?sslmode=verify-full", "verify-full"),
    ],
)
def test_parse_dsn_verifies_the_server_unless_it_is_here(dsn: str, mode: str) -> None:
    """TLS with verification is the default for every other machine (hazard B-55)."""
    assert parse_dsn(dsn).tls_mode == mode


def test_tls_context_verifies_as_the_mode_says() -> None:
    """`require` trusts whoever answers, `verify-full` checks certificate and name."""
    full = parse_dsn("host=db.example sslmode=verify-full").tls_context()
    encrypted = parse_dsn("host=db.example sslmode=require").tls_context()
    assert full is not None
    assert encrypted is not None
    assert (full.verify_mode, full.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert (encrypted.verify_mode, encrypted.check_hostname) == (ssl.CERT_NONE, False)


@pytest.mark.parametrize(
    ("dsn", "complaint"),
    [
        ("postgresql://u:secret@h:x/d", "cannot be read"),
        ("host=h port=0 password=secret", "port"),
        ("host=h sslmode=prefer password=secret", "sslmode"),
        ("host=h hots=h password=secret", "hots: unknown key"),
        ("mysql://u:secret@h/d", "postgresql://"),
        ("host='h password=secret", "quotation"),
        ("secret", "must be"),
    ],
)
def test_parse_dsn_names_the_problem_and_not_the_password(dsn: str, complaint: str) -> None:
    """A DSN that cannot be used says why, without quoting a secret."""
    with pytest.raises(ConfigError, match=complaint) as caught:
        parse_dsn(dsn)
    assert "secret" not in str(caught.value)
