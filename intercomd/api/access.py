"""Who may call the API.

On a loopback bind everybody on this machine may, but no web page: a browser sends the name it was told in `Host` (DNS
rebinding) and the page's origin in `Origin` (cross-site requests), and both must be this machine's. On any other bind
a bearer token is required, except for `/livez`. The unix socket is guarded by its file mode.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import falcon

from intercomd.errors import ConfigError
from intercomd.settings.values import BindAddress

_UNIX_SOCKET = "intercomd.unix_socket"
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_OPEN_PATHS = frozenset({"/livez"})


def over_unix_socket(app: WSGIApplication) -> WSGIApplication:
    """`app`, told that its requests come over the unix socket."""

    def marked(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ[_UNIX_SOCKET] = True
        return app(environ, start_response)

    return marked


def read_token(bind: BindAddress, token_file: Path | None) -> str | None:
    """The token callers must present; None where only this machine gets in. Raises `ConfigError` without one."""
    if bind.is_local:
        return None
    where = f"server.bind = {bind}"
    if token_file is None:
        raise ConfigError(
            "the configuration", [f"{where}: set server.api_token_file when others than this machine can reach it"]
        )
    try:
        token = token_file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError("the configuration", [f"server.api_token_file = {token_file}: {error}"]) from error
    if not token:
        raise ConfigError("the configuration", [f"server.api_token_file = {token_file}: the file is empty"])
    return token


class Access:
    """Falcon middleware that turns away who may not call."""

    def __init__(self, token: str | None) -> None:
        self._token = token

    def process_request(self, request: falcon.Request, _response: falcon.Response) -> None:
        if request.env.get(_UNIX_SOCKET):
            return
        if self._token is None:
            _check_loopback(request)
        elif request.path not in _OPEN_PATHS:
            _check_token(request, self._token)


def _check_loopback(request: falcon.Request) -> None:
    host = request.get_header("Host", default="")
    if _hostname(f"//{host}") not in _LOOPBACK_NAMES:
        raise falcon.HTTPForbidden(description=f"Host {host!r} is not this machine; use 127.0.0.1 or localhost")
    origin = request.get_header("Origin")
    if origin is not None and origin != f"http://{host}":
        raise falcon.HTTPForbidden(description=f"requests from web pages of {origin!r} are not allowed")


def _hostname(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _check_token(request: falcon.Request, token: str) -> None:
    scheme, _, given = request.get_header("Authorization", default="").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), token.encode()):
        raise falcon.HTTPUnauthorized(
            description="send the token of server.api_token_file as `Authorization: Bearer TOKEN`",
            challenges=["Bearer"],
        )
