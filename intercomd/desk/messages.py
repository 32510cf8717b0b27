"""What an agent sends besides its answer, texts and files: to its own chat, or from the main group to any known one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from intercomd.clock import Clock
from intercomd.domain.ids import ChatJid, Folder, OutboxId, RunId
from intercomd.domain.outbox import Attachment, NewText, TextKind
from intercomd.domain.rights import Requester
from intercomd.domain.text import clean, printable, size_in_words, split_parts
from intercomd.errors import InvalidInput, PolicyRefused
from intercomd.ipc.group_files import GroupFile, read_group_file
from intercomd.ipc.outbox_files import OutboxFiles
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
        self,
        store: Store,
        groups_dir: Path,
        files: OutboxFiles,
        part_limit: int,
        on_text: Callable[[], None],
        clock: Clock,
    ) -> None:
        self._store = store
        self._groups_dir = groups_dir
        self._files = files
        self._part_limit = part_limit
        self._on_text = on_text
        self._clock = clock

    def send(self, requester: Requester, folder: Folder, draft: MessageDraft) -> ChatJid:
        """Put the text into the outbox, in the parts that channels take, and its files behind it, as they are at this
        moment; returns the chat it goes to.

        Raises `InvalidInput`, `PolicyRefused` for a chat of another group, `NotFound` for one that nobody knows,
        `StoreConflict` where there is no room for the files."""
        target = self._target(requester, folder, draft.target)
        parts = split_parts(clean(_whole_text(draft)), self._part_limit)
        texts = [
            NewText(OutboxId(f"{draft.key}:{number}"), target, TextKind.REPLY, part, draft.run_id)
            for number, part in enumerate(parts)
        ]
        if draft.files and not self._store.outbox.is_known(texts[0].outbox_id):
            texts += self._keep_files(folder, target, draft)
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

    def _keep_files(self, folder: Folder, target: ChatJid, draft: MessageDraft) -> list[NewText]:
        """One after the other, since each is in memory meanwhile; the copies that a refusal leaves are swept."""
        if len(draft.files) > MOST_FILES:
            raise InvalidInput("files", f"are {len(draft.files)}; at most {MOST_FILES} are allowed")
        rows = []
        for number, path in enumerate(draft.files):
            file = read_group_file(self._groups_dir, folder, path)
            outbox_id = OutboxId(f"{draft.key}:file:{number}")
            self._files.keep(outbox_id, file.content)
            attachment = Attachment(printable(file.path.rpartition("/")[2]), len(file.content))
            text = f"[file {attachment.name}, {size_in_words(attachment.size)}: {_place(file, folder)}]"
            rows.append(NewText(outbox_id, target, TextKind.REPLY, text, draft.run_id, attachment=attachment))
        return rows


def _whole_text(draft: MessageDraft) -> str:
    if not draft.text.strip():
        raise InvalidInput("text", "it is empty; say what is to be sent")
    if len(draft.text) > MOST_CHARACTERS:
        raise InvalidInput("text", f"has {len(draft.text)} characters; at most {MOST_CHARACTERS} are allowed")
    return f"{draft.sender.strip()}: {draft.text}" if draft.sender and draft.sender.strip() else draft.text


def _place(file: GroupFile, folder: Folder) -> str:
    """Where people find the file itself, also in a chat that is shown no files."""
    return f"{printable(file.path)} in the group's folder {folder}"
