"""Groups, sessions, chats and router state over the wire."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from intercomd.domain.chat import IncomingMessage
from intercomd.domain.ids import ChatJid, Folder, Generation, InputId, RunId
from intercomd.domain.leases import DISPATCH, Fence, Holder
from intercomd.domain.mailbox import GroupCancelled
from intercomd.domain.runs import OpenedRun, Outcome
from intercomd.store.ports import FrameWrite, InputLimits, RetryPolicy, Store
from tests.wire.conftest import Wire
from tests.wire.table import JID

NOW = datetime(2024, 1, 15, 12, tzinfo=UTC)
FAMILY = Folder("family")


def open_run(store: Store, run_id: str = "r1") -> OpenedRun:
    """A run of the family's request, as its queue would open it."""
    epoch = store.leases.take(DISPATCH, store.leases.find(DISPATCH), Holder("boot", 1, 1))
    assert epoch is not None
    fence = Fence(DISPATCH, epoch)
    opened = store.runs.open_run(fence, FAMILY, RunId(run_id), InputId(f"i-{run_id}"), InputLimits(), NOW)
    assert opened is not None
    return opened


@pytest.fixture
def family(wire: Wire) -> Wire:
    """A group with a request and the session s-1."""
    wire.register(JID, "family", requires_trigger=False)
    wire.ask("/sessions/set", {"group_folder": "family", "session_id": "s-1"})
    wire.store.chats.ingest(IncomingMessage(ChatJid(JID), "m1", "7", "Uma", "hello", NOW), NOW)
    return wire


def generation(wire: Wire) -> int:
    return wire.store.groups.get(FAMILY).generation


def test_registered_group_takes_effect_at_once(wire: Wire) -> None:
    """B-31: the store is the only copy, and the message loop hears of the change."""
    wire.register(JID, "family")
    assert wire.api.group_changes.values == ["changed"]
    assert [group["folder"] for group in wire.api.get("/v1/groups")["groups"]] == ["family"]


def test_registering_never_takes_the_folder_of_another_chat(seeded: Wire) -> None:
    """B-101: refused with the owner's name; both groups stay what they were."""
    body = {"jid": "tg:66", "name": "Evil", "folder": "family", "trigger": "", "added_at": ""}
    assert JID in seeded.refused("/groups/set", body, 409)["detail"]
    assert list(seeded.ask("/groups/all")) == [JID]


def test_registering_again_keeps_only_when_it_was_added(seeded: Wire) -> None:
    """An upsert by JID: what is not given goes back to its default, `added_at` stays."""
    seeded.register(JID, "kin")
    assert seeded.ask("/groups/get", {"jid": JID}) == {
        "jid": JID,
        "name": "kin",
        "folder": "kin",
        "trigger": "",
        "added_at": "2024-01-15T09:00:00.000Z",
        "requires_trigger": True,
    }


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"folder": "../x"}, "folder"),
        ({"jid": "tg:x"}, "jid"),
        ({"added_at": "x"}, "added_at"),
        ({"container_config": [1]}, "container_config"),
        ({"trigger": None}, "trigger"),
    ],
)
def test_group_with_a_wrong_value_is_refused(wire: Wire, changes: dict[str, object], field: str) -> None:
    """B-42: nothing that is joined to a path or sent to a channel comes in unchecked."""
    body = {"jid": JID, "name": "n", "folder": "family", "trigger": "", "added_at": ""} | changes
    assert wire.refused("/groups/set", body, 422)["field"] == field
    assert wire.ask("/groups/all") == {}


def test_container_config_is_kept_as_it_is_within_reason(wire: Wire) -> None:
    """Any JSON object, big numbers and NUL included; one that no reader could follow is refused."""
    config = {"a": [1e300, 2**70, None, "x\x00"], "b": {"c": {}}}
    wire.register(JID, "family", container_config=config)
    assert wire.ask("/groups/get", {"jid": JID})["container_config"] == config
    deep: object = 1
    for _ in range(100):
        deep = [deep]
    body = {"jid": JID, "name": "n", "folder": "family", "trigger": "", "added_at": "", "container_config": {"a": deep}}
    assert wire.refused("/groups/set", body, 422)["field"] == "container_config"


def test_setting_a_session_supersedes_the_live_run(family: Wire) -> None:
    """B-29, B-31: the old run's frames count no more, its request waits again, and its sandbox is ended."""
    run = open_run(family.store)
    before = generation(family)
    family.ask("/sessions/set", {"group_folder": "family", "session_id": "s-2"})
    assert generation(family) == before + 1
    write = FrameWrite(run.run_id, 0, run.generation, ("late",), session_id="s-1")
    assert family.store.runs.record_frame(write, NOW).is_superseded
    assert family.store.runs.get(run.run_id).outcome is Outcome.DRAINED
    assert family.store.runs.end_run(run.run_id, Outcome.STOPPED, None, RetryPolicy(), NOW)
    assert family.ask("/sessions/all") == {"family": "s-2"}
    assert family.api.dispatcher.wait_for_count(2) == [GroupCancelled(FAMILY)] * 2
    again = open_run(family.store, "r2")
    assert (again.session_id, [message.content for message in again.prompt.messages]) == ("s-2", ["hello"])


