"""`intercomd host`: the daemon's parts in the host's shape, and the callback server.

Whether this process may orchestrate at all is said by `RUST_ORCHESTRATOR`; whether it does at a moment, by the lease,
since a daemon on the same store may want the same.
"""

from __future__ import annotations

from contextlib import ExitStack
from datetime import timedelta

from intercomd.api.server import ApiServer, ServerOptions
from intercomd.daemon.serving import serve
from intercomd.daemon.shape import Running, Shape
from intercomd.host.callback import MOST_BODY_BYTES, Callback, CallbackParts, create_callback_app
from intercomd.host.environment import HostEnvironment, Toggle
from intercomd.host.forwarding import TaskForwarding
from intercomd.logs import EventLog
from intercomd.settings.model import Settings
from intercomd.settings.values import BindAddress

_THREADS = 4
_CLIENT_TIMEOUT = timedelta(seconds=30)
_GRACE = timedelta(seconds=5)
_log = EventLog("host")


def host(settings: Settings, given: HostEnvironment) -> int:
    """Run the host until a signal or a defect ends it; returns the exit code. `settings.orchestrator.enabled` has to
    follow `given.toggle` (`cli/host.py`)."""
    _report(given.toggle)
    shape = Shape("host", bridges_to_host=False, attach=lambda running, stack: _attach(running, given, stack))
    return serve(settings, shape)


def _report(toggle: Toggle) -> None:
    """One line when the orchestrator is left out; a warning when somebody may have wanted that."""
    if toggle.is_taken_over:
        _log.info("host.orchestrator_skipped", RUST_ORCHESTRATOR=toggle.value, source=toggle.source)
    elif toggle.is_near_miss:
        _log.warning(
            "host.toggle_not_understood",
            RUST_ORCHESTRATOR=toggle.value,
            source=toggle.source,
            effect="this host orchestrates",
            expected="exactly true, to leave that to the daemon",
        )


def _attach(running: Running, given: HostEnvironment, stack: ExitStack) -> None:
    """Start the callback server; `stack` stops it."""
    tasks = TaskForwarding(running.store.groups, running.main_folder, running.toolbox)
    callback = Callback(
        CallbackParts(
            running.store,
            running.outbox,
            running.channels,
            running.assistant_name,
            tasks,
            running.new_id,
            running.clock,
        )
    )
    bind = BindAddress.parse(f"127.0.0.1:{given.callback_port}")
    options = ServerOptions(_THREADS, MOST_BODY_BYTES, _CLIENT_TIMEOUT)
    server = ApiServer(create_callback_app(callback), bind, options, lambda: None)
    server.start()
    stack.callback(server.stop, _GRACE)
    _log.info("host.listening", url=server.url)
