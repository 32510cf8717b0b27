"""Where a run's files are, on the host and as the agent sees them (original.md §9.4, as far as it applies).

    data/run/<run id>/           follow-ups and the close sentinel; /workspace/ipc/input, read-only inside
    data/ipc/<folder>/           /workspace/ipc with the host's snapshots: `sandbox/ipc_mounts.py`
    data/ipc-errors/<folder>/    files of agents that were refused; never inside a sandbox
    data/outbox-files/           copies of files on their way to people; never inside a sandbox
    data/run/<folder>.lock       held while the group has a sandbox
    data/logs/<folder>/          a log per run; never inside a sandbox
    groups/<folder>/             /workspace/group, where an agent keeps what it writes
    groups/global/               /workspace/global, read-only, for groups other than the main one
    data/sessions/<folder>/      what a runtime's program keeps from run to run: `sandbox/outfit.py`

The main group's view of the project root is left out: it would show the agent every secret in it (hazard B-51).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from intercomd.domain.folder import GLOBAL_FOLDER
from intercomd.domain.ids import Folder, RunId
from intercomd.domain.instants import iso_ms
from intercomd.errors import SandboxError
from intercomd.sandbox.ipc_mounts import IPC_INSIDE, ipc_mounts, make_ipc_folders
from intercomd.sandbox.outfit import legacy_outfit, own_outfit
from intercomd.sandbox.port import AgentInput, Mount, SandboxEngine, SandboxSpec
from intercomd.sandbox.removal import remove_folder

GROUP_INSIDE = "/workspace/group"
GLOBAL_INSIDE = "/workspace/global"
_UNFIT = re.compile(r"[^A-Za-z0-9-]+")


def sandbox_name(install: str, folder: Folder, run_id: RunId) -> str:
    """The same for the same run, and in letters every container engine takes (hazard B-68)."""
    return "intercom-" + "-".join(_UNFIT.sub("-", part).strip("-") for part in (install, folder, run_id))


class Layout:
    """Makes the directories and the spec of runs; `install` sets this install's sandboxes apart from others'.

    `programs_dir` is what scripts/agents made; without it sandboxes find the programs where their images have them.
    """

    def __init__(self, data_dir: Path, groups_dir: Path, install: str, programs_dir: Path | None = None) -> None:
        self._data = data_dir.resolve()
        self._groups = groups_dir.resolve()
        self._install = install
        self._programs = None if programs_dir is None else programs_dir.resolve()

    def lock_path(self, folder: Folder) -> Path:
        return self.lock_directory / f"{folder}.lock"

    @property
    def lock_directory(self) -> Path:
        return self._data / "run"

    @property
    def groups_root(self) -> Path:
        return self._groups

    @property
    def ipc_root(self) -> Path:
        return self._data / "ipc"

    @property
    def views_root(self) -> Path:
        return self._data / "ipc-views"

    @property
    def quarantine_root(self) -> Path:
        return self._data / "ipc-errors"

    @property
    def outbox_files_root(self) -> Path:
        return self._data / "outbox-files"

    def log_directory(self, folder: Folder) -> Path:
        return self._data / "logs" / folder

    def sweep_run_folders(self, list_live: Callable[[], frozenset[RunId]]) -> int:
        """Remove the folders of runs that are not live: a killed daemon left them. Returns how many.

        `list_live` is called after looking: a run's folder is made after its row, so what is there now and has no live
        row then is nobody's.
        """
        found = [entry for entry in (self._data / "run").glob("*") if entry.is_dir() and not entry.is_symlink()]
        live = list_live()
        leftovers = [folder for folder in found if folder.name not in live]
        for folder in leftovers:
            with suppress(OSError):  # the next sweep tries again
                remove_folder(folder)
        return len(leftovers)

    def prepare_run(
        self,
        engine: SandboxEngine,
        run_id: RunId,
        agent_input: AgentInput,
        timezone: str,
        now: datetime,
        further: tuple[Mount, ...] = (),
        *,
        has_network: bool = False,
    ) -> SandboxSpec:
        """Create what the run needs and describe it; raises `SandboxError`. The engine removes the run's directory.

        `further` are mounts beside those that every group has.
        """
        folder = agent_input.folder
        input_dir = self._data / "run" / run_id
        group_dir = self._groups / folder
        ipc_dir, view_dir = self.ipc_root / folder, self.views_root / folder
        sessions = self._data / "sessions" / folder
        log_name = f"container-{iso_ms(now).replace(':', '-').replace('.', '-')}-{run_id}.log"
        try:
            input_dir.mkdir(parents=True)
            group_dir.mkdir(parents=True, exist_ok=True)
            self.log_directory(folder).mkdir(parents=True, exist_ok=True)
            make_ipc_folders(ipc_dir, view_dir)
            if agent_input.is_legacy:
                outfit = legacy_outfit(agent_input.runtime, sessions)
            else:
                outfit = own_outfit(engine, agent_input.runtime, sessions, self._programs)
        except OSError as error:
            raise SandboxError(f"run {run_id}: cannot create {error.filename}: {error.strerror}") from error
        return SandboxSpec(
            run_id=run_id,
            folder=folder,
            install=self._install,
            command=outfit.command,
            agent_input=agent_input,
            mounts=(
                Mount(group_dir, GROUP_INSIDE, is_writable=True),
                *self._global_mount(agent_input),
                *ipc_mounts(ipc_dir, view_dir, input_dir, is_input_writable=agent_input.is_legacy),
                *further,
                *outfit.mounts,
            ),
            environment={
                "TZ": timezone,
                "INTERCOM_IPC_DIR": IPC_INSIDE if engine.is_isolated else str(ipc_dir),
                **({} if engine.is_isolated else {"INTERCOM_GLOBAL_DIR": str(self._groups / GLOBAL_FOLDER)}),
                **outfit.environment,
            },
            input_dir=input_dir,
            lock_path=self.lock_path(folder),
            log_path=self.log_directory(folder) / log_name,
            has_network=has_network,
            has_writable_root=agent_input.is_legacy,
        )

    def _global_mount(self, agent_input: AgentInput) -> tuple[Mount, ...]:
        global_dir = self._groups / GLOBAL_FOLDER
        if agent_input.is_main or not global_dir.is_dir():
            return ()
        return (Mount(global_dir, GLOBAL_INSIDE),)
