"""The rules of the Model Context Protocol for a server that has tools and nothing else.

Two eras are spoken, and the client chooses by how it opens (specification 2026-07-28, "Versioning and Compatibility"):
with `initialize` it settles a revision for the whole process; a request that names its revision in `_meta` stands for
itself. Errors in a request are errors of JSON-RPC; errors in a tool's arguments are results the model can learn from.
"""

from __future__ import annotations

import json

from .tools import INSTRUCTIONS, TOOLS, Tool

TYPE_CHECKING = False
if TYPE_CHECKING:  # not from `typing`: its import takes as long as all the rest
    from typing import Any, NoReturn

    RequestId = str | int
    Response = dict[str, Any]

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
UNSUPPORTED_REVISION = -32022

HANDSHAKE_REVISIONS = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")
BATCH_REVISION = "2025-03-26"
"""The one revision with arrays of messages."""
STATELESS_REVISIONS = ("2026-07-28",)

SERVER_NAME = "intercom"
_SERVER = {"name": SERVER_NAME, "title": "Intercom", "version": "1.0.0"}
_CAPABILITIES: dict[str, object] = {"tools": {}}
_GEMINI = "gemini-cli"
_NAMES_FOR_GEMINI = {"ask_user": "ask_people"}
"""Where nobody sits at its terminal it drops every tool that is called `ask_user`, whoever offers it."""
_REAL_NAMES = {alias: name for name, alias in _NAMES_FOR_GEMINI.items()}
_META_PREFIX = "io.modelcontextprotocol/"
_LISTS_KEPT_MS = 3_600_000
"""The tools are the same as long as the process lives; an hour is what a client may keep them for."""


class ProtocolError(Exception):
    """A message that is refused; `request_id` None when it has none that can be used."""

    def __init__(self, code: int, text: str, request_id: RequestId | None = None, data: object = None) -> None:
        super().__init__(text)
        self.request_id = request_id
        self._error: dict[str, object] = {"code": code, "message": text}
        if data is not None:
            self._error["data"] = data

    def response(self) -> Response:
        return {"jsonrpc": "2.0", "id": self.request_id, "error": self._error}


class Message:
    """A request, or with `request_id` None a notification."""

    def __init__(self, request_id: RequestId | None, method: str, params: dict[str, Any]) -> None:
        self.request_id = request_id
        self.method = method
        self.params = params

    def refusal(self, code: int, text: str, data: object = None) -> ProtocolError:
        return ProtocolError(code, text, self.request_id, data)

    def names_its_revision(self) -> bool:
        meta = self.params.get("_meta")
        return isinstance(meta, dict) and f"{_META_PREFIX}protocolVersion" in meta


def parse_json(line: bytes) -> object:
    """The value of a line; raises `ProtocolError`."""
    try:
        return json.loads(line.decode("utf-8"), parse_constant=_refuse_constant)
    except RecursionError:
        raise ProtocolError(PARSE_ERROR, "the message is nested too deeply") from None
    except ValueError as error:
        raise ProtocolError(PARSE_ERROR, f"the message is no JSON: {error}") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")


def parse_message(value: object) -> Message | None:
    """One message; None for one that nothing comes of: a response, since nothing is ever asked of the client, or a
    notification without sense. Raises `ProtocolError`."""
    if not isinstance(value, dict):
        raise ProtocolError(INVALID_REQUEST, "a message must be an object")
    request_id = value.get("id")
    if "id" in value and (isinstance(request_id, bool) or not isinstance(request_id, (str, int))):
        raise ProtocolError(INVALID_REQUEST, "id must be a string or a whole number")
    if value.get("jsonrpc") != "2.0":
        raise ProtocolError(INVALID_REQUEST, 'jsonrpc must be "2.0"', request_id)
    if "method" not in value and ("result" in value or "error" in value):
        return None
    method, params = value.get("method"), value.get("params", {})
    if not isinstance(method, str):
        raise ProtocolError(INVALID_REQUEST, "method must be a string", request_id)
    if not isinstance(params, dict):
        if "id" not in value:
            return None  # a notification is never answered, not even to be refused
        raise ProtocolError(INVALID_PARAMS, "params must be an object", request_id)
    return Message(request_id, method, params)


