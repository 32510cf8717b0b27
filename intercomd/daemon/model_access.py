"""A run's way to its model: the gateway's door as its sandbox sees it, for exactly as long as there is the sandbox."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from intercomd.clock import Clock
from intercomd.domain.frames import Frame
from intercomd.errors import SetupNeeded
from intercomd.gateway.keyring import Keyring
from intercomd.gateway.limits import Limits
from intercomd.gateway.model_gateway import Door, ModelGateway
from intercomd.gateway.sockets import LONGEST_PATH
from intercomd.gateway.sources import Sources
from intercomd.sandbox.port import Mount, Sandbox, SandboxEngine, SandboxListener, SandboxSpec
from intercomd.settings.loading import DOTENV
from intercomd.settings.model import Settings

DOOR_INSIDE = "/run/intercom/gateway.sock"
_DOOR_VARIABLE = "INTERCOM_GATEWAY_SOCKET"


def open_gateway(settings: Settings, environment: Mapping[str, str], clock: Clock) -> ModelGateway:
    """The process's gateway. It has neither thread nor socket while no run needs one."""
    upstreams = {name: profile.upstream_url or "" for name, profile in settings.runtimes.profiles.items()}
    data_dir = settings.storage.data_dir.resolve()
    limits = Limits(
        requests_per_minute=settings.gateway.requests_per_minute,
        daily_tokens=settings.gateway.daily_tokens_per_group or None,
    )
    keyring = open_keyring(data_dir, environment, clock)
    return ModelGateway(data_dir / "gateway", keyring, clock, upstreams=upstreams, limits=limits)


def open_keyring(data_dir: Path, environment: Mapping[str, str], clock: Clock) -> Keyring:
    """The credentials of the account that runs the daemon."""
    home = environment.get("HOME") or os.path.expanduser("~")
    sources = Sources(environment, DOTENV.resolve(), Path(home))
    return Keyring(sources, data_dir / "credentials", clock)


def start_with_door(engine: SandboxEngine, spec: SandboxSpec, listener: SandboxListener, door: Door) -> Sandbox:
    """Start the sandbox with `door` in it. The door is closed when the sandbox has ended, whatever ended it and whether
    anybody still listens or not; the caller closes it when this raises."""
    mounts, path = spec.mounts, str(door.socket_path)
    if engine.is_isolated:
        mounts, path = (*mounts, Mount(door.socket_path, DOOR_INSIDE)), DOOR_INSIDE
    elif len(os.fsencode(path)) > LONGEST_PATH:
        raise SetupNeeded(f"{path} is too long for a socket: storage.data_dir needs a shorter path")
    environment = {**spec.environment, _DOOR_VARIABLE: path}
    return engine.start(replace(spec, mounts=mounts, environment=environment), _ClosesDoor(door, listener))


class _ClosesDoor:
    """Passes everything on, from the sandbox's own thread."""

    def __init__(self, door: Door, listener: SandboxListener) -> None:
        self._door = door
        self._listener = listener

    def frame(self, number: int, frame: Frame, size_bytes: int) -> None:
        self._listener.frame(number, frame, size_bytes)

    def ended(self, exit_code: int | None, signal: int | None, error_tail: str) -> None:
        self._door.close()
        self._listener.ended(exit_code, signal, error_tail)
