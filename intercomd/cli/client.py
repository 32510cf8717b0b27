"""Finding the daemon and asking it: plain HTTP, a deadline on every call."""

from __future__ import annotations

import argparse
import json
import os
import socket
import sys
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from intercomd.cli.exit_codes import ExitCode
from intercomd.errors import IntercomError

DEFAULT_TIMEOUT_S = 5.0
_UNIX = "unix:"
_ADDRESS_FILES = ("daemon.json", "host.json")


class DaemonUnreachable(IntercomError):
    """Nobody answers there; the daemon may be starting, stopped or elsewhere."""


class Refused(IntercomError):
    """The daemon answered with an error; the text is its detail."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class DaemonClient:
    """Speaks to one daemon. Every call opens a connection of its own, so a restarted daemon is no problem."""

    def __init__(self, url: str, token: str | None = None) -> None:
        """`url` is `http://HOST:PORT` or `unix:PATH`."""
        self.url = url
        self._token = token

    def get(self, path: str, *, timeout_s: float = DEFAULT_TIMEOUT_S, **parameters: object) -> Any:
        """The JSON at `path`; parameters that are None are left out."""
        query = urlencode({name: value for name, value in parameters.items() if value is not None})
        return self._call("GET", f"{path}?{query}" if query else path, None, timeout_s)

    def post(self, path: str, body: object, *, timeout_s: float = DEFAULT_TIMEOUT_S) -> Any:
        return self._call("POST", path, body, timeout_s)

    def patch(self, path: str, body: object) -> Any:
        return self._call("PATCH", path, body, DEFAULT_TIMEOUT_S)

    def put(self, path: str, body: object) -> Any:
        return self._call("PUT", path, body, DEFAULT_TIMEOUT_S)

    def delete(self, path: str) -> Any:
        return self._call("DELETE", path, None, DEFAULT_TIMEOUT_S)

    def _call(self, method: str, path: str, body: object, timeout_s: float) -> Any:
        headers = {"Accept": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        content = None
        if body is not None:
            content = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        connection = _open(self.url, timeout_s)
        try:
            connection.request(method, path, body=content, headers=headers)
            response = connection.getresponse()
            status, answer = response.status, response.read()
        except (OSError, HTTPException) as error:
            raise DaemonUnreachable(f"no daemon answers at {self.url}: {_reason(error)}") from error
        finally:
            connection.close()
        return _read(status, answer, self.url)


def add_client_options(parser: argparse.ArgumentParser) -> None:
    """`--url`, `--data-dir`, `--config` and `--token-file`: where the daemon is."""
    parser.add_argument("--url", help="the daemon's address, http://HOST:PORT or unix:PATH; wins over INTERCOMD_URL")
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="find the daemon that keeps its data there")
    parser.add_argument("--config", type=Path, metavar="PATH", help="find the daemon that uses this settings file")
    parser.add_argument("--token-file", type=Path, metavar="PATH", help="what to show a daemon on another machine")


def with_daemon(arguments: argparse.Namespace, action: Callable[[DaemonClient], int]) -> int:
    """What `action` returns, or TRY_LATER with one line when no daemon is reached."""
    try:
        token = arguments.token_file.read_text().strip() if arguments.token_file else None
    except OSError as error:
        raise IntercomError(f"cannot read {arguments.token_file}: {error.strerror}") from error
    try:
        return action(DaemonClient(find_url(arguments), token))
    except DaemonUnreachable as error:
        print(f"Error: {error}", file=sys.stderr)
        return ExitCode.TRY_LATER


def find_url(arguments: argparse.Namespace) -> str:
    """`--url`, else INTERCOMD_URL, else what the daemon or else the host wrote into the data folder, else where the
    daemon listens by its settings. Raises `DaemonUnreachable` when none of them says anything."""
    given: str | None = arguments.url or os.environ.get("INTERCOMD_URL", "").strip() or None
    if given:
        return given.rstrip("/")
    data_dir: Path | None = arguments.data_dir
    bind = None
    if data_dir is None:
        from intercomd.settings.loading import load_settings  # only here: with an address there is nothing to load

        settings = load_settings(arguments.config, os.environ)
        data_dir, bind = settings.storage.data_dir, settings.server.bind
    for name in _ADDRESS_FILES:
        if found := _read_address(data_dir / name):
            return found
    if bind is None or bind.port == 0:
        raise DaemonUnreachable(f"no daemon runs here: {data_dir / _ADDRESS_FILES[0]} is not there")
    return bind.text if bind.socket_path else f"http://{bind.text}"


def _read_address(path: Path) -> str | None:
    """What a process that still runs has written; one that was killed leaves its file behind."""
    try:
        address = json.loads(path.read_text())
        return str(address["url"]) if Path(f"/proc/{address['pid']}").is_dir() else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def path_word(text: str) -> str:
    """`text` as one part of a URL's path."""
    return quote(text, safe="")


class _UnixConnection(HTTPConnection):
    def __init__(self, path: str, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path
        self._timeout_s = timeout_s

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self._timeout_s)
        self.sock.connect(self._path)


def _open(url: str, timeout_s: float) -> HTTPConnection:
    if url.startswith(_UNIX):
        return _UnixConnection(url.removeprefix(_UNIX), timeout_s)
    try:
        parts = urlsplit(url)
        if parts.scheme == "http" and parts.hostname:
            return HTTPConnection(parts.hostname, parts.port or 80, timeout=timeout_s)
    except ValueError:
        pass
    raise IntercomError(f"{url!r} is no address of a daemon; write http://HOST:PORT or unix:PATH")


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__


def _read(status: int, answer: bytes, url: str) -> Any:
    try:
        document = json.loads(answer) if answer else None
    except ValueError as error:
        raise Refused(status, f"{url} answered {status} with something that is not JSON: no intercomd?") from error
    if status >= 400:
        problem = document if isinstance(document, dict) else {}
        raise Refused(status, str(problem.get("detail") or problem.get("title") or f"the daemon answered {status}"))
    return document
