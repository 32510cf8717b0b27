"""A live Postgres server for tests: the one INTERCOM_TEST_POSTGRES_DSN names, else a throw-away cluster of our own."""

from __future__ import annotations

import os
import pwd
import select
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pg8000.native

from intercomd.store.opening import StoreSettings, open_store
from intercomd.store.postgres_dsn import parse_dsn

DSN_VARIABLE = "INTERCOM_TEST_POSTGRES_DSN"
INSTALL_HINT = f"no Postgres server found: run `apt-get install postgresql`, or set {DSN_VARIABLE} to a server's URL"
_TEMPLATE = "intercom_test_template"
_WAIT_SECONDS = 30
_REFERENCED_LAST = ("chats", "runs")
"""Tables that others refer to."""


@dataclass(frozen=True)
class PostgresServer:
    """A server on which tests may create databases; `url` leads to its maintenance database."""

    url: str

    def dsn(self, database: str) -> str:
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{database}"))

    @contextmanager
    def connection(self, database: str = "postgres") -> Iterator[pg8000.native.Connection]:
        """A connection for the time of the block."""
        target = parse_dsn(self.dsn(database))
        connection = pg8000.native.Connection(
            target.user, host=target.host, port=target.port, database=target.database, password=target.password
        )
        try:
            yield connection
        finally:
            connection.close()

    def run_sql(self, sql: str, database: str = "postgres") -> list[list[Any]]:
        """One statement on a connection of its own."""
        with self.connection(database) as connection:
            return list(connection.run(sql) or [])

    def create_template(self) -> None:
        """A database with our schema, to be copied."""
        self.create_empty(_TEMPLATE)
        settings = StoreSettings(assistant_name="any", main_folder="any", postgres_dsn=self.dsn(_TEMPLATE))
        open_store(settings).close()

    def create_database(self, name: str) -> str:
        """A fresh copy of the template; returns its DSN."""
        self.drop_database(name)
        self.run_sql(f'CREATE DATABASE "{name}" TEMPLATE {_TEMPLATE}')
        return self.dsn(name)

    def create_empty(self, name: str) -> str:
        """A database without any schema; returns its DSN."""
        self.drop_database(name)
        self.run_sql(f'CREATE DATABASE "{name}" TEMPLATE template0')
        return self.dsn(name)

    def drop_database(self, name: str) -> None:
        self.run_sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def delete_rows(self, database: str) -> None:
        """Empty every table but the schema's version."""
        with self.connection(database) as connection:
            tables = connection.run("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            names = sorted((name for (name,) in tables if name != "schema_version"), key=_REFERENCED_LAST.count)
            connection.run("; ".join(f'DELETE FROM "{name}"' for name in names))


class PostgresCluster:
    """A server process of our own on a free loopback port; data is lost when it is removed.

    It runs as `postgres` or `nobody` when the tests run as root, since the server refuses to.
    """

    def __init__(self) -> None:
        self._binaries = find_binaries()
        self._account = _unprivileged_account()
        self.folder = Path(tempfile.mkdtemp(prefix="intercom-pg-", dir="/tmp"))
        self.port = _free_port()
        if self._account is not None:
            os.chown(self.folder, self._account.pw_uid, self._account.pw_gid)
        options = ["-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync", "-U", "intercom", "-D", self._data]
        self._run("initdb", *options)

    @property
    def server(self) -> PostgresServer:
        return PostgresServer(f"postgresql://intercom@127.0.0.1:{self.port}/postgres")

    def start(self) -> None:
        """Return when the server takes connections."""
        options = f"-c listen_addresses=127.0.0.1 -p {self.port} -k {self.folder} -c fsync=off -c shared_buffers=16MB"
        self._run("pg_ctl", "start", "-w", "-D", self._data, "-l", str(self.folder / "log"), "-o", options)

    def stop(self) -> None:
        """End all connections and the server, in order."""
        self._run("pg_ctl", "stop", "-w", "-m", "fast", "-D", self._data)

    def restart(self) -> None:
        self.stop()
        self.start()

    def kill(self) -> None:
        """Make the server vanish as in a crash: SIGKILL to it and to what it has started."""
        pids = [self._pid, *_children_of(self._pid)]
        watches = [os.pidfd_open(pid) for pid in pids]
        try:
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            for watch in watches:
                if not select.select([watch], [], [], _WAIT_SECONDS)[0]:
                    raise AssertionError("the Postgres server did not die")
        finally:
            for watch in watches:
                os.close(watch)
        # Whoever inherited the dead server may not have waited for it; its pid would make the next one refuse to start.
        (self.folder / "data" / "postmaster.pid").unlink()
        (self.folder / f".s.PGSQL.{self.port}.lock").unlink()

    def require_password(self, user: str, password: str) -> str:
        """A user who must give a password over TCP; returns a DSN with it."""
        self.server.run_sql(f"CREATE USER \"{user}\" SUPERUSER PASSWORD '{password}'")
        rules = self.folder / "data" / "pg_hba.conf"
        rules.write_text(f"host all {user} 127.0.0.1/32 scram-sha-256\n{rules.read_text()}")
        self._run("pg_ctl", "reload", "-D", self._data)
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/postgres"

    def remove(self) -> None:
        """Stop if running, and delete the folder."""
        if (self.folder / "data" / "postmaster.pid").exists():
            self.kill()
        shutil.rmtree(self.folder)

    @property
    def _data(self) -> str:
        return str(self.folder / "data")

    @property
    def _pid(self) -> int:
        return int((self.folder / "data" / "postmaster.pid").read_text().split()[0])

    def _run(self, program: str, *arguments: str) -> None:
        account = self._account
        done = subprocess.run(
            [self._binaries / program, *arguments],
            user=None if account is None else account.pw_uid,
            group=None if account is None else account.pw_gid,
            extra_groups=None if account is None else [],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_WAIT_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            log = self.folder / "log"
            raise AssertionError(f"{program} failed with {done.returncode}: {log.read_text() if log.exists() else ''}")


@contextmanager
def running_cluster() -> Iterator[PostgresCluster]:
    """A cluster of our own for tests that stop or kill it."""
    cluster = PostgresCluster()
    try:
        cluster.start()
        cluster.server.create_template()
        yield cluster
    finally:
        cluster.remove()


@contextmanager
def running_server() -> Iterator[PostgresServer]:
    """A server to create databases on; not to be stopped."""
    given = os.environ.get(DSN_VARIABLE)
    if given:
        server = PostgresServer(given)
        server.create_template()
        yield server
        return
    with running_cluster() as cluster:
        yield cluster.server


def find_binaries() -> Path:
    """The folder of the newest installed server; fails with what to do when there is none."""
    candidates = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("initdb")
    if candidates:
        return candidates[-1].parent
    if on_path is not None:
        return Path(on_path).resolve().parent
    raise AssertionError(INSTALL_HINT)


def _unprivileged_account() -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def _children_of(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
