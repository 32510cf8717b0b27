"""The assistant's tools as an MCP server: one JSON message per line on standard input and output, nothing else there.

Every tool call has a thread of its own, so that a slow one holds up no other; everything else is answered at once, in
order. The end of standard input ends the process: a call that is still with the host is left there, as it was asked.
"""

from __future__ import annotations

import os
import sys
import threading
from itertools import repeat

from .frames import STDERR, write_all
from .lines import LineCutter
from .mcp_protocol import (
    BATCH_REVISION,
    INVALID_REQUEST,
    SERVER_NAME,
    Conversation,
    Message,
    ProtocolError,
    parse_json,
    parse_message,
    parse_tool_call,
    tool_response,
)
from .tool_client import CANCELLED, Answer, ToolClient, ipc_directory
from .wire import dumps

TYPE_CHECKING = False
if TYPE_CHECKING:  # not from `typing`: its import takes as long as all the rest
    from collections.abc import Callable, Iterator

    from .mcp_protocol import RequestId, Response

    Reply = Callable[[Response | None], None]
    """Takes the response to one request; None when it was cancelled."""

__all__ = ["ARGUMENT", "SERVER_NAME", "main", "mcp_command"]

ARGUMENT = "mcp"
"""The first argument of the agent program that makes it this server; the second is the directory of the files."""

_STDIN = 0
_CHUNK_BYTES = 1 << 16
_LINE_BYTES = 1 << 20
_MOST_CALLS = 64


def mcp_command() -> tuple[str, ...]:
    """The argv of the server for the program that drives a model; it needs no environment."""
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "__main__.py")
    return (sys.executable, "-I", "-S", "-B", program, ARGUMENT, ipc_directory())


def main(directory: str | None = None) -> int:
    """Serve until standard input ends; the exit code."""
    server = McpServer(ToolClient(directory or ipc_directory()))
    for line in _read_lines(_STDIN):
        server.take(line)
    return 0


class McpServer:
    """Answers lines; `take` is called from one thread."""

    def __init__(self, tools: ToolClient) -> None:
        self._tools = tools
        self._conversation = Conversation()
        self._writing = threading.Lock()
        self._calls: dict[RequestId, threading.Event] = {}
        """The calls under way; the event of one is set when the client cancels it."""
        self._calls_lock = threading.Lock()

    def take(self, line: bytes | None) -> None:
        """Answer one line; None is one that was too long to be kept."""
        try:
            if line is None:
                raise ProtocolError(INVALID_REQUEST, f"the message is longer than {_LINE_BYTES} bytes")
            value = parse_json(line)
        except ProtocolError as error:
            self._write(error.response())
            return
        if isinstance(value, list):
            self._take_batch(value)
        else:
            self._take_message(value, self._write)

    def _take_batch(self, values: list[object]) -> None:
        """The responses to the requests in an array go out as one array, when the last is there."""
        if self._conversation.revision != BATCH_REVISION or not values:
            why = "the array is empty" if not values else f"only revision {BATCH_REVISION} knows arrays of messages"
            self._write(ProtocolError(INVALID_REQUEST, why).response())
            return
        batch = _Batch(len(values), self._write)
        for value in values:
            self._take_message(value, batch.add)

    def _take_message(self, value: object, reply: Reply) -> None:
        try:
            message = parse_message(value)
            if message is None:
                reply(None)
            elif message.request_id is None:
                self._note(message)
                reply(None)
            else:
                self._conversation.check(message)
                if message.method == "tools/call":
                    self._start_call(message, message.request_id, reply)
                else:
                    reply(self._conversation.answer(message))
        except ProtocolError as error:
            reply(error.response())

    def _note(self, notification: Message) -> None:
        """Only one matters; the others, known or not, are no more than notes."""
        if notification.method == "notifications/cancelled":
            request_id = notification.params.get("requestId")
            with self._calls_lock:
                call = self._calls.get(request_id) if isinstance(request_id, (str, int)) else None
            if call is not None:
                call.set()

    def _start_call(self, request: Message, request_id: RequestId, reply: Reply) -> None:
        name, arguments = parse_tool_call(request)
        cancelled = threading.Event()
        with self._calls_lock:
            if request_id in self._calls:
                raise request.refusal(INVALID_REQUEST, "the id is that of a request under way")
            is_crowded = len(self._calls) >= _MOST_CALLS
            if not is_crowded:
                self._calls[request_id] = cancelled
        if is_crowded:
            text = f"nothing was done: {_MOST_CALLS} calls are under way, wait for one of them"
            reply(tool_response(request, text, is_error=True))
            return

        def end(answer: Answer) -> None:
            with self._calls_lock:
                del self._calls[request_id]
            is_silent = answer is CANCELLED
            reply(None if is_silent else tool_response(request, answer.text, is_error=answer.is_error))

        def call() -> None:
            end(self._tools.call(name, arguments, cancelled))

        try:
            threading.Thread(target=call, name=f"call-{name}", daemon=True).start()
        except RuntimeError as error:  # the sandbox allows no more threads
            end(Answer(f"nothing was done: {error}; wait for another call to end", is_error=True))

    def _write(self, response: Response | list[Response] | None) -> None:
        if response is None:
            return
        try:
            with self._writing:
                write_all(f"{dumps(response)}\n".encode("ascii"))
        except BrokenPipeError:
            write_all(b"the client reads no more; the end of standard input is near\n", STDERR)


class _Batch:
    """Collects as many replies as the batch has messages."""

    def __init__(self, missing: int, write: Callable[[list[Response]], None]) -> None:
        self._missing = missing
        self._write = write
        self._responses: list[Response] = []
        self._lock = threading.Lock()

    def add(self, response: Response | None) -> None:
        with self._lock:
            self._missing -= 1
            if response is not None:
                self._responses.append(response)
            is_complete = self._missing == 0
        if is_complete and self._responses:
            self._write(self._responses)


def _read_lines(descriptor: int) -> Iterator[bytes | None]:
    """The lines that hold something; None for each one that is too long."""
    cutter = LineCutter(_LINE_BYTES)
    while chunk := os.read(descriptor, _CHUNK_BYTES):
        skipped_before = cutter.skipped
        yield from filter(bytes.strip, cutter.feed(chunk))
        yield from repeat(None, cutter.skipped - skipped_before)
