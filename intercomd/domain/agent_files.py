"""What agents ask for by files in their group's IPC folder, and what they are answered (original.md §11)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from intercomd.domain.ids import Folder, RunId


class FileKind(StrEnum):
    """The sub-folders that agents write into, in the order in which they are read."""

    MESSAGES = "messages"
    TASKS = "tasks"
    QUERIES = "queries"


RESPONSES = "responses"
"""The sub-folder with our answers to queries."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool's name and its arguments, as they came: nothing is checked but that they are a JSON object."""

    name: str
    params: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class ToolAnswer:
    """What a call ended with: a text that the agent reads."""

    is_ok: bool
    text: str


@dataclass(frozen=True, slots=True)
class FileClaim:
    """What a file asks for, before any of it is done. `key` names the file and is the key of every write that follows;
    `digest` stands for what is asked of `tool`."""

    key: str
    folder: Folder
    tool: str
    digest: str


@dataclass(frozen=True, slots=True)
class ClaimedFile:
    """What is known of a claimed file: the run in whose time it was claimed first, if any, and what it was answered.
    `is_repeat`: it was claimed before, by a process that died over it or because the agent asks again; `is_other`: with
    that key something else was asked."""

    run_id: RunId | None
    is_repeat: bool = False
    is_other: bool = False
    answer: ToolAnswer | None = None
