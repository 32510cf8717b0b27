"""Identifiers as types of their own, so that one cannot be passed for another."""

from __future__ import annotations

from typing import NewType

ChatJid = NewType("ChatJid", str)
"""A chat at a channel: `tg:-100123`, `local:kitchen`, `123@g.us`."""

Folder = NewType("Folder", str)
"""A group's folder name; the group's identity on disk and in IPC (rule: `domain/folder.py`)."""

Seq = NewType("Seq", int)
"""Position of a chat message in its chat; drawn under the chat's row lock, so order of seq is order of commit."""

TaskId = NewType("TaskId", str)
"""A scheduled task, named by who made it."""

RunId = NewType("RunId", str)
InputId = NewType("InputId", str)
OutboxId = NewType("OutboxId", str)
QuestionId = NewType("QuestionId", str)
DutyName = NewType("DutyName", str)
Epoch = NewType("Epoch", int)
"""Rises with every new owner of a duty; starts at 1."""

Generation = NewType("Generation", int)
"""Rises with every cancel of a group; frames of another generation are an event, never a send."""
