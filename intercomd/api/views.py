"""Domain values as they stand in JSON answers; instants are ISO 8601 in UTC with milliseconds."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from intercomd.channels.local import Updates
from intercomd.domain.chat import Chat, ChatMessage, GroupProgress
from intercomd.domain.commands import ClearSession, CommandResult, Effect, KillContainer, RetryLast, SwitchModel
from intercomd.domain.instants import iso_ms
from intercomd.domain.outbox import OutboxRow
from intercomd.domain.runs import RunRecord

View = dict[str, object]


def instant(value: datetime | None) -> str | None:
    return iso_ms(value) if value else None


def group_view(progress: GroupProgress) -> View:
    """A group with its numbers: last, requested, settled and context positions, and how long it has waited."""
    group = progress.group
    return {
        "jid": group.jid,
        "name": group.name,
        "folder": group.folder,
        "trigger": group.trigger,
        "requires_trigger": group.requires_trigger,
        "runtime": group.runtime,
        "model": group.model,
        "network": group.network,
        "added_at": instant(group.added_at),
        "last_seq": progress.last_seq,
        "last_request_seq": progress.last_request_seq,
        "settled_seq": progress.settled_seq,
        "context_seq": progress.context_seq,
        "generation": progress.generation,
        "has_pending": progress.has_pending,
        "attempts": progress.attempts,
        "waiting_since": instant(progress.waiting_since),
        "not_before": instant(progress.not_before),
    }


def run_view(run: RunRecord) -> View:
    identity = run.identity
    return {
        "run_id": run.run_id,
        "folder": run.folder,
        "chat_jid": run.chat_jid,
        "outcome": run.outcome,
        "error": run.error,
        "attempt": run.attempt,
        "has_effects": run.has_effects,
        "epoch": run.epoch,
        "generation": run.generation,
        "runtime": run.runtime,
        "model": run.model,
        "opened_at": instant(run.opened_at),
        "started_at": instant(run.started_at),
        "first_frame_at": instant(run.first_frame_at),
        "ended_at": instant(run.ended_at),
        "sandbox": {"engine": identity.engine, "name": identity.name, "pid": identity.pid} if identity else None,
        "log_path": run.log_path,
    }


def outbox_view(row: OutboxRow) -> View:
    return {
        "outbox_id": row.outbox_id,
        "chat_jid": row.chat_jid,
        "channel": row.channel,
        "position": row.position,
        "kind": row.kind,
        "text": row.text,
        "state": row.state,
        "attempts": row.attempts,
        "is_repeat": row.is_repeat,
        "run_id": row.run_id,
        "created_at": instant(row.created_at),
        "not_before": instant(row.not_before),
        "channel_ids": row.channel_ids,
        "attachment": None if row.attachment is None else asdict(row.attachment),
        "error": row.error,
    }


def chat_view(chat: Chat) -> View:
    return {
        "jid": chat.jid,
        "name": chat.name,
        "last_seq": chat.last_seq,
        "last_message_at": instant(chat.last_message_at),
    }


def message_view(message: ChatMessage) -> View:
    return {
        "seq": message.seq,
        "id": message.external_id,
        "sender_name": message.sender_name,
        "text": message.content,
        "kind": message.kind,
        "sent_at": instant(message.sent_at),
        "stored_at": instant(message.stored_at),
    }


def updates_view(updates: Updates) -> View:
    live = updates.live
    return {
        "messages": [message_view(message) for message in updates.messages],
        "live": {"text": live.text, "tool": live.tool} if live.is_shown else None,
        "live_version": live.version,
        "last_seq": updates.last_seq,
    }


def command_view(result: CommandResult) -> View:
    """The keys that clients of the existing system read (original.md §5.4)."""
    view: View = {"text": result.text}
    if result.parse_mode is not None:
        view["parse_mode"] = result.parse_mode
    if result.effects:
        view["effects"] = [_effect_view(effect) for effect in result.effects]
    return view


def _effect_view(effect: Effect) -> object:
    match effect:
        case SwitchModel(model_id=model_id, runtime=runtime):
            return {"SwitchModel": {"model_id": model_id, "runtime": runtime}}
        case KillContainer() | ClearSession() | RetryLast():
            return type(effect).__name__
