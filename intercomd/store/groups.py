"""Registered chats and their numbers."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime

from intercomd.domain.chat import Group, GroupProgress, Network, ReadyChat
from intercomd.domain.events import EventCode
from intercomd.domain.ids import ChatJid, Folder
from intercomd.domain.instants import from_epoch_ms, to_epoch_ms
from intercomd.domain.routing import channel_of
from intercomd.domain.text import clean
from intercomd.errors import NotFound, StoreConflict
from intercomd.store.engine import Database, SqlValue, Transaction
from intercomd.store.events import record_event
from intercomd.store.open_questions import drop_question
from intercomd.store.ports import RetryPolicy
from intercomd.store.rows import group_of, instant_or_none, progress_of, ready_chat_of
from intercomd.store.task_changes import move_tasks, pause_tasks_of_removed_group


class GroupsTable:
    """The `Groups` port."""

    def __init__(self, database: Database, retry: RetryPolicy) -> None:
        self._database = database
        self._longest_wait = retry.longest_wait

    def add(self, group: Group, now: datetime) -> Group:
        return self._database.write(lambda transaction: _add(transaction, group, now))

    def set_network(self, folder: Folder, network: Network, who: str, now: datetime) -> bool:
        return self._database.write(lambda transaction: _set_network(transaction, folder, network, who, now))

    def remove(self, folder: Folder, now: datetime) -> None:
        self._database.write(lambda transaction: _remove(transaction, folder, now))

    def list_all(self) -> list[Group]:
        return [group_of(row) for row in self._database.rows("list_groups")]

    def list_progress(self) -> list[GroupProgress]:
        return [progress_of(row) for row in self._database.rows("list_progress")]

    def get(self, folder: Folder) -> GroupProgress:
        row = self._database.row("find_progress", folder=folder)
        if row is None:
            raise NotFound(f"no group has the folder {folder}")
        return progress_of(row)

    def find_by_jid(self, chat_jid: ChatJid) -> GroupProgress | None:
        row = self._database.row("find_progress_by_jid", chat_jid=chat_jid)
        return None if row is None else progress_of(row)

    def count(self) -> int:
        return _count(self._database, "count_groups")

    def list_ready(self, now: datetime, limit: int) -> list[ReadyChat]:
        rows = self._database.rows("list_ready", **self._due(now), limit=limit)
        return [ready_chat_of(row) for row in rows]

    def find_ready(self, chat_jid: ChatJid, now: datetime) -> ReadyChat | None:
        row = self._database.row("find_ready", chat_jid=chat_jid, **self._due(now))
        return None if row is None else ready_chat_of(row)

    def count_pending(self) -> int:
        return _count(self._database, "count_pending")

    def next_retry_at(self, now: datetime) -> datetime | None:
        row = self._database.row("next_retry_at", now=to_epoch_ms(now))
        return None if row is None else instant_or_none(row["instant"])

    def _due(self, now: datetime) -> dict[str, int]:
        return {"now": to_epoch_ms(now), "latest": to_epoch_ms(now + self._longest_wait)}


def _count(database: Database, query: str) -> int:
    (row,) = database.rows(query)
    return int(row["count"])


def _add(transaction: Transaction, group: Group, now: datetime) -> Group:
    known = transaction.row("lock_group_by_jid", chat_jid=group.jid)
    owner = transaction.row("find_jid_of_folder", folder=group.folder)
    if owner is not None and owner["jid"] != group.jid:
        raise StoreConflict(f"folder {group.folder} belongs to the group {owner['jid']}")
    if known is not None and known["folder"] != group.folder:
        _refuse_while_running(transaction, known["folder"], "renamed")
        move_tasks(transaction, known["folder"], group.folder, now)
    wanted = replace(
        group,
        name=clean(group.name),
        trigger=clean(group.trigger),
        added_at=from_epoch_ms(known["added_at"] if known is not None else to_epoch_ms(group.added_at or now)),
        network=Network(known["network"]) if known is not None else Network.NONE,
    )
    if known is None:
        _register(transaction, wanted)
        record_event(transaction, EventCode.GROUP_REGISTERED, now, chat_jid=group.jid, folder=group.folder)
    elif group_of(known) != wanted:
        transaction.run("change_group", **_settings(wanted))
        record_event(transaction, EventCode.GROUP_CHANGED, now, chat_jid=group.jid, folder=group.folder)
    return wanted


def _register(transaction: Transaction, group: Group) -> None:
    """A new group starts behind everything that is in its chat."""
    transaction.run("add_empty_chat", chat_jid=group.jid, name=group.name, channel=channel_of(group.jid))
    chat = transaction.row("lock_chat", chat_jid=group.jid)
    assert chat is not None
    assert group.added_at is not None
    transaction.run("add_group", **_settings(group), added_at=to_epoch_ms(group.added_at), last_seq=chat["last_seq"])


def _settings(group: Group) -> dict[str, SqlValue]:
    config = group.container_config
    return {
        "folder": group.folder,
        "chat_jid": group.jid,
        "name": group.name,
        "trigger_text": group.trigger,
        "requires_trigger": int(group.requires_trigger),
        "runtime": group.runtime,
        "model": group.model,
        "container_config": None if config is None else json.dumps(dict(config)),
    }


def _set_network(transaction: Transaction, folder: Folder, network: Network, who: str, now: datetime) -> bool:
    known = transaction.row("lock_group", folder=folder)
    if known is None:
        raise NotFound(f"no group has the folder {folder}")
    if known["network"] == network:
        return False
    transaction.run("set_network", folder=folder, network=network.value)
    detail = f"{network} by {who}"
    record_event(transaction, EventCode.GROUP_NETWORK, now, chat_jid=known["jid"], folder=folder, detail=clean(detail))
    return True


def _remove(transaction: Transaction, folder: Folder, now: datetime) -> None:
    known = transaction.row("lock_group", folder=folder)
    if known is None:
        raise NotFound(f"no group has the folder {folder}")
    _refuse_while_running(transaction, folder, "removed")
    pause_tasks_of_removed_group(transaction, folder, now)
    drop_question(transaction, known["jid"], now)
    transaction.run("remove_group", folder=folder)
    record_event(transaction, EventCode.GROUP_REMOVED, now, chat_jid=known["jid"], folder=folder)


def _refuse_while_running(transaction: Transaction, folder: Folder, change: str) -> None:
    live = transaction.row("find_live_run", folder=folder)
    if live is not None:
        raise StoreConflict(f"group {folder} cannot be {change} while its run {live['run_id']} is live: stop it first")
