"""The tools that agents may call, by name: what each does for whom, and what the agent is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from intercomd.desk.params import Params
from intercomd.domain.agent_files import ToolAnswer
from intercomd.domain.ids import ChatJid, Folder, RunId
from intercomd.domain.rights import Requester
from intercomd.errors import FenceLost, InvalidInput, NotFound, PolicyRefused, SandboxError, StoreConflict

_REFUSALS = (InvalidInput, NotFound, PolicyRefused, SandboxError, StoreConflict)
"""What a tool may raise for its caller to read."""


class Effect(StrEnum):
    """What a call leaves behind."""

    NOTHING = "nothing"
    STORED = "stored"
    """In our store, under the call's key: done again it changes nothing."""
    OUTSIDE = "outside"
    """In a program of somebody else, which knows no key."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: a group as the store knows it. `key` is the call's own; `is_repeat` when it was begun before, by a
    process that died over it; `run_id` is the run in whose time it was called first, if any."""

    requester: Requester
    folder: Folder
    chat_jid: ChatJid
    key: str
    is_repeat: bool = False
    run_id: RunId | None = None


def never(_params: Mapping[str, object]) -> bool:
    return False


def always(_params: Mapping[str, object]) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Tool:
    """`answer` may raise what `call` turns into an answer, and `StoreUnavailable`. A call that `takes_long` is answered
    in a thread of its own; the arguments are as the agent gave them."""

    answer: Callable[[Caller, Params], ToolAnswer | str]
    effect: Effect = Effect.STORED
    takes_long: Callable[[Mapping[str, object]], bool] = never


Toolbox = Mapping[str, Tool]


def call(tool: Tool, caller: Caller, params: Mapping[str, object]) -> ToolAnswer:
    """Call it; a refusal is an answer that says why. Raises `StoreUnavailable`."""
    try:
        answer = tool.answer(caller, Params(params))
    except FenceLost:
        raise
    except _REFUSALS as refusal:
        return ToolAnswer(False, str(refusal))
    return answer if isinstance(answer, ToolAnswer) else ToolAnswer(True, answer)
