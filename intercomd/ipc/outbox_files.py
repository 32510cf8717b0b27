"""What is kept of the files on their way to people: copies that no agent can change.

    data/outbox-files/<outbox id>     one copy; never inside a sandbox

A copy is made before its row, and removed by the sweep alone: after its row is settled, or when it never got one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile

from intercomd.domain.ids import OutboxId
from intercomd.domain.instants import from_epoch_ms
from intercomd.errors import NotFound, StoreConflict
from intercomd.ipc.directories import opened_directory

MOST_KEPT_BYTES = 1_000_000_000
YOUNG = timedelta(minutes=10)
"""A copy whose row is still to come is much younger."""
_NS_PER_MS = 1_000_000


class OutboxFiles:
    """See the module's text. Safe from any thread, and for processes that share the folder."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def keep(self, outbox_id: OutboxId, content: bytes) -> None:
        """Keep the content, whole or not at all, even when the power fails. A copy of an earlier try is replaced.

        Raises `StoreConflict` when there is no room."""
        try:
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            if sum(facts.st_size for _, facts in self._copies()) + len(content) > MOST_KEPT_BYTES:
                raise StoreConflict("too many files wait to be delivered; try again later")
            _write(self._root / outbox_id, content)
        except OSError as error:
            raise StoreConflict(f"the file cannot be kept until it is delivered: {error.strerror}") from error

    def read(self, outbox_id: OutboxId) -> bytes:
        """Raises `NotFound` when it is not there, or cannot be read."""
        try:
            return (self._root / outbox_id).read_bytes()
        except OSError as error:
            raise NotFound(f"the copy of the file is not there any more: {error.strerror}") from error

    def sweep(self, list_waiting: Callable[[], frozenset[OutboxId]], now: datetime) -> int:
        """Remove the copies that nothing waits for; returns how many.

        `list_waiting` is called after looking, and what is young is kept: its row may be on its way."""
        old = [name for name, facts in self._copies() if _changed_at(facts) < now - YOUNG]
        needed = list_waiting() if old else frozenset()
        done_with = [name for name in old if name not in needed]
        for name in done_with:
            with suppress(OSError):
                (self._root / name).unlink()
        return len(done_with)

    def _copies(self) -> Iterator[tuple[str, os.stat_result]]:
        """Copies and drafts of copies by name; one that another process removes meanwhile is left out."""
        with suppress(FileNotFoundError), os.scandir(self._root) as entries:
            for entry in entries:
                with suppress(OSError):
                    yield entry.name, entry.stat(follow_symlinks=False)


def _changed_at(facts: os.stat_result) -> datetime:
    return from_epoch_ms(facts.st_mtime_ns // _NS_PER_MS)


def _write(path: Path, content: bytes) -> None:
    with NamedTemporaryFile(dir=path.parent, delete=False) as draft:  # mode 0600
        draft.write(content)
        draft.flush()
        os.fsync(draft.fileno())
    os.replace(draft.name, path)
    with opened_directory(path.parent) as directory:
        os.fsync(directory)
