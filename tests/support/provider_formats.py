"""How three providers write the events of a streamed answer, and their errors.

Anthropic: POST /v1/messages (docs.anthropic.com, "Streaming messages"). OpenAI: POST /v1/responses
(platform.openai.com, "Streaming API responses"). Google: POST /v1beta/models/M:streamGenerateContent?alt=sse
(ai.google.dev, "Generating content").
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any, Protocol

INPUT_TOKENS, OUTPUT_TOKENS = 11, 5
_numbers = count(1)


class Dialect(Protocol):
    """Events of one provider; `body` is the request's."""

    def tools(self, body: Any) -> list[str]:
        """The names of the tools offered."""
        ...

    def say(self, body: Any, pieces: Sequence[str]) -> bytes: ...

    def call(self, body: Any, tool: str, arguments: Mapping[str, object]) -> bytes: ...

    def begin(self, body: Any, text: str) -> bytes:
        """The events of an answer that does not end."""
        ...

    def error(self, status: int, message: str) -> object: ...


def dialect_of(path: str) -> Dialect:
    """By the path that is asked at."""
    if path.endswith("/messages"):
        return Anthropic()
    return OpenAi() if path.endswith("/responses") else Google()


def _named(event: Mapping[str, object]) -> bytes:
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()


def _new_id(kind: str) -> str:
    return f"{kind}_{next(_numbers):04d}"


class Anthropic:
    """Content blocks, each started, filled and stopped."""

    def tools(self, body: Any) -> list[str]:
        return [str(tool["name"]) for tool in body.get("tools", ())]

    def say(self, body: Any, pieces: Sequence[str]) -> bytes:
        return self._begin(body, pieces) + self._end("end_turn")

    def call(self, body: Any, tool: str, arguments: Mapping[str, object]) -> bytes:
        block = {"type": "tool_use", "id": _new_id("toolu"), "name": tool, "input": {}}
        delta = {"type": "input_json_delta", "partial_json": json.dumps(arguments)}
        return self._start(body) + self._block(block, [delta]) + self._end("tool_use")

    def begin(self, body: Any, text: str) -> bytes:
        return self._begin(body, [text])

    def error(self, status: int, message: str) -> object:
        kinds = {401: "authentication_error", 429: "rate_limit_error", 529: "overloaded_error"}
        return {"type": "error", "error": {"type": kinds.get(status, "api_error"), "message": message}}

    def _begin(self, body: Any, pieces: Sequence[str]) -> bytes:
        deltas = [{"type": "text_delta", "text": piece} for piece in pieces]
        return self._start(body) + self._block({"type": "text", "text": ""}, deltas)

    def _start(self, body: Any) -> bytes:
        message = {
            "id": _new_id("msg"),
            "type": "message",
            "role": "assistant",
            "model": body.get("model"),
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": INPUT_TOKENS, "output_tokens": 1},
        }
        return _named({"type": "message_start", "message": message})

    def _block(self, block: Mapping[str, object], deltas: Sequence[Mapping[str, object]]) -> bytes:
        return (
            _named({"type": "content_block_start", "index": 0, "content_block": block})
            + b"".join(_named({"type": "content_block_delta", "index": 0, "delta": delta}) for delta in deltas)
            + _named({"type": "content_block_stop", "index": 0})
        )

    def _end(self, reason: str) -> bytes:
        delta = {"stop_reason": reason, "stop_sequence": None}
        usage = {"output_tokens": OUTPUT_TOKENS}
        return _named({"type": "message_delta", "delta": delta, "usage": usage}) + _named({"type": "message_stop"})


