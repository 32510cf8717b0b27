"""From the settings to what engines of containers know of this install."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from intercomd.daemon.legacy import legacy_runtimes
from intercomd.sandbox.containers import ContainerSettings
from intercomd.sandbox.limits import Limits
from intercomd.settings.model import Settings


def install_id(settings: Settings) -> str:
    """What sets this install's sandboxes apart from those of others on the machine."""
    return hashlib.sha256(str(settings.storage.data_dir.resolve()).encode()).hexdigest()[:8]


def container_settings(settings: Settings, environment: Mapping[str, str]) -> ContainerSettings:
    """What the settings say to podman and docker; `environment` is the daemon's."""
    sandbox, runtimes = settings.sandbox, settings.runtimes
    return ContainerSettings(
        install=install_id(settings),
        default_runtime=runtimes.default_runtime,
        images={name: profile.image for name, profile in runtimes.profiles.items() if profile.image},
        legacy=legacy_runtimes(settings),
        limits=Limits(sandbox.memory_limit_mb, sandbox.process_limit, sandbox.tmp_limit_mb),
        environment=environment,
    )
