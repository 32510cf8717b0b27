"""Scheduled tasks as they stand in JSON answers."""

from __future__ import annotations

from intercomd.api.views import View, instant
from intercomd.desk.tasks import SchedulePreview
from intercomd.domain.scheduled import Fire, ScheduledTask
from intercomd.domain.schedules.preview import PreviewedFire
from intercomd.domain.schedules.wording import schedule_in_words
from intercomd.domain.task_texts import local_time


def task_view(task: ScheduledTask) -> View:
    """A task; `schedule` is its schedule in words, `next_run_local` what the clock of its zone shows then."""
    return {
        "task_id": task.task_id,
        "folder": task.group_folder,
        "number": task.number,
        "chat_jid": task.chat_jid,
        "prompt": task.prompt,
        "schedule_type": task.schedule_type,
        "schedule_value": task.schedule_value,
        "schedule": schedule_in_words(task.schedule_type, task.schedule_value),
        "timezone": task.zone,
        "context_mode": task.context_mode,
        "misfire": task.misfire,
        "overlap": task.overlap,
        "status": task.status,
        "next_run": instant(task.next_run),
        "next_run_local": local_time(task.next_run, task.zone),
        "last_run": instant(task.last_run),
        "last_result": task.last_result,
        "failures": task.failures,
        "created_at": instant(task.created_at),
    }


def fire_view(fire: Fire) -> View:
    return {
        "task_id": fire.task_id,
        "fire_at": instant(fire.fire_at),
        "through": instant(fire.through),
        "state": fire.state,
        "reason": fire.reason,
        "is_late": fire.is_late,
        "is_manual": fire.is_manual,
        "attempts": fire.attempts,
        "not_before": instant(fire.not_before),
        "run_id": fire.run_id,
        "claimed_at": instant(fire.claimed_at),
        "settled_at": instant(fire.settled_at),
    }


def preview_view(preview: SchedulePreview) -> View:
    return {
        "schedule": preview.words,
        "timezone": preview.zone,
        "fires": [_previewed(fire) for fire in preview.fires],
    }


def _previewed(fire: PreviewedFire) -> View:
    return {"at": instant(fire.fire_at), "local": fire.local.isoformat(timespec="seconds"), "warning": fire.warning}