class OpenAi:
    """Output items, each added and done, in a response that is completed."""

    def tools(self, body: Any) -> list[str]:
        """A namespace's tools are offered as a group, and called by their own names."""
        names: list[str] = []
        for tool in body.get("tools", ()):
            inner = tool.get("tools")
            names += [str(item["name"]) for item in inner] if inner else [str(tool.get("name", tool["type"]))]
        return names

    def say(self, body: Any, pieces: Sequence[str]) -> bytes:
        text = "".join(pieces)
        return self._begin(pieces) + self._done(self._message(text, "completed"))

    def call(self, body: Any, tool: str, arguments: Mapping[str, object]) -> bytes:
        item = {
            "type": "function_call",
            "id": _new_id("fc"),
            "call_id": _new_id("call"),
            "name": tool,
            "arguments": json.dumps(arguments),
        }
        namespace = next((group["name"] for group in body["tools"] if tool in self._inner_names(group)), None)
        return self._created() + self._done(item if namespace is None else {**item, "namespace": namespace})

    def begin(self, body: Any, text: str) -> bytes:
        return self._begin([text])

    def error(self, status: int, message: str) -> object:
        kinds = {401: "invalid_request_error", 429: "rate_limit_error"}
        return {"error": {"message": message, "type": kinds.get(status, "server_error"), "param": None, "code": None}}

    @staticmethod
    def _inner_names(tool: Any) -> list[str]:
        return [str(item["name"]) for item in tool.get("tools") or ()]

    def _created(self) -> bytes:
        return _named({"type": "response.created", "response": {"id": _new_id("resp")}})

    def _begin(self, pieces: Sequence[str]) -> bytes:
        item = {"output_index": 0, "item": self._message("", "in_progress")}
        deltas = [
            {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": piece}
            for piece in pieces
        ]
        added = _named({"type": "response.output_item.added", **item})
        return self._created() + added + b"".join(map(_named, deltas))

    def _done(self, item: Mapping[str, object]) -> bytes:
        usage = {
            "input_tokens": INPUT_TOKENS,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": OUTPUT_TOKENS,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
        }
        return _named({"type": "response.output_item.done", "output_index": 0, "item": item}) + _named(
            {"type": "response.completed", "response": {"id": _new_id("resp"), "usage": usage}}
        )

    @staticmethod
    def _message(text: str, status: str) -> Mapping[str, object]:
        content = [{"type": "output_text", "text": text, "annotations": []}] if text else []
        return {"type": "message", "id": "msg_1", "role": "assistant", "status": status, "content": content}


class Google:
    """Whole responses, one after the other, of which the last has a finish reason."""

    def tools(self, body: Any) -> list[str]:
        return [
            str(function["name"]) for tool in body.get("tools", ()) for function in tool.get("functionDeclarations", ())
        ]

    def say(self, body: Any, pieces: Sequence[str]) -> bytes:
        return b"".join(
            self._response({"text": piece}, is_last=number == len(pieces) - 1) for number, piece in enumerate(pieces)
        )

    def call(self, body: Any, tool: str, arguments: Mapping[str, object]) -> bytes:
        return self._response({"functionCall": {"name": tool, "args": dict(arguments)}}, is_last=True)

    def begin(self, body: Any, text: str) -> bytes:
        return self._response({"text": text}, is_last=False)

    def error(self, status: int, message: str) -> object:
        kinds = {401: "UNAUTHENTICATED", 429: "RESOURCE_EXHAUSTED"}
        return {"error": {"code": status, "message": message, "status": kinds.get(status, "INTERNAL")}}

    @staticmethod
    def _response(part: Mapping[str, object], *, is_last: bool) -> bytes:
        candidate: dict[str, object] = {"content": {"parts": [part], "role": "model"}, "index": 0}
        if is_last:
            candidate["finishReason"] = "STOP"
        usage = {
            "promptTokenCount": INPUT_TOKENS,
            "candidatesTokenCount": OUTPUT_TOKENS,
            "totalTokenCount": INPUT_TOKENS + OUTPUT_TOKENS,
        }
        event = {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "stub", "responseId": _new_id("r")}
        return f"data: {json.dumps(event)}\n\n".encode()
