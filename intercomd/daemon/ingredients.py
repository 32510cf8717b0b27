"""From the settings to what the actors are made from: store, layout, launcher, leases, and where they publish."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta

from intercomd.actors.hold_watcher import DutySeen
from intercomd.actors.slots import SlotsView
from intercomd.channels.live import LiveBoard
from intercomd.clock import Clock
from intercomd.daemon.agent_files import make_snapshots
from intercomd.daemon.aside import AsideThreads
from intercomd.daemon.boards import Board
from intercomd.daemon.bridges import demarch_tools
from intercomd.daemon.control import Control, SomethingChanged
from intercomd.daemon.engines import container_settings, install_id
from intercomd.daemon.launching import AgentChoices, SandboxLauncher
from intercomd.daemon.legacy import legacy_runtimes
from intercomd.daemon.model_access import open_gateway
from intercomd.daemon.parts import Parts
from intercomd.daemon.process import IdSource, is_gone, own_holder
from intercomd.daemon.snapshots import LauncherWithSnapshots
from intercomd.daemon.wiring import held_leases, own_channels
from intercomd.sandbox.choice import choose_engine, end_strays, make_engines
from intercomd.sandbox.layout import Layout
from intercomd.settings.model import Settings
from intercomd.store.opening import StoreSettings, open_store
from intercomd.store.ports import Store


@dataclass(frozen=True, slots=True)
class Boards:
    """What actors publish for the main thread and the API."""

    slots: Board[SlotsView]
    duty: Board[DutySeen]
    in_flight: Board[int | None]
    live: LiveBoard




def open_configured_store(settings: Settings) -> Store:
    """The store that the settings name."""
    dsn = settings.storage.postgres_dsn
    return open_store(
        StoreSettings(
            assistant_name=settings.assistant.name,
            main_folder=settings.orchestrator.main_group_folder,
            sqlite_path=None if dsn else settings.storage.sqlite_path,
            postgres_dsn=dsn.reveal() if dsn else None,
            default_zone=settings.scheduler.timezone,
        )
    )


def make_parts(
    settings: Settings,
    bridged: frozenset[str],
    store: Store,
    control: Control,
    boards: Boards,
    clock: Clock,
) -> Parts:
    """Everything the actors are made from; `bridged` are the channels that live in the host."""
    storage = settings.storage
    layout = Layout(storage.data_dir, storage.groups_dir, install_id(settings), settings.runtimes.programs_dir)
    engines = make_engines(container_settings(settings, os.environ), clock)
    choices = AgentChoices(
        assistant_name=settings.assistant.name,
        main_folder=settings.orchestrator.main_group_folder,
        timezone=settings.scheduler.timezone,
        default_runtime=settings.runtimes.default_runtime,
        default_models={name: profile.default_model for name, profile in settings.runtimes.profiles.items()},
        silence=timedelta(milliseconds=settings.sandbox.run_timeout_ms),
        mount_allowlist=settings.sandbox.mount_allowlist.expanduser(),
        legacy=legacy_runtimes(settings),
    )
    snapshots = make_snapshots(store, settings, layout.views_root, clock)
    gateway = open_gateway(settings, os.environ, clock)
    return Parts(
        settings=settings,
        store=store,
        choose_engine=lambda: choose_engine(settings.sandbox.engine, engines),
        end_strays=lambda list_live: end_strays(engines, layout.lock_directory, list_live),
        make_launcher=lambda engine: LauncherWithSnapshots(
            SandboxLauncher(engine, layout, choices, gateway, clock), snapshots, choices.main_folder
        ),
        layout=layout,
        leases=held_leases(clock, own_channels(settings) | bridged),
        holder=own_holder(),
        is_gone=is_gone,
        on_lease_change=lambda _duty: control.post(SomethingChanged()),
        publish_slots=lambda view: _publish_slots(view, boards.slots, control),
        publish_duty=lambda seen: _publish_duty(seen, boards.duty, control),
        live_board=boards.live,
        tools=demarch_tools(settings, os.environ),
        aside=AsideThreads(),
        new_id=IdSource(clock),
        clock=clock,
        model_usage=gateway.usage,
        bridged=bridged,
        publish_in_flight=boards.in_flight.publish,
    )


def _publish_slots(view: SlotsView, board: Board[SlotsView], control: Control) -> None:
    """The main thread follows the slots only while it waits for their end."""
    board.publish(view)
    if view.is_draining:
        control.post(SomethingChanged())


def _publish_duty(seen: DutySeen, board: Board[DutySeen], control: Control) -> None:
    has_changed = seen != board.view
    board.publish(seen)
    if has_changed:
        control.post(SomethingChanged())
