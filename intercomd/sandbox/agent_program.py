"""How the agent program is started: by a bare interpreter, alone with its standard library.

`-I -S -B`: no environment, no site packages, nothing written next to the sources. Starting takes half as long when the
sources are compiled already, so that is done once, here, for a directory that is read-only inside.
"""

from __future__ import annotations

import compileall
import os
import sys
from functools import cache
from pathlib import Path

from intercomd.sandbox.port import Mount, SandboxEngine

AGENT_INSIDE = "/app/agent"
AGENT_DIRECTORY = Path(__file__).resolve().parent.parent / "agent"


def agent_command(engine: SandboxEngine) -> tuple[str, ...]:
    """The argv of the agent program as this engine's sandbox sees it."""
    _compile_agent()
    directory = AGENT_INSIDE if engine.is_isolated else str(AGENT_DIRECTORY)
    return (engine.python, "-I", "-S", "-B", f"{directory}/__main__.py")


def agent_mounts(engine: SandboxEngine) -> tuple[Mount, ...]:
    """The program's directory, where the engine has mounts."""
    return (Mount(AGENT_DIRECTORY, AGENT_INSIDE),) if engine.is_isolated else ()


@cache
def interpreter() -> str:
    """The Python that runs us, not the link to it in a virtual environment."""
    return os.path.realpath(sys.executable)


@cache
def _compile_agent() -> bool:
    """Whether compiled files are there; a directory we may not write to costs speed only."""
    return bool(compileall.compile_dir(AGENT_DIRECTORY, quiet=2, maxlevels=0))
