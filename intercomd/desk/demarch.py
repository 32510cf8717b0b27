"""The Demarch tools for agents (original.md §11.3): who may read, and arguments as agents write them."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import TypeVar, get_args

import msgspec
from msgspec.structs import FieldInfo, fields

from intercomd.demarch.tools import DemarchTools
from intercomd.domain.agent_files import ToolAnswer
from intercomd.domain.demarch import Operation, ReadOperation, WriteOperation
from intercomd.domain.rights import Requester

READS: Mapping[str, type[ReadOperation]] = {shape.__struct_config__.tag: shape for shape in get_args(ReadOperation)}
WRITES: Mapping[str, type[WriteOperation]] = {shape.__struct_config__.tag: shape for shape in get_args(WriteOperation)}
EVERYBODY = "*"
OperationT = TypeVar("OperationT", bound=Operation)
_WIRE_NAMES = {"run_id": "runId", "artifact_id": "artifactId"}
_ABOUT_THE_CALLER = {field.name for field in fields(Operation)}
_REQUIRED = {
    "research": ("query", "a query parameter"),
    "create_issue": ("title", "a title"),
    "update_issue": ("id", "an id"),
    "close_issue": ("id", "an id"),
}
"""What must be given and not be empty. The texts of these errors are those of the existing system."""


class DemarchDesk:
    """Every call takes as long as a tool does, so it is no work for an actor. `readers` are the folders of the groups
    that may read beside the main group (hazard B-49); `*` stands for all."""

    def __init__(self, tools: DemarchTools, readers: Set[str]) -> None:
        self._tools = tools
        self._readers = readers

    def read(self, requester: Requester, name: str, params: Mapping[str, object]) -> ToolAnswer:
        """Ask one of `READS`."""
        may_read = requester.is_main or EVERYBODY in self._readers or requester.folder in self._readers
        if not may_read:
            return ToolAnswer(False, "This group may not ask the project's tools: it is not in demarch.read_groups.")
        operation = _operation(READS[name], name, params)
        if isinstance(operation, ToolAnswer):
            return operation
        answer = self._tools.read(operation)
        return ToolAnswer(answer.is_ok, answer.result)

    def write(self, requester: Requester, name: str, params: Mapping[str, object]) -> ToolAnswer:
        """Ask one of `WRITES`; who may, the settings say, and that the main group is meant, the store."""
        operation = _operation(WRITES[name], name, params)
        if isinstance(operation, ToolAnswer):
            return operation
        answer = self._tools.write(operation, is_privileged=requester.is_main)
        return ToolAnswer(answer.is_ok, answer.result)


def _operation(shape: type[OperationT], name: str, params: Mapping[str, object]) -> OperationT | ToolAnswer:
    """Arguments of another type count as left out, as in the existing system; what is missing then is the answer."""
    field_name, wanted = _REQUIRED.get(name, (None, ""))
    if field_name is not None and not (isinstance(params.get(field_name), str) and params[field_name]):
        return ToolAnswer(False, f"{name} requires {wanted}")
    given = {
        field.name: value
        for field in fields(shape)
        if field.name not in _ABOUT_THE_CALLER and (value := _value(field, params)) is not None
    }
    return msgspec.convert(given, shape)


def _value(field: FieldInfo, params: Mapping[str, object]) -> object:
    try:
        return msgspec.convert(params.get(_WIRE_NAMES.get(field.name, field.name)), field.type)
    except msgspec.ValidationError:
        return None
