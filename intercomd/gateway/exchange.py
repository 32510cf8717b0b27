"""One request of an agent, from its first byte to the last of its answer: checked, given the credential, passed on.

Nothing is held back on the way: what the provider says goes to the agent as it comes. A provider that breaks off is a
connection that breaks off, never a short answer that looks whole.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from socket import socket
from tempfile import SpooledTemporaryFile
from typing import IO

import h11

from intercomd.clock import Clock
from intercomd.errors import SetupNeeded
from intercomd.gateway.answers import own_answer
from intercomd.gateway.client import ClientConnection
from intercomd.gateway.errors import BadRequest, CertificateRefused, ClientGone, StoppedReading, UpstreamFailed
from intercomd.gateway.headers import answer_headers, find_header, upstream_headers
from intercomd.gateway.keyring import Grant, Keyring
from intercomd.gateway.ledger import Ledger
from intercomd.gateway.limits import Limits, RequestRate
from intercomd.gateway.pauses import Pauses
from intercomd.gateway.provider import Provider
from intercomd.gateway.redaction import Redactor
from intercomd.gateway.refusals import Refusals
from intercomd.gateway.upstream import Endpoint, Line, Lines, Wait
from intercomd.gateway.usage import Usage, UsageReader
from intercomd.logs import EventLog

_UNAUTHORIZED = 401
_IN_MEMORY_BYTES = 1024 * 1024
"""A larger request waits in an unnamed file, which a full disk may refuse."""
_BODY_PIECE_BYTES = 256 * 1024
_log = EventLog("gateway")


@dataclass(frozen=True, slots=True)
class Shared:
    """What all runs have in common."""

    keyring: Keyring
    lines: Lines
    pauses: Pauses
    refusals: Refusals
    ledger: Ledger
    limits: Limits
    clock: Clock


@dataclass(frozen=True, slots=True)
class RunAccess:
    """What one run may do. `upstream` is the settings' address, None for the provider's."""

    run_id: str
    folder: str
    provider: Provider
    upstream: str | None
    rate: RequestRate


def serve(client: ClientConnection, run: RunAccess, shared: Shared) -> None:
    """Serve one connection to its end. Whatever goes wrong is an answer, or a connection that breaks off."""
    try:
        try:
            with SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES) as body:
                request = client.read_request(body)
                Exchange(client, run, shared, request, body).carry_out()
        except BadRequest as error:
            _log.debug("gateway.refused", run_id=run.run_id, folder=run.folder, status=error.status)
            client.answer(own_answer(error.status, str(error), error.retry_after))
        except SetupNeeded as error:
            _log.error("gateway.credential_refused", run_id=run.run_id, folder=run.folder, error=error)
            client.answer(own_answer(_UNAUTHORIZED, str(error)))
        except UpstreamFailed as error:
            _report(error, run)
            client.answer(own_answer(error.status, str(error)))
        except OSError as error:
            _log.warning("gateway.no_room", run_id=run.run_id, folder=run.folder, error=error.strerror)
            client.answer(own_answer(503, f"there is no room for the request: {error.strerror}"))
    except ClientGone as error:
        _log.debug("gateway.client_gone", run_id=run.run_id, folder=run.folder, why=error)


def _report(error: UpstreamFailed, run: RunAccess) -> None:
    if isinstance(error, CertificateRefused):
        _log.error("gateway.certificate_refused", run_id=run.run_id, folder=run.folder, error=error)
    else:
        _log.warning("gateway.upstream_failed", run_id=run.run_id, folder=run.folder, error=error)


class Exchange:
    """The request is read; see `carry_out`."""

    def __init__(
        self, client: ClientConnection, run: RunAccess, shared: Shared, request: h11.Request, body: IO[bytes]
    ) -> None:
        self._client = client
        self._run = run
        self._shared = shared
        self._request = request
        self._body = body
        self._length = body.tell()

    def carry_out(self) -> None:
        """Raises what `serve` turns into an answer."""
        target = self._check()
        runtime = self._run.provider.runtime
        grant = self._shared.keyring.grant(runtime)
        self._check_pause(grant)
        line, response = self._ask(target, grant)
        if response.status_code == _UNAUTHORIZED and (renewed := self._renew(line, grant)):
            grant = renewed
            line, response = self._ask(target, grant)
        if response.status_code == _UNAUTHORIZED:
            line.close()
            raise self._shared.refusals.note(self._run.folder, runtime, grant)
        self._note_pause(grant, response)
        usage = UsageReader(find_header(response.headers, b"content-type") or "")
        try:
            self._pass_on(line, response, usage, Redactor(grant.headers))
        except BaseException:
            line.close()
            raise
        else:
            self._shared.lines.give_back(self._endpoint(grant), line)
        finally:
            self._count(response, usage.finish())

    def _renew(self, line: Line, grant: Grant) -> Grant | None:
        """Another grant than the refused one; then the line of the refusal is closed."""
        try:
            renewed = self._shared.keyring.renew(self._run.provider.runtime, grant)
        except BaseException:
            line.close()
            raise
        if renewed is not None:
            line.close()
        return renewed

    def _note_pause(self, grant: Grant, response: h11.Response) -> None:
        where, status = self._endpoint(grant).authority, response.status_code
        pause = self._shared.pauses.note(where, status, find_header(response.headers, b"retry-after"))
        if pause is not None:
            _log.warning("gateway.paused", provider=where, status=status, seconds=pause.total_seconds())

    def _check(self) -> str:
        method, target = self._request.method.decode(), self._request.target.decode("latin-1")
        accepted = self._run.provider.accepted_target(method, target)
        if accepted is None:
            raise BadRequest(403, f"agents may not ask for {method} {target.partition('?')[0][:200]}")
        try:
            self._shared.ledger.check(self._run.folder)
        except SetupNeeded as error:
            raise BadRequest(403, str(error)) from error
        if wait := self._run.rate.take():
            raise BadRequest(429, "this run asks too often", retry_after=wait)
        return accepted

    def _check_pause(self, grant: Grant) -> None:
        if found := self._shared.pauses.find(self._endpoint(grant).authority):
            status, left = found
            raise BadRequest(status, "the provider asked everybody to wait", retry_after=left)

    def _endpoint(self, grant: Grant) -> Endpoint:
        return Endpoint.parse(self._run.upstream or grant.base_url or self._run.provider.base_url)

    def _ask(self, target: str, grant: Grant) -> tuple[Line, h11.Response]:
        """Send the request; the line, and the head of the answer."""
        endpoint = self._endpoint(grant)
        if self._run.upstream is None:
            target = target.removeprefix(grant.drops)
        headers = upstream_headers(self._request.headers, endpoint.authority, self._length, grant.headers)
        request = h11.Request(method="POST", target=endpoint.prefix + target, headers=headers)
        line = self._shared.lines.take(endpoint)
        try:
            wait = self._waiting(self._shared.limits.first_byte, "did not answer")
            with suppress(StoppedReading):  # it may have answered before it had read everything
                self._send(line, request, wait)
            while True:
                event = line.next_event(wait)
                if isinstance(event, h11.Response):
                    return line, event
                if not isinstance(event, h11.InformationalResponse):
                    raise UpstreamFailed("the provider broke off before it answered")
        except BaseException:
            line.close()
            raise

    def _send(self, line: Line, request: h11.Request, wait: Wait) -> None:
        line.send(request, wait)
        self._body.seek(0)
        while piece := self._body.read(_BODY_PIECE_BYTES):
            line.send(h11.Data(data=piece), wait)
        line.send(h11.EndOfMessage(), wait)

    def _pass_on(self, line: Line, response: h11.Response, usage: UsageReader, redactor: Redactor) -> None:
        wait = self._waiting(self._shared.limits.silence, "stopped in the middle")
        headers = redactor.headers(answer_headers(response.headers))
        self._client.send(h11.Response(status_code=response.status_code, headers=headers))
        while isinstance(event := line.next_event(wait), h11.Data):
            self._client.send(h11.Data(data=redactor.feed(event.data)))
            usage.feed(event.data)
        if not isinstance(event, h11.EndOfMessage):
            raise UpstreamFailed("the provider broke off")
        self._client.send(h11.Data(data=redactor.finish()))
        self._client.send(h11.EndOfMessage())

    def _count(self, response: h11.Response, usage: Usage) -> None:
        self._shared.ledger.count(self._run.run_id, self._run.folder, usage)
        _log.debug(
            "gateway.answered",
            run_id=self._run.run_id,
            folder=self._run.folder,
            status=response.status_code,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
        )

    def _waiting(self, timeout: timedelta, complaint: str) -> Wait:
        def wait(line: socket, events: int) -> None:
            try:
                self._client.wait(line, events, timeout.total_seconds())
            except TimeoutError:
                seconds = timeout.total_seconds()
                raise UpstreamFailed(f"the provider {complaint} for {seconds:g} s", status=504) from None

        return wait
