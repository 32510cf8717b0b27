"""What agents ask for by files in their group's IPC folder, and what they are answered (original.md §11)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from intercomd.domain.ids import Folder


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
class Answer:
    """What a call ended with: a text that the agent reads."""

    is_ok: bool
    text: str


@dataclass(frozen=True, slots=True)
class FileClaim:
    """What a file asks for, before any of it is done. `key` names the file and is the key of every write that follows;
    `digest` stands for what is asked."""

    key: str
    folder: Folder
    digest: str


@dataclass(frozen=True, slots=True)
class ClaimedFile:
    """What is known of a claimed file. `is_repeat`: it was claimed before, by a process that died over it or by the
    agent that asks again; `answer` then is what it was answered; `is_other`: under that key something else was asked."""

    is_repeat: bool = False
    is_other: bool = False
    answer: Answer | None = None
