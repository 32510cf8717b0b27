"""What runs in a sandbox, and what it finds beside its group's files: our agent program, or what an image brings.

    data/sessions/<folder>/<runtime>/   /home/agent, what a runtime's program keeps from run to run; not for echo
    data/sessions/<folder>/.claude/     /home/node/.claude, the same for claude's image of the existing system
    runtimes.programs_dir               /opt/agents, read-only, the programs themselves where no image has them

Images of the existing system (original.md §9.4, §9.8) start by themselves and may write to their root, which is gone
with the run. Their entry point writes its input, secrets included, to /tmp: memory in every engine of ours (hazard
B-52).
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from intercomd.domain.models import ECHO
from intercomd.sandbox.agent_program import agent_command, agent_mounts
from intercomd.sandbox.port import Mount, SandboxEngine

HOME_INSIDE = "/home/agent"
LEGACY_HOME_INSIDE = "/home/node"
PROGRAMS_INSIDE = "/opt/agents"

SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
"""Where programs are found that are not in `runtimes.programs_dir`."""
_CLAUDE_SETTINGS = {
    "env": {
        "CLAUDE_CODE_EXPERIMENTAL_AGENT_TEAMS": "1",
        "CLAUDE_CODE_ADDITIONAL_DIRECTORIES_CLAUDE_MD": "1",
        "CLAUDE_CODE_DISABLE_AUTO_MEMORY": "0",
    }
}


@dataclass(frozen=True, slots=True)
class Outfit:
    """An empty command is the image's own."""

    command: tuple[str, ...] = ()
    mounts: tuple[Mount, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


def own_outfit(engine: SandboxEngine, runtime: str, sessions: Path, programs: Path | None) -> Outfit:
    """The agent program. The home is per group and runtime, made here and written to by agents only. Raises
    `OSError`."""
    command, mounts = agent_command(engine), agent_mounts(engine)
    if runtime == ECHO.runtime:
        return Outfit(command, mounts)
    home = sessions / runtime
    home.mkdir(parents=True, exist_ok=True)
    environment = {"HOME": HOME_INSIDE if engine.is_isolated else str(home)}
    mounts = (Mount(home, HOME_INSIDE, is_writable=True), *mounts)
    if programs is not None:
        environment["PATH"] = f"{PROGRAMS_INSIDE if engine.is_isolated else programs}/bin:{SYSTEM_PATH}"
        mounts = (*mounts, Mount(programs, PROGRAMS_INSIDE))
    return Outfit(command, mounts, environment)


def legacy_outfit(runtime: str, sessions: Path) -> Outfit:
    """What an image of the existing system expects. Raises `OSError`."""
    environment = {"HOME": LEGACY_HOME_INSIDE}
    if runtime != "claude":
        return Outfit(environment=environment)
    folder = sessions / ".claude"
    folder.mkdir(parents=True, exist_ok=True)
    _make_claude_settings(folder)
    return Outfit(mounts=(Mount(folder, f"{LEGACY_HOME_INSIDE}/.claude", is_writable=True),), environment=environment)


def _make_claude_settings(folder: Path) -> None:
    """Where they are missing. Agents write to the folder: what has the name is left alone, and no link is followed
    (hazard B-46). The file is whose the folder is."""
    directory = os.open(folder, os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        with suppress(FileExistsError):
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open("settings.json", flags, 0o644, dir_fd=directory)
            with open(descriptor, "w", encoding="utf-8") as file:
                owner = os.fstat(directory)
                os.fchown(descriptor, owner.st_uid, owner.st_gid)
                file.write(json.dumps(_CLAUDE_SETTINGS, indent=2) + "\n")
    finally:
        os.close(directory)
