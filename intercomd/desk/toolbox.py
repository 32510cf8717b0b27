"""All tools of agents in one table: a further one is a line here, or a table that is merged into it."""

from __future__ import annotations

from intercomd.desk.chat_tools import ChatTools
from intercomd.desk.demarch import READS, WRITES, DemarchDesk
from intercomd.desk.params import Params
from intercomd.desk.task_tools import task_tools
from intercomd.desk.tasks import TaskDesk
from intercomd.desk.tools import Caller, Effect, Tool, Toolbox, always
from intercomd.domain.agent_files import ToolAnswer
from intercomd.store.ports import Groups


def make_toolbox(chats: ChatTools, tasks: TaskDesk, groups: Groups, demarch: DemarchDesk) -> Toolbox:
    return {**chats.toolbox(), **task_tools(tasks, groups), **_demarch_tools(demarch)}


def _demarch_tools(desk: DemarchDesk) -> Toolbox:
    return {
        **{name: _reading(desk, name) for name in READS},
        **{name: _writing(desk, name) for name in WRITES},
    }


def _reading(desk: DemarchDesk, name: str) -> Tool:
    def answer(caller: Caller, params: Params) -> ToolAnswer:
        return desk.read(caller.requester, name, params.values)

    return Tool(answer, Effect.NOTHING, takes_long=always)


def _writing(desk: DemarchDesk, name: str) -> Tool:
    def answer(caller: Caller, params: Params) -> ToolAnswer:
        return desk.write(caller.requester, name, params.values)

    return Tool(answer, Effect.OUTSIDE, takes_long=always)
