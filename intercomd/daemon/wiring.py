"""Which actors there are, what each is given, and how they hang together: the supervision tree as data."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from intercomd.actors.commands import CommandParts, Commands
from intercomd.actors.dispatcher import QUEUE_PREFIX, Dispatcher
from intercomd.actors.group_queue import GroupQueue, QueueParts
from intercomd.actors.held_lease import HeldLease
from intercomd.actors.hold_watcher import HoldWatcher
from intercomd.actors.housekeeper import Housekeeper, Retention
from intercomd.actors.lease_keeper import LeaseKeeper, LeaseTimes
from intercomd.actors.message_loop import MessageLoop
from intercomd.actors.outbox import Outbox, Route
from intercomd.actors.run import Run
from intercomd.actors.run_parts import RunParts, RunTimes
from intercomd.actors.scheduler import Scheduler
from intercomd.actors.session_store import SessionStore
from intercomd.actors.slots import SlotsView
from intercomd.actors.task_commands import TaskCommands
from intercomd.channels.host_bridge import NAME as HOST_BRIDGE
from intercomd.channels.host_bridge import HostBridge
from intercomd.channels.host_client import HostClient
from intercomd.channels.local import LocalSender
from intercomd.channels.telegram.bot_api import DEADLINE, BotApi
from intercomd.channels.telegram.sender import DELIVERY_TIMEOUT as TELEGRAM_DELIVERY_TIMEOUT
from intercomd.channels.telegram.sender import TelegramSender
from intercomd.clock import Clock
from intercomd.daemon.agent_files import TEXT_PART_LIMIT, make_file_desk, make_ipc_watcher
from intercomd.daemon.desks import task_desk
from intercomd.daemon.parts import Addresses, Parts, addresses_in
from intercomd.desk.groups import GroupDesk
from intercomd.desk.why import WhyDesk
from intercomd.domain.ids import ChatJid, DutyName, Epoch, Folder
from intercomd.domain.leases import DISPATCH, IPC, delivery_duty
from intercomd.domain.mailbox import LookAtHold, SandboxesLive
from intercomd.domain.rights import CommandPolicy
from intercomd.domain.routing import LOCAL, TELEGRAM, channel_of
from intercomd.domain.runs import OpenedRun
from intercomd.ipc.outbox_files import OutboxFiles
from intercomd.sandbox.run_log import prune_run_logs
from intercomd.settings.model import Settings
from intercomd.store.ports import InputLimits, RetryPolicy
from intercomd.supervision.addresses import AddressBook
from intercomd.supervision.port import (
    Actor,
    Address,
    ChildSpec,
    Context,
    DynamicSpec,
    Strategy,
    SupervisorSpec,
)

_LOCAL_DELIVERY_TIMEOUT = timedelta(seconds=5)
_RUNS_ELSEWHERE = "this process does not run the agents (`intercomd orchestrator status` says who does)"
_HOST_DEADLINE = timedelta(seconds=5)
"""For one text, as in the existing system; at most a third of a lease, so that no text leaves after the lease."""
_BRIDGE_DELIVERY_TIMEOUT = timedelta(seconds=30)
"""More than a text of every bridged channel can take."""


def own_channels(settings: Settings) -> frozenset[str]:
    """The channels that this process drives itself."""
    is_own = {LOCAL: settings.channels.local.enabled, TELEGRAM: settings.channels.telegram.bot_token is not None}
    return frozenset(channel for channel, own in is_own.items() if own)


def held_leases(clock: Clock, channels: frozenset[str] = frozenset({LOCAL})) -> dict[DutyName, HeldLease]:
    """One for every duty this process can own. Delivering for `channels`, its own and the bridged ones, and the files
    of agents are always wanted; `Orchestration` decides about dispatch."""
    leases = {duty: HeldLease(duty, clock) for duty in (DISPATCH, IPC, *map(delivery_duty, sorted(channels)))}
    for duty, lease in leases.items():
        lease.is_wanted = duty != DISPATCH
    return leases


def tree_spec(parts: Parts, book: AddressBook) -> SupervisorSpec:
    """The whole tree. Outbox stands before the channels, so that it is there until the last of them has reported. The
    orchestrator starts idle: `Orchestration` activates it when it is wanted and its lease ours.
    """
    to = addresses_in(book)
    return SupervisorSpec(
        "root",
        children=(
            ChildSpec("session_store", lambda context: SessionStore(parts.store.sessions, parts.clock)),
            ChildSpec("commands", lambda context: _commands(parts, to, context)),
            ChildSpec("lease_keeper", lambda context: _lease_keeper(parts, to, context)),
            ChildSpec("hold_watcher", lambda context: _hold_watcher(parts, context)),
            ChildSpec("ipc_watcher", lambda context: make_ipc_watcher(parts, to, context)),
            ChildSpec("outbox", lambda context: _outbox(parts, to, context)),
            SupervisorSpec("channels", children=_channels(parts, to)),
            ChildSpec("housekeeper", lambda context: _housekeeper(parts, context)),
            SupervisorSpec(
                "orchestrator",
                Strategy.REST_FOR_ONE,
                children=(
                    DynamicSpec("runs"),
                    ChildSpec("dispatcher", lambda context: _dispatcher(parts, to, book, context)),
                    ChildSpec("message_loop", lambda context: _message_loop(parts, to, context)),
                    *_scheduler_spec(parts, to),
                ),
                starts_idle=True,
            ),
        ),
    )


def _channels(parts: Parts, to: Addresses) -> tuple[ChildSpec, ...]:
    children = []
    if LOCAL in own_channels(parts.settings):
        children.append(ChildSpec(LOCAL, lambda context: LocalSender(to.outbox, parts.live_board)))
    if parts.bot is not None:
        bot = parts.bot
        children.append(ChildSpec(TELEGRAM, lambda context: _telegram(parts, bot, to), stop_timeout=2 * DEADLINE))
    if parts.bridged:
        stop_timeout = 2 * _HOST_DEADLINE
        children.append(ChildSpec(HOST_BRIDGE, lambda context: _host_bridge(parts, to), stop_timeout=stop_timeout))
    return tuple(children)


def _telegram(parts: Parts, bot: BotApi, to: Addresses) -> Actor:
    lease = parts.leases[delivery_duty(TELEGRAM)]
    files = OutboxFiles(parts.layout.outbox_files_root)

    def is_ours(epoch: Epoch) -> bool:
        return lease.is_usable and lease.epoch == epoch

    return TelegramSender(bot, files, to.outbox, parts.live_board, is_ours)


def _host_bridge(parts: Parts, to: Addresses) -> Actor:
    third_of_lease = timedelta(milliseconds=parts.settings.orchestrator.lease_ms) / 3
    deadline = min(_HOST_DEADLINE, third_of_lease)
    client = HostClient(parts.settings.server.host_callback_url, deadline, parts.clock)
    leases = {channel: parts.leases[delivery_duty(channel)] for channel in parts.bridged}
    return HostBridge(client, to.outbox, leases)


def _commands(parts: Parts, to: Addresses, context: Context) -> Actor:
    return Commands(
        CommandParts(
            parts.store,
            to.session_store,
            to.dispatcher,
            to.message_loop,
            to.outbox,
            parts.settings.assistant.name,
            _default_model(parts.settings),
            parts.new_id,
            parts.clock,
            TaskCommands(
                task_desk(parts.store, parts.clock, parts.new_id, parts.settings.scheduler.timezone, to.scheduler),
                parts.settings.orchestrator.main_group_folder,
            ),
            GroupDesk(parts.store, parts.settings.orchestrator.main_group_folder, lambda: None, parts.clock),
            parts.settings.orchestrator.main_group_folder,
            CommandPolicy(
                frozenset(parts.settings.commands.operators), frozenset(parts.settings.commands.restricted)
            ),
            WhyDesk(
                parts.store,
                parts.clock,
                ZoneInfo(parts.settings.scheduler.timezone),
                lambda: None if parts.leases[DISPATCH].epoch is not None else _RUNS_ELSEWHERE,
                has_scheduler=parts.settings.scheduler.enabled,
            ),
            lambda: parts.leases[DISPATCH].epoch is not None,
        ),
        context,
    )


def _default_model(settings: Settings) -> str:
    """The model of groups that chose none; the rules of the settings have seen to it that the profile exists."""
    return settings.runtimes.profiles[settings.runtimes.default_runtime].default_model


def _lease_keeper(parts: Parts, to: Addresses, context: Context) -> Actor:
    def on_change(duty: DutyName) -> None:
        parts.on_lease_change(duty)
        to.hold_watcher.hint(LookAtHold())

    return LeaseKeeper(
        parts.store.leases,
        parts.leases,
        parts.holder,
        LeaseTimes(timedelta(milliseconds=parts.settings.orchestrator.lease_ms)),
        parts.clock,
        parts.is_gone,
        on_change,
        context,
    )


def _hold_watcher(parts: Parts, context: Context) -> Actor:
    return HoldWatcher(DISPATCH, parts.store.holds, parts.store.leases, parts.publish_duty, context)


def _outbox(parts: Parts, to: Addresses, context: Context) -> Actor:
    routes = [
        Route(
            channel,
            to.host_bridge,
            parts.leases[delivery_duty(channel)],
            is_idempotent=HostBridge.is_idempotent,
            delivery_timeout=_BRIDGE_DELIVERY_TIMEOUT,
        )
        for channel in sorted(parts.bridged)
    ]
    if parts.bot is not None:
        routes.append(
            Route(
                TELEGRAM,
                to.telegram,
                parts.leases[delivery_duty(TELEGRAM)],
                is_idempotent=TelegramSender.is_idempotent,
                delivery_timeout=TELEGRAM_DELIVERY_TIMEOUT,
            )
        )
    if LOCAL in own_channels(parts.settings):
        routes.append(
            Route(
                LOCAL,
                to.local,
                parts.leases[delivery_duty(LOCAL)],
                is_idempotent=LocalSender.is_idempotent,
                delivery_timeout=_LOCAL_DELIVERY_TIMEOUT,
            )
        )
    return Outbox(
        parts.store.outbox,
        {route.channel: route for route in routes},
        parts.clock,
        context,
        resends_unknown=parts.settings.outbox.resend_unknown,
        text_lifetime=timedelta(hours=parts.settings.outbox.expire_hours),
        publish_in_flight=parts.publish_in_flight,
    )


def _housekeeper(parts: Parts, context: Context) -> Actor:
    sandbox, kept = parts.settings.sandbox, parts.settings.retention
    return Housekeeper(
        parts.store,
        parts.layout.log_directory,
        prune_run_logs,
        parts.layout.sweep_run_folders,
        parts.end_strays,
        OutboxFiles(parts.layout.outbox_files_root),
        Retention(
            sandbox.log_keep_runs,
            timedelta(days=sandbox.log_keep_days),
            timedelta(days=kept.events_days),
            timedelta(days=kept.runs_days),
            timedelta(days=kept.texts_days),
        ),
        parts.clock,
        context,
    )


def _message_loop(parts: Parts, to: Addresses, context: Context) -> Actor:
    interval = timedelta(milliseconds=parts.settings.orchestrator.poll_interval_ms)
    return MessageLoop(parts.store.groups, to.dispatcher, interval, parts.clock, context)


def _scheduler_spec(parts: Parts, to: Addresses) -> tuple[ChildSpec, ...]:
    if not parts.settings.scheduler.enabled:
        return ()
    return (ChildSpec("scheduler", lambda context: _scheduler(parts, to, context)),)


def _scheduler(parts: Parts, to: Addresses, context: Context) -> Actor:
    interval = timedelta(milliseconds=parts.settings.scheduler.poll_interval_ms)
    return Scheduler(parts.store.tasks, parts.leases[DISPATCH], to.dispatcher, interval, parts.clock, context)


def _dispatcher(parts: Parts, to: Addresses, book: AddressBook, context: Context) -> Actor:
    """The engine is chosen here, so that a machine without one has an orchestrator that failed, and says why."""
    engine = parts.choose_engine()
    note_effects = make_file_desk(parts, to).note_effects
    limits, retry = InputLimits(), RetryPolicy()
    children = book.children("orchestrator/runs")
    run_parts = RunParts(
        parts.store.runs,
        parts.make_launcher(engine),
        parts.leases[DISPATCH],
        to.outbox,
        to.session_store,
        lambda jid: to.local if channel_of(ChatJid(jid)) == LOCAL else None,
        parts.new_id,
        limits,
        retry,
        RunTimes(
            timedelta(milliseconds=parts.settings.sandbox.run_timeout_ms),
            timedelta(milliseconds=parts.settings.orchestrator.idle_timeout_ms),
        ),
        TEXT_PART_LIMIT,
        parts.clock,
        note_effects,
    )

    def make_run(opened: OpenedRun, queue: Address, run_context: Context) -> Actor:
        return Run(opened, run_parts, queue, run_context)

    queue_parts = QueueParts(
        parts.store.runs,
        engine,
        parts.layout.lock_path,
        parts.leases[DISPATCH],
        children,
        to.dispatcher,
        to.outbox,
        make_run,
        parts.new_id,
        limits,
        retry,
        parts.clock,
        note_effects,
    )

    def make_queue(folder: Folder, queue_context: Context) -> Actor:
        return GroupQueue(folder, queue_parts, queue_context)

    return Dispatcher(
        parts.store.runs,
        parts.leases[DISPATCH],
        children,
        to.message_loop,
        to.scheduler,
        make_queue,
        lambda folder: book.address(f"orchestrator/runs/{QUEUE_PREFIX}{folder}"),
        parts.settings.orchestrator.max_concurrent_containers,
        parts.clock,
        lambda view: _publish_slots(view, parts, to),
        context,
    )


def _publish_slots(view: SlotsView, parts: Parts, to: Addresses) -> None:
    parts.publish_slots(view)
    to.ipc_watcher.hint(SandboxesLive(frozenset(Folder(name) for name in view.live)))
