"""What callers of the wire API hear when something is wrong: with them, with the store, or with us."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from intercomd.api.wire.endpoints import ENDPOINTS, PREFIX, Endpoint
from tests.support.postgres import PostgresServer
from tests.wire.conftest import Wire
from tests.wire.table import TABLE, Row

pytestmark = pytest.mark.full

WITH_BODY = [row for row in TABLE if row.valid is not None]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.path)
def test_store_that_is_away_is_503_with_the_label_after_validation(wire: Wire, row: Row) -> None:
    """B-17, B-05: the label clients know stands in `error` and the cause in `detail`; a bad body is still a 4xx."""
    wire.store.close()
    problem = wire.refused(row.path, row.valid, 503)
    endpoint = next(endpoint for endpoint in ENDPOINTS if endpoint.path == row.path)
    assert problem["error"] == endpoint.label
    assert "closed" in problem["detail"]
    if row.wrong is not None:
        wire.refused(row.path, row.wrong, 422)


@pytest.mark.parametrize("row", WITH_BODY, ids=lambda row: row.path)
def test_body_that_is_no_json_object_is_refused(wire: Wire, row: Row) -> None:
    """415 for another content type, 400 for what is no JSON, 422 for JSON of another shape, 413 for too much."""
    path = row.path
    assert wire.call(path, b"{}", Content_Type="text/plain").status == 415
    assert wire.call(path, b"{}").status == 415
    assert wire.call(path, b"{", Content_Type="application/json").status == 400
    assert wire.call(path, b'"\\ud800"', Content_Type="application/json").status in {400, 422}
    assert wire.call(path, b"[]", Content_Type="application/json; charset=utf-8").status == 422
    assert wire.call(path, b"{}", Content_Type="application/x+json").status == 422
    assert wire.call(path, b" " * 70_000, Content_Type="application/json").status == 413


def test_missing_field_is_named(wire: Wire) -> None:
    """The first one that is missing."""
    assert wire.refused("/chats", {"jid": "tg:1"}, 422)["field"] == "timestamp"


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.path)
def test_other_methods_are_not_allowed(wire: Wire, endpoint: Endpoint) -> None:
    """405 with `Allow`; an unknown path is 404."""
    path = PREFIX + endpoint.path
    reply = wire.api.call("GET", path)
    assert (reply.status, reply.problem["status"]) == (405, 405)
    assert "POST" in reply.headers["allow"]
    assert wire.api.call("POST", f"{path}/x").status == 404


@pytest.mark.parametrize("key", ["id", "chat_jid"])
def test_key_with_a_nul_is_refused(wire: Wire, key: str) -> None:
    """Postgres keeps no NUL; a replaced one could hit another row."""
    body = {"id": "1", "chat_jid": "tg:1", "sender": "", "sender_name": "", "content": "", "timestamp": ""}
    assert wire.refused("/messages", body | {key: "a\x00"}, 422)["field"] == key


def test_text_with_a_nul_is_stored_without_it(wire: Wire) -> None:
    """Texts of people are never refused for a character: U+FFFD stands in its place."""
    wire.say("m1", "a\x00b", "")
    wire.ask("/router-state/set", {"key": "k", "value": "\x00"})
    assert wire.read_new(["tg:-1001"], prefix="\x00")["messages"][0]["content"] == "a\ufffdb"
    assert wire.ask("/router-state/get", {"key": "k"}) == {"value": "\ufffd"}


@contextmanager
def renamed(table: str, engine: str, request: pytest.FixtureRequest, folder: Path) -> Iterator[None]:
    """The table is gone for the time of the block."""
    server: PostgresServer | None = request.getfixturevalue("postgres_server") if engine == "postgres" else None

    def run(sql: str) -> None:
        if server is not None:
            server.run_sql(sql, "contract")
        else:
            with closing(sqlite3.connect(folder / "intercom.db", isolation_level=None)) as connection:
                connection.execute(sql)

    run(f"ALTER TABLE {table} RENAME TO lost")
    try:
        yield
    finally:
        run(f"ALTER TABLE lost RENAME TO {table}")


def test_defect_is_500_with_the_label_and_an_id(
    wire: Wire, engine: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """A database that has lost a table is no outage: 500, the label, and an id that finds the cause in the log."""
    with renamed("router_state", engine, request, tmp_path):
        problem = wire.refused("/router-state/get", {"key": "k"}, 500)
    assert problem["error"] == "get_router_state"
    assert problem["error_id"] in problem["detail"]