def test_setting_the_same_session_disturbs_nobody(family: Wire) -> None:
    """A client that writes back what we told it does not end the run it was told about."""
    run = open_run(family.store)
    before = generation(family)
    family.ask("/sessions/set", {"group_folder": "family", "session_id": "s-1"})
    assert generation(family) == before
    assert family.store.runs.get(run.run_id).is_live


def test_deleted_session_is_not_brought_back_by_a_live_run(family: Wire) -> None:
    """B-29: also the first run of a group, which has no session yet, may not set one after the deletion."""
    family.ask("/sessions/delete", {"group_folder": "family"})
    run = open_run(family.store)
    family.ask("/sessions/delete", {"group_folder": "family"})
    write = FrameWrite(run.run_id, 0, run.generation, session_id="s-9")
    assert family.store.runs.record_frame(write, NOW).is_superseded
    assert family.ask("/sessions/get", {"group_folder": "family"}) == {"session_id": None}
    assert family.ask("/sessions/all") == {}


def test_session_of_an_unknown_group_cannot_be_set(wire: Wire) -> None:
    """A session belongs to a group; asking for one and deleting it are no errors."""
    assert "nobody" in wire.refused("/sessions/set", {"group_folder": "nobody", "session_id": "s"}, 404)["detail"]


@pytest.mark.parametrize("key", ["last_timestamp", "last_agent_timestamp"])
def test_cursor_of_the_old_loop_cannot_be_set(wire: Wire, key: str) -> None:
    """B-10: nobody can overwrite what has been seen and answered."""
    assert key in wire.refused("/router-state/set", {"key": key, "value": ""}, 409)["detail"]


def test_cursors_of_the_old_loop_are_rendered_from_our_numbers(wire: Wire) -> None:
    """The newest text of any group; per group the last text that the next prompt does not repeat."""
    assert wire.ask("/router-state/get", {"key": "last_timestamp"}) == {"value": None}
    assert wire.ask("/router-state/get", {"key": "last_agent_timestamp"}) == {"value": "{}"}
    wire.say("m1", "before", "2024-01-15T09:00:00Z")
    wire.register(JID, "family", requires_trigger=False)
    wire.say("m2", "hello", "2024-01-15T10:00:00Z")
    wire.say("b1", "hi", "2024-01-15T11:00:00Z", is_bot=True)
    assert wire.ask("/router-state/get", {"key": "last_timestamp"}) == {"value": "2024-01-15T10:00:00.000Z"}
    rendered = '{"tg:-1001":"2024-01-15T09:00:00.000Z"}'
    assert wire.ask("/router-state/get", {"key": "last_agent_timestamp"}) == {"value": rendered}
    run = open_run(wire.store)
    settled = (run.prompt.input_id,)
    wire.store.runs.record_frame(FrameWrite(run.run_id, 0, Generation(0), ("hi",), settled), NOW)
    rendered = '{"tg:-1001":"2024-01-15T10:00:00.000Z"}'
    assert wire.ask("/router-state/get", {"key": "last_agent_timestamp"}) == {"value": rendered}


def test_chat_keeps_its_newest_time_and_its_real_name(wire: Wire) -> None:
    """original.md §6.2; the channel is that of the JID, whatever the caller says (hazard B-39)."""
    wire.ask("/chats", {"jid": JID, "timestamp": "2024-01-15T10:00:00Z", "name": "Family", "is_group": True})
    wire.ask("/chats", {"jid": JID, "timestamp": "2024-01-15T09:00:00Z", "name": JID, "channel": "whatsapp"})
    wire.ask("/chats", {"jid": JID, "timestamp": ""})
    found = {"jid": JID, "name": "Family", "last_message_time": "2024-01-15T10:00:00.000Z"}
    assert wire.ask("/chats/all") == [found | {"channel": "telegram", "is_group": True}]
    wire.ask("/chats/name", {"jid": JID, "name": "Kin"})
    assert wire.ask("/chats/all") == [found | {"name": "Kin", "channel": "telegram", "is_group": True}]


def test_chat_without_a_message_has_a_time_all_the_same(wire: Wire) -> None:
    """B-15: a chat that is only registered stands last, with the beginning of time."""
    wire.register("dc:9", "discord")
    wire.ask("/chats", {"jid": "__group_sync__", "timestamp": "2024-01-15T09:00:00Z"})
    assert [(chat["jid"], chat["last_message_time"], chat["channel"]) for chat in wire.ask("/chats/all")] == [
        ("__group_sync__", "2024-01-15T09:00:00.000Z", None),
        ("dc:9", "1970-01-01T00:00:00.000Z", "discord"),
    ]
