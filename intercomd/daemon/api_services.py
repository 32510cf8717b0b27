"""What the API is given: the store, addresses, and facts that are read without waiting."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from intercomd import __version__
from intercomd.actors.held_lease import HeldLease
from intercomd.api.services import Facts, Services
from intercomd.channels.local import LocalChannel, LocalHints
from intercomd.daemon.bridges import telegram_services
from intercomd.daemon.control import Control
from intercomd.daemon.desks import task_desk
from intercomd.daemon.ingredients import Boards
from intercomd.daemon.legacy import find_credential_origin
from intercomd.daemon.model_access import open_keyring
from intercomd.daemon.operator_desk import OperatorDesk
from intercomd.daemon.orchestration import Orchestration
from intercomd.daemon.parts import Addresses, Parts
from intercomd.daemon.preflight import Preflight
from intercomd.daemon.process import is_gone
from intercomd.desk.why import WhyDesk
from intercomd.domain.mailbox import Poll
from intercomd.domain.orchestrator import State
from intercomd.supervision.port import Address
from intercomd.supervision.tree import SupervisionTree


@dataclass(frozen=True, slots=True)
class Assembled:
    """The process as it is put together, before anything runs. `started_at` is in monotonic seconds."""

    parts: Parts
    boards: Boards
    control: Control
    to: Addresses
    tree: SupervisionTree
    orchestration: Orchestration
    started_at: float


def api_services(it: Assembled, stack: ExitStack) -> Services:
    """`stack` ends what the services start for themselves."""
    parts, to, settings = it.parts, it.to, it.parts.settings
    keyring = open_keyring(settings.storage.data_dir.resolve(), os.environ, parts.clock)
    return Services(
        store=parts.store,
        commands=to.commands,
        message_loop=to.message_loop,
        dispatcher=to.dispatcher,
        leaves={"session_store": to.session_store, "commands": to.commands, "outbox": to.outbox},
        orchestrator_leaves=_orchestrator_leaves(it),
        snapshot=it.tree.snapshot,
        local=_local_channel(it),
        facts=Facts(
            orchestrator=lambda: it.orchestration.view,
            slots=lambda: it.boards.slots.view,
            is_telegram_enabled=lambda: parts.bot is not None,
            runtime_profiles=tuple(settings.runtimes.profiles),
            default_runtime=settings.runtimes.default_runtime,
            restricts_demarch_writes=settings.demarch.require_main_group_for_writes,
            is_scheduler_active=lambda: settings.scheduler.enabled and it.orchestration.view.state is not State.IDLE,
            model_usage=parts.model_usage,
            duties=lambda: {duty: _standing(lease) for duty, lease in parts.leases.items()},
        ),
        on_groups_changed=lambda: _poll(to.message_loop),
        clock=parts.clock,
        started_at=it.started_at,
        version=__version__,
        bind=str(settings.server.bind),
        desk=OperatorDesk(
            parts.store.holds,
            to.hold_watcher,
            it.control,
            it.orchestration.board,
            it.boards.duty,
            parts.holder,
            parts.clock,
        ),
        preflight=Preflight(
            settings,
            parts.store,
            parts.choose_engine,
            parts.holder,
            is_gone,
            os.environ,
            lambda runtime: find_credential_origin(parts.settings, keyring, runtime),
        ).run,
        telegram=telegram_services(parts, to, parts.tools, stack),
        demarch=parts.tools,
        why=WhyDesk(
            parts.store,
            parts.clock,
            ZoneInfo(settings.scheduler.timezone),
            lambda: _idle_reason(it),
            has_scheduler=settings.scheduler.enabled,
        ),
        tasks=task_desk(parts.store, parts.clock, parts.new_id, settings.scheduler.timezone, to.scheduler),
        main_folder=settings.orchestrator.main_group_folder,
    )


def _orchestrator_leaves(it: Assembled) -> dict[str, Address]:
    leaves = {"dispatcher": it.to.dispatcher, "message_loop": it.to.message_loop}
    return leaves | ({"scheduler": it.to.scheduler} if it.parts.settings.scheduler.enabled else {})


def _idle_reason(it: Assembled) -> str | None:
    view = it.orchestration.view
    if view.state is State.ACTIVE:
        return None
    return f"the orchestrator is {view.state}" + (f" ({view.reason})" if view.reason else "")


def _local_channel(it: Assembled) -> LocalChannel | None:
    channel = it.parts.settings.channels.local
    if not channel.enabled:
        return None
    hints = LocalHints(it.to.message_loop, it.to.commands)
    parts = it.parts
    return LocalChannel(parts.store, parts.clock, hints, it.boards.live, registers_chats=channel.auto_register)


def _standing(lease: HeldLease) -> str:
    if lease.epoch is None:
        return "not held"
    return "held" if lease.is_usable else "suspended"


def _poll(message_loop: Address) -> None:
    message_loop.hint(Poll())
