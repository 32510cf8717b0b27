"""`intercomd serve`: start everything in order, follow events until told to stop, stop everything in reverse.

Start: data folders, store, sandbox engine, listening socket, supervision tree, address file, READY, orchestrator.
Stop: STOPPING, drain the orchestrator (the main loop goes on meanwhile), API, tree, store. Whatever fails on the way
up ends the process with one line. What differs in `intercomd host` is its `Shape`.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from intercomd.actors.hold_watcher import DutySeen
from intercomd.api.access import read_token
from intercomd.api.app import App, create_app
from intercomd.api.binding import ListenError
from intercomd.api.server import ApiServer, ServerOptions
from intercomd.channels.live import LiveBoard
from intercomd.clock import SystemClock
from intercomd.daemon.address_file import AddressFile
from intercomd.daemon.agent_files import daemon_toolbox
from intercomd.daemon.api_services import Assembled, api_services
from intercomd.daemon.boards import Board, slot_board
from intercomd.daemon.bridges import open_bot
from intercomd.daemon.control import Control, StopAsked, TreeGaveUp, TryAgain
from intercomd.daemon.housekeeping import Timetable
from intercomd.daemon.ingredients import Boards, make_parts, open_configured_store
from intercomd.daemon.legacy import warn_of_legacy
from intercomd.daemon.notify import ServiceManager
from intercomd.daemon.orchestration import Orchestration, Surroundings
from intercomd.daemon.parts import Addresses, Parts, addresses_in
from intercomd.daemon.shape import DAEMON, Running, Shape
from intercomd.daemon.wiring import own_channels, tree_spec
from intercomd.domain.leases import DISPATCH
from intercomd.domain.mailbox import StopClaiming
from intercomd.domain.routing import bridged_channels
from intercomd.errors import IntercomError
from intercomd.logs import EventLog
from intercomd.settings.model import Settings
from intercomd.supervision.addresses import AddressBook
from intercomd.supervision.errors import StartFailed
from intercomd.supervision.port import Address
from intercomd.supervision.tree import SupervisionTree

EXIT_OK, EXIT_CRASH, EXIT_TRY_LATER = 0, 70, 75
_TICK_S = 1.0
_STOP_TIME = timedelta(seconds=15)
_API_GRACE = timedelta(seconds=5)
_DELIVERY_SECONDS = 6.0
_STALLED_S = 10.0
"""A supervisor that made no progress for so long gets no watchdog message."""
_log = EventLog("daemon")


def serve(settings: Settings, shape: Shape = DAEMON) -> int:
    """Run the process until a signal or a defect ends it; returns the exit code. Raises `IntercomError` when it cannot
    start at all (a database that cannot be used, no token, no data folder)."""
    control, manager = Control(), ServiceManager(os.environ)
    with control.signals(), ExitStack() as stack:
        try:
            daemon = _start(settings, shape, control, stack)
        except ListenError as error:
            _log.error("daemon.cannot_listen", error=error)
            return EXIT_TRY_LATER
        except StartFailed as error:
            _log.error("daemon.cannot_start", error=error)
            return EXIT_CRASH
        manager.ready(f"listening at {daemon.url}")
        code = _follow(control, daemon, manager)
    _log.info("daemon.stopped", code=code)
    return code


@dataclass(frozen=True, slots=True)
class _Daemon:
    """What the main loop works with."""

    orchestration: Orchestration
    tree: SupervisionTree
    timetable: Timetable
    address_file: AddressFile
    url: str


def _start(settings: Settings, shape: Shape, control: Control, stack: ExitStack) -> _Daemon:
    """Start everything; `stack` undoes it in reverse, also when a later step fails."""
    clock = SystemClock()
    started_at = clock.monotonic()
    _make_folder(settings.storage.data_dir)
    token = read_token(settings.server.bind, settings.server.api_token_file)
    store = open_configured_store(settings)
    stack.callback(store.close)
    book = AddressBook()
    slots = slot_board(settings.orchestrator.max_concurrent_containers)
    boards = Boards(slots, Board(DutySeen()), Board(None), LiveBoard())
    channels = own_channels(settings)
    bridged = bridged_channels(channels) if shape.bridges_to_host else frozenset()
    warn_of_legacy(settings)
    parts = replace(make_parts(settings, bridged, store, control, boards, clock), bot=open_bot(settings, stack))
    stack.callback(parts.aside.close)
    to = addresses_in(book)
    tree = SupervisionTree(
        tree_spec(parts, book), book, clock=clock, on_give_up=lambda reason: control.post(TreeGaveUp(reason))
    )
    lease = parts.leases[DISPATCH]
    orchestration = Orchestration(
        Surroundings(tree, lease, to.lease_keeper, to.dispatcher, boards.duty, boards.slots, clock),
        is_enabled=settings.orchestrator.enabled,
        grace=timedelta(milliseconds=settings.orchestrator.grace_ms),
    )
    services = api_services(Assembled(parts, boards, control, to, tree, orchestration, started_at), stack)
    server = _api(settings, create_app(services, token, settings.server.threads), boards.live)
    stack.callback(_stop_tree, tree)
    server.start()
    stack.callback(server.stop, _API_GRACE)
    tree.start()
    stack.callback(_finish_deliveries, to.outbox, boards.in_flight)
    shape.attach(_running(parts, to, channels), stack)
    address_file = AddressFile(settings.storage.data_dir, shape.name, server.url)
    address_file.keep()
    stack.callback(address_file.remove)
    orchestration.adjust()
    after_ms = round((clock.monotonic() - started_at) * 1000)
    data = settings.storage.data_dir.resolve()
    _log.info("daemon.ready", process=shape.name, url=server.url, store=store.engine, data=data, after_ms=after_ms)
    return _Daemon(orchestration, tree, Timetable(to.housekeeper), address_file, server.url)


def _follow(control: Control, daemon: _Daemon, manager: ServiceManager) -> int:
    """The main loop: follow what is wanted and possible, feed the watchdog on evidence, until stopped or given up."""
    tick_s = min(_TICK_S, manager.watchdog.total_seconds() / 3) if manager.watchdog else _TICK_S
    orchestration = daemon.orchestration
    while not orchestration.has_stopped:
        match control.next(tick_s):
            case StopAsked(signal_name):
                _log.info("daemon.stop_asked", signal=signal_name)
                manager.stopping("draining")
                orchestration.stop()
            case TryAgain():
                orchestration.try_again()
            case TreeGaveUp(reason):
                _log.error("daemon.gave_up", reason=reason)
                return EXIT_CRASH
            case _:
                orchestration.adjust()
                daemon.timetable.run_due()
                daemon.address_file.keep()
        _feed(manager, daemon.tree)
    return EXIT_OK


def _feed(manager: ServiceManager, tree: SupervisionTree) -> None:
    """The watchdog hears of us only while supervision makes progress."""
    if manager.watchdog and tree.snapshot().progress_age_s < _STALLED_S:
        manager.alive()


def _api(settings: Settings, app: App, live: LiveBoard) -> ApiServer:
    options = ServerOptions(
        settings.server.threads,
        settings.server.max_body_bytes,
        timedelta(milliseconds=settings.server.request_timeout_ms),
    )
    return ApiServer(app, settings.server.bind, options, live.release)


def _running(parts: Parts, to: Addresses, channels: frozenset[str]) -> Running:
    settings = parts.settings
    return Running(
        store=parts.store,
        outbox=to.outbox,
        channels=channels,
        assistant_name=settings.assistant.name,
        main_folder=settings.orchestrator.main_group_folder,
        toolbox=daemon_toolbox(parts, to),
        new_id=parts.new_id,
        clock=parts.clock,
    )


def _finish_deliveries(outbox: Address, in_flight: Board[int | None]) -> None:
    """What is with a channel gets its outcome recorded, so that the next start finds no text in doubt."""
    if not outbox.hint(StopClaiming()):
        return
    if in_flight.wait_for(lambda count: count is not None, _DELIVERY_SECONDS) and in_flight.view:
        _log.info("daemon.waits_for_texts", texts=in_flight.view)
        in_flight.wait_for(lambda count: count == 0, _DELIVERY_SECONDS)
    if in_flight.view != 0:
        _log.warning("daemon.texts_in_doubt", texts=in_flight.view)


def _stop_tree(tree: SupervisionTree) -> None:
    for name in tree.stop(_STOP_TIME):
        _log.error("daemon.thread_left_behind", actor=name)


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise IntercomError(f"cannot create storage.data_dir {path}: {error.strerror}") from error
