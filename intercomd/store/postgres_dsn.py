"""Where a Postgres server is and how to speak to it, read from a DSN in either form libpq takes.

`postgresql://user:password@host:port/database?sslmode=…` or `host=… user=… password='…' dbname=…`
(postgresql.org/docs/current/libpq-connect.html). TLS verifies the server by default, unless it is on this machine.
"""

from __future__ import annotations

import ipaddress
import os
import pwd
import shlex
import ssl
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from intercomd.errors import ConfigError

_SOURCE = "storage.postgres_dsn"
_SCHEMES = ("postgres", "postgresql")
_KEYS = {"host", "port", "user", "password", "dbname", "sslmode", "sslrootcert", "application_name"}
_TLS_MODES = ("disable", "require", "verify-ca", "verify-full")
_SOCKET_FOLDER = "/var/run/postgresql"


@dataclass(frozen=True, slots=True)
class PostgresTarget:
    """A server and a database on it. The password is in no text made from this value."""

    host: str
    port: int
    user: str
    database: str
    password: str | None = field(repr=False)
    tls_mode: str
    root_certificate: str | None
    application_name: str

    @property
    def socket_path(self) -> str | None:
        """The unix socket, when the host is a folder."""
        return f"{self.host}/.s.PGSQL.{self.port}" if self.host.startswith("/") else None

    def __str__(self) -> str:
        return f"postgres database {self.database} at {self.host}:{self.port}"

    def tls_context(self) -> ssl.SSLContext | None:
        """None for a connection without TLS. `require` encrypts and trusts whoever answers, as libpq does."""
        if self.tls_mode == "disable":
            return None
        context = ssl.create_default_context(cafile=self.root_certificate)
        context.check_hostname = self.tls_mode == "verify-full"
        if self.tls_mode == "require":
            context.verify_mode = ssl.CERT_NONE
        return context


def parse_dsn(dsn: str) -> PostgresTarget:
    """The target `dsn` names; raises `ConfigError` with every problem, quoting keys and never values of secrets."""
    problems: list[str] = []
    values = _parse_url(dsn, problems) if "://" in dsn else _parse_pairs(dsn, problems)
    unknown = sorted(set(values) - _KEYS)
    problems += [f"{key}: unknown key; allowed are {', '.join(sorted(_KEYS))}" for key in unknown]
    port = values.get("port") or "5432"
    if not port.isdecimal() or not 0 < int(port) < 65536:
        problems.append(f"port = {port!r}: must be a number from 1 to 65535")
    host = values.get("host") or _SOCKET_FOLDER
    tls_mode = values.get("sslmode") or ("disable" if _is_on_this_machine(host) else "verify-full")
    if tls_mode not in _TLS_MODES:
        problems.append(f"sslmode = {tls_mode!r}: must be one of {', '.join(_TLS_MODES)}")
    if problems:
        raise ConfigError(_SOURCE, problems)
    user = values.get("user") or pwd.getpwuid(os.getuid()).pw_name
    return PostgresTarget(
        host=host,
        port=int(port),
        user=user,
        database=values.get("dbname") or user,
        password=values.get("password"),
        tls_mode="disable" if host.startswith("/") else tls_mode,
        root_certificate=values.get("sslrootcert"),
        application_name=values.get("application_name") or "intercomd",
    )


def _parse_url(dsn: str, problems: list[str]) -> dict[str, str]:
    try:
        parts = urlsplit(dsn)
        found = {
            "host": unquote(parts.hostname or ""),
            "port": str(parts.port or ""),
            "user": unquote(parts.username or ""),
            "dbname": unquote(parts.path.removeprefix("/")),
        }
    except ValueError as error:
        problems.append(f"the URL cannot be read: {error}" if "Port" in str(error) else "the URL cannot be read")
        return {}
    if parts.scheme not in _SCHEMES:
        problems.append(f"the URL must start with {_SCHEMES[1]}://")
    if parts.password is not None:
        found["password"] = unquote(parts.password)
    return found | dict(parse_qsl(parts.query))


def _parse_pairs(dsn: str, problems: list[str]) -> dict[str, str]:
    try:
        words = shlex.split(dsn)
    except ValueError:
        problems.append("a quotation is not closed")
        return {}
    if not words or any("=" not in word for word in words):
        problems.append(f"must be {_SCHEMES[1]}://user:password@host:port/database or pairs like host=… dbname=…")
        return {}
    return dict(word.split("=", 1) for word in words)


def _is_on_this_machine(host: str) -> bool:
    if host.startswith("/") or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
