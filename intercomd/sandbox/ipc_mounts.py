"""What a sandbox sees of its group's IPC files.

    data/ipc-views/<folder>/          /workspace/ipc, read-only: the host's snapshots, and a mount point for each below
    data/ipc/<folder>/<sub-folder>/   /workspace/ipc/<sub-folder>, writable: messages, tasks, queries, responses

The writable directories have no writable parent, so an agent cannot put a link in the place of one, nor of a file that
the host writes (hazard B-46).
"""

from __future__ import annotations

from pathlib import Path

from intercomd.domain.agent_files import RESPONSES, FileKind
from intercomd.errors import SandboxError
from intercomd.sandbox.port import Mount

IPC_INSIDE = "/workspace/ipc"
INPUT_INSIDE = f"{IPC_INSIDE}/input"
_WRITABLE = (*(kind.value for kind in FileKind), RESPONSES)


def make_ipc_folders(ipc_dir: Path, view_dir: Path) -> None:
    """Create what is not there; raises `OSError`, and `SandboxError` for a link that an earlier system let in."""
    for name in _WRITABLE:
        (ipc_dir / name).mkdir(parents=True, exist_ok=True)
    for path in (ipc_dir, *(ipc_dir / name for name in _WRITABLE)):
        if path.is_symlink():
            raise SandboxError(f"{path} is a link, and agents' files are not kept behind links: remove it")
    for name in (*_WRITABLE, "input"):
        (view_dir / name).mkdir(parents=True, exist_ok=True)


def ipc_mounts(ipc_dir: Path, view_dir: Path, input_dir: Path, *, is_input_writable: bool = False) -> tuple[Mount, ...]:
    """In the order in which they lie upon each other."""
    return (
        Mount(view_dir, IPC_INSIDE),
        *(Mount(ipc_dir / name, f"{IPC_INSIDE}/{name}", is_writable=True) for name in _WRITABLE),
        Mount(input_dir, INPUT_INSIDE, is_writable=is_input_writable),
    )
