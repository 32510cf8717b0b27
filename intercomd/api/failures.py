"""What callers hear when something goes wrong: a problem document with the right status, never a stack."""

from __future__ import annotations

import uuid
from http import HTTPStatus

import falcon

from intercomd.api.problem import CONTENT_TYPE, render_problem
from intercomd.errors import (
    ActorCrashed,
    ActorUnavailable,
    AskTimeout,
    IntercomError,
    InvalidInput,
    MailboxFull,
    NotFound,
    PolicyRefused,
    StoreConflict,
    StoreUnavailable,
)
from intercomd.logs import EventLog

_STATUS: dict[type[IntercomError], HTTPStatus] = {
    InvalidInput: HTTPStatus.UNPROCESSABLE_ENTITY,
    NotFound: HTTPStatus.NOT_FOUND,
    PolicyRefused: HTTPStatus.FORBIDDEN,
    StoreConflict: HTTPStatus.CONFLICT,
    StoreUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    ActorUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    MailboxFull: HTTPStatus.SERVICE_UNAVAILABLE,
    AskTimeout: HTTPStatus.GATEWAY_TIMEOUT,
}
_RETRY_AFTER_SECONDS = "2"

_log = EventLog("api")


def install_failures(app: falcon.App[falcon.Request, falcon.Response]) -> None:
    """Make every error of `app` a problem document."""
    app.set_error_serializer(_serialize)
    app.add_error_handler(Exception, _on_unknown)
    app.add_error_handler(IntercomError, _on_own)


def name_operation(request: falcon.Request, label: str) -> None:
    """From here on, 5xx answers to `request` carry `label` as `error`: clients of the existing system read it."""
    request.context.operation = label


def _label(request: falcon.Request) -> dict[str, object]:
    label = request.context.get("operation")
    return {} if label is None else {"error": label}


def _serialize(_request: falcon.Request, response: falcon.Response, error: falcon.HTTPError) -> None:
    """Falcon's own errors: 400, 403, 404, 405, 415 …"""
    _write(response, render_problem(error.status_code, error.description))


def _on_own(request: falcon.Request, response: falcon.Response, error: IntercomError, _params: object) -> None:
    status = next((_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS), None)
    if status is None or isinstance(error, ActorCrashed):
        _on_unknown(request, response, error, _params)
        return
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        response.set_header("Retry-After", _RETRY_AFTER_SECONDS)
    response.status = status
    if isinstance(error, InvalidInput):
        _write(response, render_problem(status, str(error), field=error.field))
    else:
        members = _label(request) if status >= HTTPStatus.INTERNAL_SERVER_ERROR else {}
        _write(response, render_problem(status, str(error), **members))


def _on_unknown(request: falcon.Request, response: falcon.Response, error: Exception, _params: object) -> None:
    """The API's last handler: the caller gets an id, the log the rest."""
    error_id = uuid.uuid4().hex[:12]
    _log.error("api.request_failed", exc=error, error_id=error_id, method=request.method, path=request.path)
    response.status = HTTPStatus.INTERNAL_SERVER_ERROR
    detail = f"an unexpected error; the log has it under error_id={error_id}"
    _write(response, render_problem(HTTPStatus.INTERNAL_SERVER_ERROR, detail, error_id=error_id, **_label(request)))


def _write(response: falcon.Response, body: bytes) -> None:
    response.content_type = CONTENT_TYPE
    response.data = body
