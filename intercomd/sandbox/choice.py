"""Which engines there are, which of them runs the sandboxes of this install, and the end of those that nobody wants."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from intercomd.clock import Clock
from intercomd.domain.ids import RunId
from intercomd.errors import SandboxError
from intercomd.logs import EventLog
from intercomd.sandbox import group_lock
from intercomd.sandbox.bubblewrap import BubblewrapEngine
from intercomd.sandbox.containers import DOCKER, PODMAN, ContainerEngine, ContainerSettings
from intercomd.sandbox.port import SandboxEngine
from intercomd.sandbox.process import ProcessEngine

AUTO = "auto"
_log = EventLog("sandbox")


def make_engines(settings: ContainerSettings, clock: Clock) -> tuple[SandboxEngine, ...]:
    """Every engine, in the order in which `auto` tries them (docs/adr/0008)."""
    return (
        ContainerEngine(PODMAN, settings, clock),
        ContainerEngine(DOCKER, settings, clock),
        BubblewrapEngine(clock, settings.limits),
        ProcessEngine(clock),
    )


def choose_engine(name: str, engines: Sequence[SandboxEngine]) -> SandboxEngine:
    """The engine called `name`, or for `auto` the first isolated one that works here.

    Raises `SandboxError` that says of each engine tried why it was refused.
    """
    candidates = [engine for engine in engines if engine.name == name or (name == AUTO and engine.is_isolated)]
    if not candidates:
        known = ", ".join((AUTO, *(engine.name for engine in engines)))
        raise SandboxError(f"there is no sandbox engine {name!r}; there are {known}")
    refusals = []
    for engine in candidates:
        refusal = engine.check()
        if refusal is None:
            _log.info("sandbox.engine_chosen", engine=engine.name, not_enforced=",".join(engine.unenforced) or None)
            return engine
        refusals.append(f"{engine.name}: {refusal}")
    raise SandboxError("no sandbox engine works here\n  " + "\n  ".join(refusals))


def end_strays(
    engines: Sequence[SandboxEngine], lock_directory: Path, list_live: Callable[[], frozenset[RunId]]
) -> int:
    """End every sandbox of this install whose run is not live, whichever engine made it; how many there were.

    An engine that does not answer is passed over: what it holds is ended when it answers again.
    """
    count = 0
    for engine in engines:
        if isinstance(engine, ContainerEngine):
            try:
                count += engine.end_strays(list_live)
            except SandboxError as error:
                report = _log.warning if engine.has_worked else _log.debug
                report("sandbox.engine_silent", engine=engine.name, error=error)
    return count + group_lock.end_strays(lock_directory, list_live)
