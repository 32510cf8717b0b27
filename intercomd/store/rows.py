"""Result rows as domain values."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime

from intercomd.domain.chat import (
    AnsweredQuestion,
    Chat,
    ChatMessage,
    Group,
    GroupProgress,
    MessageKind,
    Network,
    ReadyChat,
)
from intercomd.domain.instants import from_epoch_ms
from intercomd.domain.leases import Holder, LeaseRow
from intercomd.domain.outbox import Attachment, Button, OutboxRow, OutboxState, TextKind
from intercomd.domain.questions import Question, QuestionState
from intercomd.domain.runs import Outcome, ProcessIdentity, RunRecord
from intercomd.domain.scheduled import Fire, FireState, ReadyTask, ScheduledTask
from intercomd.domain.schedules.misfires import MisfirePolicy, OverlapPolicy
from intercomd.store.engine import Row
from intercomd.store.event_ports import EventRow
from intercomd.store.ports import Session


def instant_or_none(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else from_epoch_ms(milliseconds)


def _not_before_of(row: Row) -> datetime | None:
    """0 means "at once", so that the index needs no NULLs."""
    return instant_or_none(row["not_before"] or None)


def chat_of(row: Row) -> Chat:
    return Chat(
        row["jid"],
        row["name"],
        row["channel"],
        bool(row["is_group"]),
        row["last_seq"],
        instant_or_none(row["last_message_at"]),
    )


def message_of(row: Row) -> ChatMessage:
    return ChatMessage(
        row["chat_jid"],
        row["seq"],
        row["external_id"],
        row["sender"],
        row["sender_name"],
        row["content"],
        from_epoch_ms(row["sent_at"]),
        from_epoch_ms(row["stored_at"]),
        MessageKind(row["kind"]),
    )


def prompt_message_of(row: Row) -> ChatMessage:
    """With the question it answers, if any."""
    message = message_of(row)
    if row["question"] is None:
        return message
    return replace(message, answers=AnsweredQuestion(row["question"], json.loads(row["choices"])[row["choice"]]))


def group_of(row: Row) -> Group:
    config = row["container_config"]
    return Group(
        row["jid"],
        row["name"],
        row["folder"],
        row["trigger_text"],
        bool(row["requires_trigger"]),
        row["runtime"],
        row["model"],
        None if config is None else json.loads(config),
        from_epoch_ms(row["added_at"]),
        Network(row["network"]),
    )


def progress_of(row: Row) -> GroupProgress:
    return GroupProgress(
        group_of(row),
        row["last_seq"],
        row["last_request_seq"],
        row["settled_seq"],
        row["context_seq"],
        row["attempts"],
        _not_before_of(row),
        instant_or_none(row["waiting_since"]),
        row["generation"],
    )


def ready_chat_of(row: Row) -> ReadyChat:
    return ReadyChat(row["jid"], row["folder"], from_epoch_ms(row["waiting_since"]))


def session_of(row: Row) -> Session:
    return Session(row["folder"], row["session_id"], row["generation"], row["runtime"], row["model"])


def run_of(row: Row) -> RunRecord:
    outcome = row["outcome"]
    has_process = row["pid"] is not None
    return RunRecord(
        run_id=row["run_id"],
        folder=row["folder"],
        chat_jid=row["chat_jid"],
        epoch=row["epoch"],
        generation=row["generation"],
        attempt=row["attempt"],
        has_effects=bool(row["has_effects"]),
        outcome=None if outcome is None else Outcome(outcome),
        error=row["error"],
        opened_at=from_epoch_ms(row["opened_at"]),
        started_at=instant_or_none(row["started_at"]),
        first_frame_at=instant_or_none(row["first_frame_at"]),
        ended_at=instant_or_none(row["ended_at"]),
        identity=ProcessIdentity(row["engine"], row["sandbox_name"], row["pid"], row["start_ticks"])
        if has_process
        else None,
        log_path=row["log_path"],
        runtime=row["runtime"],
        model=row["model"],
        task_id=row["task_id"],
        fire_at=instant_or_none(row["fire_at"]),
    )


def outbox_row_of(row: Row, channel: str) -> OutboxRow:
    return OutboxRow(
        outbox_id=row["outbox_id"],
        chat_jid=row["chat_jid"],
        channel=channel,
        position=row["position"],
        kind=TextKind(row["kind"]),
        text=row["content"],
        state=OutboxState(row["state"]),
        attempts=row["attempts"],
        is_repeat=bool(row["is_repeat"]),
        epoch=row["epoch"],
        run_id=row["run_id"],
        created_at=from_epoch_ms(row["created_at"]),
        not_before=_not_before_of(row),
        channel_ids=tuple(json.loads(row["channel_ids"])),
        error=row["error"],
        buttons=tuple(Button(label, data) for label, data in json.loads(row["buttons"])),
        attachment=None if row["attachment"] is None else Attachment(**json.loads(row["attachment"])),
    )


def question_of(row: Row) -> Question:
    return Question(
        question_id=row["question_id"],
        chat_jid=row["chat_jid"],
        text=row["content"],
        choices=tuple(json.loads(row["choices"])),
        state=QuestionState(row["state"]),
        asked_at=from_epoch_ms(row["asked_at"]),
        answer_seq=row["answer_seq"],
        choice=row["choice"],
    )


def lease_of(row: Row) -> LeaseRow:
    is_held = row["boot_id"] is not None
    return LeaseRow(
        row["duty"],
        Holder(row["boot_id"], row["pid"], row["start_ticks"]) if is_held else None,
        row["epoch"],
        row["renewals"],
    )


def event_of(row: Row) -> EventRow:
    return EventRow(
        from_epoch_ms(row["at"]),
        row["code"],
        row["chat_jid"],
        row["folder"],
        row["run_id"],
        row["seq"],
        row["detail"],
        row["task_id"],
    )


def task_of(row: Row, default_zone: str) -> ScheduledTask:
    """A row without a zone follows the settings."""
    return ScheduledTask(
        task_id=row["id"],
        group_folder=row["group_folder"],
        chat_jid=row["chat_jid"],
        prompt=row["prompt"],
        schedule_type=row["schedule_type"],
        schedule_value=row["schedule_value"],
        context_mode=row["context_mode"],
        next_run=instant_or_none(row["next_run"]),
        last_run=instant_or_none(row["last_run"]),
        last_result=row["last_result"],
        status=row["status"],
        created_at=from_epoch_ms(row["created_at"]),
        zone=default_zone if row["zone"] is None else row["zone"],
        misfire=MisfirePolicy(row["misfire"]),
        overlap=OverlapPolicy(row["overlap"]),
        anchor_at=from_epoch_ms(row["anchor_at"]),
        number=row["number"],
        failures=row["failures"],
    )


def fire_of(row: Row) -> Fire:
    return Fire(
        task_id=row["task_id"],
        fire_at=from_epoch_ms(row["fire_at"]),
        through=from_epoch_ms(row["through"]),
        folder=row["folder"],
        chat_jid=row["chat_jid"],
        state=FireState(row["state"]),
        reason=row["reason"],
        is_late=bool(row["is_late"]),
        is_manual=row["manual_key"] is not None,
        attempts=row["attempts"],
        not_before=_not_before_of(row),
        run_id=row["run_id"],
        claimed_at=from_epoch_ms(row["claimed_at"]),
        settled_at=instant_or_none(row["settled_at"]),
    )


def ready_task_of(row: Row) -> ReadyTask:
    return ReadyTask(row["jid"], row["folder"], from_epoch_ms(row["waiting_since"]))
