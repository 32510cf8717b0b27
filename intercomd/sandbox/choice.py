"""Which engine runs the sandboxes of this install."""

from __future__ import annotations

from intercomd.clock import Clock
from intercomd.errors import SandboxError
from intercomd.sandbox.bubblewrap import BubblewrapEngine
from intercomd.sandbox.port import SandboxEngine
from intercomd.sandbox.process import ProcessEngine

AUTO = "auto"


def choose_engine(name: str, clock: Clock) -> SandboxEngine:
    """The engine called `name`, or for `auto` the first isolated one that works here.

    Raises `SandboxError` that says of each engine tried why it was refused.
    """
    engines: tuple[SandboxEngine, ...] = (BubblewrapEngine(clock), ProcessEngine(clock))
    candidates = [engine for engine in engines if engine.name == name or (name == AUTO and engine.is_isolated)]
    if not candidates:
        known = ", ".join((AUTO, *(engine.name for engine in engines)))
        raise SandboxError(f"there is no sandbox engine {name!r}; there are {known}")
    refusals = []
    for engine in candidates:
        refusal = engine.check()
        if refusal is None:
            return engine
        refusals.append(f"{engine.name}: {refusal}")
    raise SandboxError("no sandbox engine works here\n  " + "\n  ".join(refusals))
