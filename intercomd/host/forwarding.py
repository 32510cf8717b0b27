"""Tasks of agents that another process hands on (`/v1/ipc/forward-task`, original.md §11.2, §15.1).

The caller says which group asks, and nothing else of what it says about rights counts: whether that group is there and
is the main one is read from our store and settings (hazard B-44). A caller on this machine that names another group
gains nothing by it, since our API lets it manage everybody's tasks anyway.
"""

from __future__ import annotations

import msgspec

from intercomd.desk.tools import Caller, Toolbox, call
from intercomd.domain.agent_files import ToolAnswer
from intercomd.domain.folder import parse_folder
from intercomd.domain.rights import Requester
from intercomd.errors import InvalidInput, NotFound
from intercomd.ipc.formats import parse_task
from intercomd.store.ports import Groups


class TaskForwarding:
    """Carries out the objects of §11.2 with the tools that agents call themselves."""

    def __init__(self, groups: Groups, main_folder: str, toolbox: Toolbox) -> None:
        self._groups = groups
        self._main_folder = main_folder
        self._toolbox = toolbox

    def carry_out(self, task: object, folder: str, key: str) -> ToolAnswer:
        """Do what `task` says for the group in `folder`; `key` makes it once. Raises `StoreUnavailable`."""
        try:
            asked = parse_task(task)
            group = self._groups.get(parse_folder(folder, "group_folder")).group
        except (msgspec.ValidationError, InvalidInput, NotFound) as error:
            return ToolAnswer(False, str(error))
        requester = Requester(group.folder, group.folder == self._main_folder, f"the agent of {group.folder}")
        return call(self._toolbox[asked.name], Caller(requester, group.folder, group.jid, key), asked.params)
