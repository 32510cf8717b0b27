"""Runtimes whose profile says `agent = "legacy"`: which they are, where they can run, and what an operator is told."""

from __future__ import annotations

from intercomd.errors import SetupNeeded
from intercomd.gateway.keyring import Keyring
from intercomd.logs import EventLog
from intercomd.sandbox.containers import ContainerEngine
from intercomd.sandbox.port import SandboxEngine
from intercomd.settings.model import Settings
from intercomd.settings.sandbox import AgentKind

LEGACY_MEANING = "an image of the existing system: its agents read their credential, and have a network"
_log = EventLog("daemon")


def legacy_runtimes(settings: Settings) -> frozenset[str]:
    """Those that run images of the existing system."""
    profiles = settings.runtimes.profiles
    return frozenset(name for name, profile in profiles.items() if profile.agent is AgentKind.LEGACY)


def warn_of_legacy(settings: Settings) -> None:
    """At every start: nobody is to forget it."""
    for runtime in sorted(legacy_runtimes(settings)):
        _log.warning("daemon.legacy_agent", runtime=runtime, what=LEGACY_MEANING)


def refuse_legacy(runtime: str, engine: SandboxEngine) -> None:
    """Raises `SetupNeeded` for an engine that runs no images."""
    if not isinstance(engine, ContainerEngine):
        raise SetupNeeded(
            f'runtimes.profiles.{runtime}.agent is "legacy": only podman and docker run its image, '
            f"and agents run in {engine.name} here"
        )


def find_credential_origin(settings: Settings, keyring: Keyring, runtime: str) -> str:
    """Where the credential of a runtime is from, and nothing of it; raises `SetupNeeded`."""
    if runtime not in legacy_runtimes(settings):
        return keyring.check(runtime).name
    origins = (secret.origin for secret in keyring.hand_out(runtime).values())
    return f"{', '.join(origins)}, handed to its containers"
