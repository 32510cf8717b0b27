"""Texts that an agent sends besides its answer: to its own chat, or from the main group to any that is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from intercomd.clock import Clock
from intercomd.domain.ids import ChatJid, Folder, OutboxId, RunId
from intercomd.domain.outbox import NewText, TextKind
from intercomd.domain.rights import Requester
from intercomd.domain.text import clean, split_parts
from intercomd.errors import InvalidInput, PolicyRefused
from intercomd.ipc.group_files import find_group_file
from intercomd.store.ports import Store

MOST_FILES = 10
MOST_CHARACTERS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageDraft:
    """A text as an agent asks for it. `key` makes sending it again change nothing; `files` are paths below the group's
    folder; `sender` is a name to show before the text; without a `target` it goes to the group's own chat."""

    key: str
    text: str
    target: ChatJid | None = None
    files: tuple[str, ...] = ()
    sender: str | None = None
    run_id: RunId | None = None


class MessageDesk:
    """May raise `StoreUnavailable`. `on_text` is called when there is something to deliver; it must not block."""

    def __init__(
        self, store: Store, groups_dir: Path, part_limit: int, on_text: Callable[[], None], clock: Clock
    ) -> None:
        self._store = store
        self._groups_dir = groups_dir
        self._part_limit = part_limit
        self._on_text = on_text
        self._clock = clock

    def send(self, requester: Requester, folder: Folder, draft: MessageDraft) -> ChatJid:
        """Put the text into the outbox, in the parts that channels take; returns the chat it goes to.

        Raises `InvalidInput`, `PolicyRefused` for a chat of another group, `NotFound` for one that nobody knows."""
        target = self._target(requester, folder, draft.target)
        parts = split_parts(clean(self._whole_text(folder, draft)), self._part_limit)
        texts = [
            NewText(OutboxId(f"{draft.key}:{number}"), target, TextKind.REPLY, part, draft.run_id)
            for number, part in enumerate(parts)
        ]
        self._store.outbox.enqueue(texts, handled=None, now=self._clock.now())
        self.announce()
        return target

    def announce(self) -> None:
        """A text of this or another desk is in the outbox."""
        self._on_text()

    def _target(self, requester: Requester, folder: Folder, wanted: ChatJid | None) -> ChatJid:
        own = self._store.groups.get(folder).group.jid
        if wanted is None or wanted == own or requester.is_main:
            return wanted or own
        raise PolicyRefused(f"{wanted} is not this group's chat; only the main group may write to others")

    def _whole_text(self, folder: Folder, draft: MessageDraft) -> str:
        """No channel here takes files, so people read where they are."""
        if not draft.text.strip():
            raise InvalidInput("text", "it is empty; say what is to be sent")
        if len(draft.text) > MOST_CHARACTERS:
            raise InvalidInput("text", f"has {len(draft.text)} characters; at most {MOST_CHARACTERS} are allowed")
        if len(draft.files) > MOST_FILES:
            raise InvalidInput("files", f"are {len(draft.files)}; at most {MOST_FILES} are allowed")
        found = [find_group_file(self._groups_dir, folder, path) for path in draft.files]
        lines = [f"File: {path} (kept in the group's folder {folder})" for path in found]
        said = f"{draft.sender.strip()}: {draft.text}" if draft.sender and draft.sender.strip() else draft.text
        return "\n\n".join([said, "\n".join(lines)]) if lines else said
