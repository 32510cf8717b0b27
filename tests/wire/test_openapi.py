"""`/openapi.json` describes what there is, and what it describes is true."""

from __future__ import annotations

from typing import Any

import falcon.inspect
import jsonschema_rs
import msgspec
import pytest

from intercomd.api.openapi import describe
from intercomd.api.operations import OPERATIONS
from tests.wire.conftest import Wire
from tests.wire.table import TABLE, Row


@pytest.fixture(scope="module")
def document() -> Any:
    return describe("1.2.3", OPERATIONS)


def test_every_route_is_described_and_every_description_has_a_route(wire: Wire, document: Any) -> None:
    """A new endpoint without an entry in `operations.py` fails here; HEAD goes without saying where there is GET."""
    routes = {
        (method.method, route.path)
        for route in falcon.inspect.inspect_routes(wire.api.app)
        for method in route.methods
        if not method.internal and method.method != "HEAD"
    }
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert described == routes


def test_the_description_is_served_and_names_its_version(wire: Wire) -> None:
    """OpenAPI 3.1, with the version of the program."""
    served = wire.api.get("/openapi.json")
    assert served["openapi"] == "3.1.0"
    assert served["info"]["version"] == wire.api.services.version
    assert len([path for path in served["paths"] if path.startswith("/v1/db/")]) == 25


def test_every_operation_has_a_name_of_its_own(document: Any) -> None:
    """Generators of clients make functions of them."""
    names = [operation["operationId"] for methods in document["paths"].values() for operation in methods.values()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.path)
def test_answer_of_the_table_fits_its_description(row: Row, document: Any) -> None:
    """The hand-written answers and bodies are what the description promises."""
    operation = document["paths"][f"/v1/db{row.path}"]["post"]
    answer = operation["responses"]["200"]["content"]["application/json"]["schema"]
    assert jsonschema_rs.is_valid(_standalone(document, answer), msgspec.json.decode(row.answer))
    if row.valid is not None:
        body = operation["requestBody"]["content"]["application/json"]["schema"]
        assert jsonschema_rs.is_valid(_standalone(document, body), row.valid)
        assert not jsonschema_rs.is_valid(_standalone(document, body), row.wrong)


def _standalone(document: Any, schema: Any) -> Any:
    return {**schema, "components": document["components"]}
