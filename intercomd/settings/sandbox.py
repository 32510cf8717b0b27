"""What agents run in, and their way to the models."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct


class EngineName(StrEnum):
    """What runs a sandbox."""

    AUTO = "auto"
    BUBBLEWRAP = "bubblewrap"
    PROCESS = "process"
    PODMAN = "podman"
    DOCKER = "docker"


class AgentKind(StrEnum):
    """What runs in the sandboxes of a runtime."""

    OWN = "own"
    LEGACY = "legacy"


class Sandbox(Struct, frozen=True, kw_only=True):
    """What agents run in."""

    engine: Annotated[
        EngineName,
        Meta(
            description="auto takes the first that works of podman, docker and bubblewrap. "
            "process does not isolate at all and is used only when named here."
        ),
    ] = EngineName.AUTO
    run_timeout_ms: Annotated[
        int, Meta(ge=1_000, le=86_400_000, description="How long a working agent may be silent before it is killed.")
    ] = 300_000
    memory_limit_mb: Annotated[
        int,
        Meta(ge=0, le=1_048_576, description="Memory that one sandbox may use; 0 is no limit. For podman and docker."),
    ] = 2_048
    process_limit: Annotated[
        int,
        Meta(ge=0, le=1_000_000, description="Processes and threads of one sandbox; 0 is no limit. As above."),
    ] = 512
    tmp_limit_mb: Annotated[
        int, Meta(ge=1, le=1_048_576, description="Size of a sandbox's private /tmp. For all but process.")
    ] = 512
    mount_allowlist: Annotated[
        Path,
        Meta(description="Which host folders groups may be given beside their own; without this file, none."),
    ] = Path("~/.config/intercom/mount-allowlist.json")
    log_keep_runs: Annotated[int, Meta(ge=1, le=100_000, description="Run logs that are kept for each group.")] = 50
    log_keep_days: Annotated[int, Meta(ge=1, le=3_650, description="How long run logs are kept.")] = 14


class Gateway(Struct, frozen=True, kw_only=True):
    """The way of agents to their model providers: docs/gateway.md."""

    requests_per_minute: Annotated[
        int, Meta(ge=1, le=6_000, description="Requests that one run may make; more are asked to wait.")
    ] = 120
    daily_tokens_per_group: Annotated[
        int,
        Meta(ge=0, le=10**12, description="Tokens, read and written, that one group may use in a day (UTC); 0 is any."),
    ] = 0