class Conversation:
    """What the client settled with `initialize`, and the answers that take no time."""

    def __init__(self) -> None:
        self.revision: str | None = None
        self._names: dict[str, str] = {}

    def check(self, request: Message) -> None:
        """Raise `ProtocolError` unless the client may make this request now, in the era it chose for it."""
        if request.names_its_revision():
            _check_stateless(request)
        elif self.revision is None and request.method not in {"initialize", "ping", "server/discover"}:
            raise request.refusal(INVALID_REQUEST, f"{request.method} came before initialize")

    def answer(self, request: Message) -> Response:
        """The response to a request that is no tool call; raises `ProtocolError`."""
        is_stateless = request.names_its_revision()
        if request.method == "server/discover":  # also without `_meta`: it is how a client learns what is spoken here
            found = {"supportedVersions": list(STATELESS_REVISIONS), "capabilities": _CAPABILITIES}
            return _stateless_response(request, {**found, "instructions": INSTRUCTIONS, **_kept()})
        if request.method == "tools/list":
            if request.params.get("cursor") is not None:
                raise request.refusal(INVALID_PARAMS, "there is no such cursor: the tools come on one page")
            listed: dict[str, object] = {"tools": [_describe(tool, self._names) for tool in TOOLS]}
            return _stateless_response(request, {**listed, **_kept()}) if is_stateless else _response(request, listed)
        if request.method == "initialize" and not is_stateless:
            return _response(request, self._initialize(request))
        if request.method == "ping" and not is_stateless:
            return _response(request, {})
        raise request.refusal(METHOD_NOT_FOUND, f"there is no method {request.method}")

    def _initialize(self, request: Message) -> dict[str, object]:
        wanted = request.params.get("protocolVersion")
        if not isinstance(wanted, str):
            raise request.refusal(INVALID_PARAMS, "protocolVersion must be a string")
        client = request.params.get("clientInfo")
        if isinstance(client, dict) and str(client.get("name")).startswith(_GEMINI):
            self._names = _NAMES_FOR_GEMINI
        self.revision = wanted if wanted in HANDSHAKE_REVISIONS else HANDSHAKE_REVISIONS[0]
        return {
            "protocolVersion": self.revision,
            "capabilities": _CAPABILITIES,
            "serverInfo": _SERVER,
            "instructions": INSTRUCTIONS,
        }


def parse_tool_call(request: Message) -> tuple[str, dict[str, object]]:
    """The tool and the arguments of `tools/call`; raises `ProtocolError`."""
    name, arguments = request.params.get("name"), request.params.get("arguments", {})
    if not isinstance(name, str):
        raise request.refusal(INVALID_PARAMS, "name must be a string")
    if not isinstance(arguments, dict):
        raise request.refusal(INVALID_PARAMS, "arguments must be an object")
    name = _REAL_NAMES.get(name, name)
    if name not in {tool.name for tool in TOOLS}:
        raise request.refusal(INVALID_PARAMS, f"there is no tool {name[:100]}")
    return name, arguments


def tool_response(request: Message, text: str, *, is_error: bool) -> Response:
    """The response to a tool call."""
    result: dict[str, object] = {"content": [{"type": "text", "text": text}], "isError": is_error}
    return _stateless_response(request, result) if request.names_its_revision() else _response(request, result)


def _check_stateless(request: Message) -> None:
    meta = request.params["_meta"]
    wanted = meta[f"{_META_PREFIX}protocolVersion"]
    if not isinstance(wanted, str):
        raise request.refusal(INVALID_PARAMS, f"{_META_PREFIX}protocolVersion must be a string")
    if wanted not in STATELESS_REVISIONS:
        supported = {"supported": list(STATELESS_REVISIONS), "requested": wanted}
        raise request.refusal(UNSUPPORTED_REVISION, "unsupported protocol version", supported)
    if not isinstance(meta.get(f"{_META_PREFIX}clientCapabilities"), dict):
        raise request.refusal(INVALID_PARAMS, f"{_META_PREFIX}clientCapabilities must be an object")


def _response(request: Message, result: dict[str, object]) -> Response:
    return {"jsonrpc": "2.0", "id": request.request_id, "result": result}


def _stateless_response(request: Message, result: dict[str, object]) -> Response:
    return _response(request, {"resultType": "complete", **result, "_meta": {f"{_META_PREFIX}serverInfo": _SERVER}})


def _kept() -> dict[str, object]:
    return {"ttlMs": _LISTS_KEPT_MS, "cacheScope": "public"}


def _describe(tool: Tool, names: dict[str, str]) -> dict[str, object]:
    """`names` has those that differ for this client."""
    hints = {"readOnlyHint": tool.is_reading, "destructiveHint": tool.name == "cancel_task", "openWorldHint": False}
    name = names.get(tool.name, tool.name)
    return {"name": name, "description": tool.description, "inputSchema": tool.schema, "annotations": hints}
