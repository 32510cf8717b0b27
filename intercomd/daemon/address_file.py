"""`<data_dir>/daemon.json` or `host.json`: where the process listens, for clients on the same machine."""

from __future__ import annotations

import json
import os
from pathlib import Path


class AddressFile:
    """Written whole once the API listens, removed at the end if it still is ours."""

    def __init__(self, data_dir: Path, process: str) -> None:
        self._path = data_dir / f"{process}.json"

    def write(self, url: str) -> None:
        draft = self._path.with_suffix(f".{os.getpid()}.tmp")
        draft.write_text(json.dumps({"url": url, "pid": os.getpid()}) + "\n")
        draft.replace(self._path)

    def remove(self) -> None:
        try:
            if json.loads(self._path.read_text()).get("pid") == os.getpid():
                self._path.unlink()
        except (OSError, ValueError):
            return
