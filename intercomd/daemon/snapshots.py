"""A launcher that first writes what the agent will find about its surroundings."""

from __future__ import annotations

from dataclasses import dataclass

from intercomd.actors.run_parts import Launched, Launcher
from intercomd.desk.snapshots import Snapshots
from intercomd.domain.rights import Requester
from intercomd.domain.runs import OpenedRun
from intercomd.sandbox.port import SandboxListener


@dataclass(frozen=True, slots=True)
class LauncherWithSnapshots:
    """The `Launcher` of runs; may also raise `StoreUnavailable`, and has started nothing then."""

    launcher: Launcher
    snapshots: Snapshots
    main_folder: str

    def launch(self, opened: OpenedRun, listener: SandboxListener) -> Launched:
        folder = opened.group.folder
        self.snapshots.write(Requester(folder, folder == self.main_folder, f"the agent of {folder}"), folder)
        return self.launcher.launch(opened, listener)
