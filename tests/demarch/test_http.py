"""`/v1/demarch/*` over HTTP: the store decides who may write."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import falcon
import falcon.media
import falcon.testing
import msgspec
import pytest

from intercomd.api.app import App
from intercomd.api.demarch import DemarchReadResource, DemarchWriteResource
from intercomd.api.failures import install_failures
from intercomd.clock import SystemClock
from intercomd.demarch.tools import DemarchPolicy, DemarchTools
from intercomd.domain.chat import Group
from intercomd.domain.ids import ChatJid, Folder
from intercomd.settings.model import Demarch
from intercomd.store.opening import StoreSettings, open_store
from intercomd.store.ports import Store

STANDALONE = {
    "status": "error",
    "result": "Demarch kernel not available — Intercom is running in standalone mode.",
}
REFUSED = {"status": "error", "result": "Write operation requires main group privileges."}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(StoreSettings(assistant_name="Ada", main_folder="main", sqlite_path=tmp_path / "intercom.db"))
    yield store
    store.close()


@pytest.fixture
def client(store: Store, tmp_path: Path) -> falcon.testing.TestClient:
    """An API where no tool is installed."""
    defaults = Demarch()
    policy = DemarchPolicy(True, True, frozenset(defaults.read_allowlist), frozenset(defaults.write_allowlist))
    tools = DemarchTools(policy, tmp_path, {"PATH": str(tmp_path)})
    app: App = falcon.App()
    app.resp_options.media_handlers[falcon.MEDIA_JSON] = falcon.media.JSONHandler(dumps=msgspec.json.encode)
    install_failures(app)
    app.add_route("/v1/demarch/read", DemarchReadResource(tools))
    app.add_route("/v1/demarch/write", DemarchWriteResource(tools, store.groups, "main"))
    return falcon.testing.TestClient(app)


def test_reading_without_the_tools_answers_as_before(client: falcon.testing.TestClient) -> None:
    """The checks pass and the tool is not there."""
    answer = client.simulate_post("/v1/demarch/read", json={"op": "run_status", "run_id": "r-1", "unknown": 1})
    assert (answer.status_code, answer.json) == (200, STANDALONE)


def test_writing_is_for_the_main_group_that_the_store_knows(client: falcon.testing.TestClient, store: Store) -> None:
    """`is_main` opens nothing, nor does naming a main group that is not registered (hazard B-44)."""

    def write(**who: object) -> object:
        return client.simulate_post("/v1/demarch/write", json={"op": "approve_gate", "gate_id": "g", **who}).json

    main = {"source_group": "main"}
    assert write(is_main=True) == write(**main) == write(is_main=True, source_group="family") == REFUSED
    for folder in ("main", "family"):
        store.groups.add(Group(ChatJid(f"local:{folder}"), folder, Folder(folder)), SystemClock().now())
    assert write(is_main=True) == write(source_group="family") == write(source_group="../main") == REFUSED
    assert write(**main) == STANDALONE


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("read", {"op": "approve_gate"}, "op"),
        ("write", {"op": "next_work"}, "op"),
        ("read", {"op": "run_events", "limit": 0}, "limit"),
        ("read", {"op": "run_events", "limit": "5"}, "limit"),
        ("write", {"op": "create_issue", "title": 5}, "title"),
    ],
)
def test_malformed_operation_names_its_field(
    client: falcon.testing.TestClient, path: str, body: dict[str, object], field: str
) -> None:
    """422 with the field's path; reading knows no writing operations."""
    answer = client.simulate_post(f"/v1/demarch/{path}", json=body)
    assert (answer.status_code, answer.json["field"]) == (422, field)
