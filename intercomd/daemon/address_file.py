"""`<data_dir>/daemon.json` or `host.json`: where the process listens, for clients on the same machine."""

from __future__ import annotations

import json
import os
from pathlib import Path

from intercomd.sandbox.group_lock import find_start_ticks


class AddressFile:
    """Written whole once the API listens, removed at the end if it still is ours.

    The file belongs to the first process of its kind on a data folder. One that starts beside it leaves the file alone,
    and takes its place once that process is gone.
    """

    def __init__(self, data_dir: Path, process: str, url: str) -> None:
        self._path = data_dir / f"{process}.json"
        self._url = url

    def keep(self) -> None:
        """Write the file where none names a living process; asked for again and again."""
        if self._find_owner() is None:
            draft = self._path.with_suffix(f".{os.getpid()}.tmp")
            pid = os.getpid()
            address = {"url": self._url, "pid": pid, "start_ticks": find_start_ticks(pid)}
            draft.write_text(json.dumps(address) + "\n")
            draft.replace(self._path)

    def remove(self) -> None:
        if self._find_owner() == os.getpid():
            self._path.unlink(missing_ok=True)

    def _find_owner(self) -> int | None:
        """The living process that the file names; after a reboot its pid may be somebody else's."""
        try:
            address = json.loads(self._path.read_text())
            pid, start_ticks = int(address["pid"]), int(address["start_ticks"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return pid if find_start_ticks(pid) == start_ticks else None
