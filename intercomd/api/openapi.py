"""`/openapi.json`: the API described in OpenAPI 3.1, made from the types that requests are read with."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import falcon
import msgspec

from intercomd.api.openapi_shapes import Problem
from intercomd.api.operations import OPERATIONS, Operation
from intercomd.api.problem import CONTENT_TYPE

_REF = "#/components/schemas/{name}"
_PATH_PARAMETER = re.compile(r"\{(\w+)\}")
_ANYBODY = (401, 403)
"""Every request may be turned away (`access.py`)."""
_MEANINGS = {
    400: "the request cannot be read",
    401: "the token is missing or wrong",
    403: "not from this machine, or from a web page",
    404: "there is no such thing",
    409: "the stored state forbids it",
    413: "the body is too large",
    415: "the body is not JSON by its content type",
    422: "a value is missing, of the wrong type or outside its limits",
    500: "a defect",
    503: "the store or an actor is away",
    504: "an actor did not answer in time",
}


class OpenApiResource:
    """Answers with the description, which never changes while the process runs."""

    def __init__(self, version: str) -> None:
        self._document = msgspec.json.encode(describe(version, OPERATIONS))

    def on_get(self, _request: falcon.Request, response: falcon.Response) -> None:
        response.content_type = falcon.MEDIA_JSON
        response.data = self._document


def describe(version: str, operations: Sequence[Operation]) -> dict[str, Any]:
    """The OpenAPI document of `operations`."""
    types = [shape for operation in operations for shape in _types_of(operation)]
    schemas, components = msgspec.json.schema_components([*types, Problem], ref_template=_REF)
    by_type = {repr(shape): schema for shape, schema in zip([*types, Problem], schemas, strict=True)}
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _describe(operation, by_type)
    return {
        "openapi": "3.1.0",
        "info": {"title": "intercomd", "version": version},
        "paths": paths,
        "components": {"schemas": components},
    }


def _types_of(operation: Operation) -> list[Any]:
    bodies = [] if operation.body is None else [operation.body]
    return bodies + [shape for shape in operation.answers.values() if shape is not None]


def _describe(operation: Operation, schemas: dict[str, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "responses": _describe_responses(operation, schemas),
    }
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in _PATH_PARAMETER.findall(operation.path)
    ]
    in_query = [{"name": name, "in": "query", "schema": schema} for name, schema in operation.query.items()]
    if in_path or in_query:
        described["parameters"] = in_path + in_query
    if operation.body is not None:
        schema = schemas[repr(operation.body)]
        described["requestBody"] = {"required": True, "content": {falcon.MEDIA_JSON: {"schema": schema}}}
    return described


def _describe_responses(operation: Operation, schemas: dict[str, Any]) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, shape in operation.answers.items():
        responses[str(status)] = {"description": operation.summary}
        if shape is not None:
            responses[str(status)]["content"] = {falcon.MEDIA_JSON: {"schema": schemas[repr(shape)]}}
    for status, meaning in _problems_of(operation).items():
        content = responses.setdefault(str(status), {"description": meaning}).setdefault("content", {})
        content[CONTENT_TYPE] = {"schema": schemas[repr(Problem)]}
    return responses


def _problems_of(operation: Operation) -> dict[int, str]:
    """What can go wrong, and what it means there."""
    statuses = {*_ANYBODY, 400, 500, *operation.problems}
    if operation.body is not None:
        statuses |= {413, 415, 422}
    return {status: operation.problems.get(status) or _MEANINGS[status] for status in sorted(statuses)}
