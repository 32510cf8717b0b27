"""What this machine can run agents in, and what stands in the way of the rest: for a person who sets it up.

Needs no daemon and no store, and changes nothing. Credentials are looked for, never shown.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from intercomd.clock import Clock
from intercomd.daemon.engines import container_settings
from intercomd.daemon.legacy import LEGACY_MEANING, find_credential_origin, legacy_runtimes, refuse_legacy
from intercomd.daemon.model_access import open_keyring
from intercomd.domain.preflight import Finding
from intercomd.errors import IntercomError, SandboxError
from intercomd.gateway.keyring import Keyring
from intercomd.gateway.provider import PROVIDERS
from intercomd.sandbox.choice import AUTO, make_engines
from intercomd.sandbox.containers import ContainerEngine
from intercomd.sandbox.limits import Limits, describe_limits
from intercomd.sandbox.port import SandboxEngine
from intercomd.settings.model import Settings

_SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A finding, and whether anything depends on it: what is not needed may fail."""

    finding: Finding
    is_needed: bool


def examine(settings: Settings, environment: Mapping[str, str], clock: Clock) -> list[Diagnosis]:
    """One line for each engine, image, agent program and credential; takes seconds, since engines are really tried."""
    containers = container_settings(settings, environment)
    engines = make_engines(containers, clock)
    found = {engine.name: _try_engine(engine, containers.limits) for engine in engines}
    chosen = _choose(settings.sandbox.engine, engines, found)
    lines = [Diagnosis(finding, finding.name == _engine_row(settings.sandbox.engine)) for finding in found.values()]
    lines.append(Diagnosis(_describe_choice(settings.sandbox.engine, chosen), is_needed=True))
    keyring = open_keyring(settings.storage.data_dir, environment, clock)
    return [*lines, *_look_at_agents(settings, engines, chosen, keyring)]


def _engine_row(name: str) -> str:
    return f"engine {name}"


def _try_engine(engine: SandboxEngine, limits: Limits) -> Finding:
    refusal = engine.check()
    if refusal is not None:
        return Finding(_engine_row(engine.name), False, refusal)
    isolation = "isolates" if engine.is_isolated else "isolates nothing"
    return Finding(_engine_row(engine.name), True, f"works; {isolation}; {describe_limits(limits, engine.unenforced)}")


def _choose(name: str, engines: Sequence[SandboxEngine], found: Mapping[str, Finding]) -> SandboxEngine | None:
    """The rule of `choose_engine`, over checks that are made already."""
    working = [engine for engine in engines if found[engine.name].is_ok]
    return next((engine for engine in working if engine.name == name or (name == AUTO and engine.is_isolated)), None)


def _describe_choice(name: str, chosen: SandboxEngine | None) -> Finding:
    setting = f'sandbox.engine = "{name}"'
    if chosen is None:
        return Finding("choice", False, f"{setting}: no engine works that it allows; see the lines above")
    return Finding("choice", True, f"{setting}: agents run in {chosen.name}")


def _look_at_agents(
    settings: Settings, engines: Sequence[SandboxEngine], chosen: SandboxEngine | None, keyring: Keyring
) -> Iterator[Diagnosis]:
    """Images, programs and credentials; only the default runtime's are needed, and only what the chosen engine uses."""
    default = settings.runtimes.default_runtime
    for engine in engines:
        if isinstance(engine, ContainerEngine) and engine.is_answering():
            for runtime in settings.runtimes.profiles:
                finding = _find(f"image {runtime} ({engine.name})", partial(engine.find_image, runtime))
                yield Diagnosis(finding, is_needed=runtime == default and engine is chosen)
    for runtime in sorted(PROVIDERS.keys() & settings.runtimes.profiles.keys()):
        needs_program = runtime == default and not isinstance(chosen, ContainerEngine)
        look = partial(_find_program, runtime, settings.runtimes.programs_dir)
        yield Diagnosis(_find(f"program {runtime}", look), is_needed=needs_program)
        look = partial(find_credential_origin, settings, keyring, runtime)
        yield Diagnosis(_find(f"credential {runtime}", look), runtime == default)
    for runtime in sorted(legacy_runtimes(settings)):
        look = partial(_describe_legacy, runtime, chosen)
        yield Diagnosis(_find(f"legacy {runtime}", look), runtime == default)


def _find_program(runtime: str, programs_dir: Path | None) -> str:
    """Where the agent program is, for engines that run what the machine has."""
    path = _SYSTEM_PATH if programs_dir is None else f"{programs_dir.resolve()}/bin:{_SYSTEM_PATH}"
    program = shutil.which(runtime, path=path)
    if program is None:
        raise SandboxError(f"no {runtime} in {path}; scripts/agents installs it. Bubblewrap and process need it")
    return program


def _describe_legacy(runtime: str, chosen: SandboxEngine | None) -> str:
    if chosen is not None:
        refuse_legacy(runtime, chosen)
    return LEGACY_MEANING


def _find(name: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(name, True, look())
    except IntercomError as error:
        return Finding(name, False, str(error))
