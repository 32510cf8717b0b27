"""Every endpoint on every engine: a valid request, one without a time, one of the wrong type."""

from __future__ import annotations

import pytest

from intercomd.api.wire.endpoints import ENDPOINTS
from tests.wire.conftest import Wire
from tests.wire.table import SEED, TABLE, Row

pytestmark = pytest.mark.full

ROWS = pytest.mark.parametrize("row", TABLE, ids=lambda row: row.path)


def test_table_has_every_endpoint_of_the_wire() -> None:
    """25 endpoints, each once (original.md §5.2)."""
    assert [row.path for row in TABLE] == [endpoint.path for endpoint in ENDPOINTS]
    assert len({row.path for row in TABLE}) == 25
    assert SEED


@ROWS
def test_endpoint_answers_as_the_existing_system_does(seeded: Wire, row: Row) -> None:
    """B-01: fields, order, defaults, nulls and instants are those of the wire, byte by byte."""
    reply = seeded.call(row.path, row.valid)
    assert (reply.status, reply.body.decode()) == (200, row.answer)
    assert reply.headers["content-type"] == "application/json"


@ROWS
def test_endpoint_takes_an_empty_time_as_the_beginning(seeded: Wire, row: Row) -> None:
    """B-02: an empty instant is before everything; where there is none, an unknown field is ignored."""
    reply = seeded.call(row.path, row.wide)
    assert (reply.status, reply.body.decode()) == (200, row.wide_answer)


@ROWS
def test_endpoint_names_the_field_of_the_wrong_type(seeded: Wire, row: Row) -> None:
    """422 with the field; endpoints without a body ignore what is sent, whatever it is called."""
    if row.wrong is None:
        reply = seeded.call(row.path, b"<nothing/>", Content_Type="text/xml")
        assert (reply.status, reply.body.decode()) == (200, row.answer)
    else:
        problem = seeded.refused(row.path, row.wrong, 422)
        assert problem["field"] == row.field
        assert problem["type"] == "urn:intercomd:invalid-value"
        assert "error" not in problem
