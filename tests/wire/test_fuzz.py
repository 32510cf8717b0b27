"""A property-based fuzzer reads `/openapi.json` and looks for requests whose answer it does not promise."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from intercomd.api.openapi import describe
from intercomd.api.operations import OPERATIONS, Operation
from tests.wire.conftest import Wire

pytestmark = pytest.mark.full

SEED = 20261122
EXAMPLES = 12
"""Per operation, engine and mode: about 40 seconds in all."""

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    negative_data_rejection,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def schema() -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_dict(describe("0", OPERATIONS))


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: f"{operation.method} {operation.path}")
def test_answers_are_as_described_whatever_is_sent(
    seeded: Wire, schema: schemathesis.BaseSchema, operation: Operation
) -> None:
    """B-17: requests that fit the description and requests that do not get a status, a content type and a body that it
    names, and never a server error."""
    seeded.api.board.release()  # nobody waits for news
    url = "http://{}:{}".format(*seeded.api.address)
    described = schema[operation.path][operation.method]
    fitting = described.as_strategy(generation_mode=GenerationMode.POSITIVE)
    unfitting = described.as_strategy(generation_mode=GenerationMode.NEGATIVE)

    @seed(SEED)
    @settings(max_examples=EXAMPLES, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=fitting | unfitting)
    def send(case: Case[Any]) -> None:
        case.call_and_validate(base_url=url, checks=CHECKS)

    send()
