"""`systemctl` and `journalctl` as commands on PATH that restart and show the processes of a test."""

from __future__ import annotations

import json
import socket
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.daemon import DaemonProcess

_CLIENT = """#!{python}
import json, socket, sys
with socket.socket(socket.AF_UNIX) as line:
    line.settimeout(60)
    line.connect({path!r})
    line.sendall(json.dumps([{name!r}, *sys.argv[1:]]).encode() + b"\\n")
    code, text = json.loads(line.makefile().read())
print(text, end="")
sys.exit(code)
"""


@dataclass
class Unit:
    """A service: its process, and the file whose lines are added to its environment at every start."""

    process: DaemonProcess
    environment_file: Path | None = None
    _environment: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self._environment = dict(self.process.environment)

    def restart(self) -> None:
        """As a unit of type notify: returns when the process is ready."""
        assert self.process.terminate() == 0
        is_there = self.environment_file is not None and self.environment_file.exists()
        lines = self.environment_file.read_text().splitlines() if self.environment_file and is_there else []
        self.process.environment = self._environment | dict(line.split("=", 1) for line in lines)
        self.process.start()


class FakeSystemd:
    """Answers `systemctl restart UNIT` and `journalctl -u UNIT …` in a thread of its own while the block lasts."""

    def __init__(self, folder: Path, units: Mapping[str, Unit]) -> None:
        self._units = units
        self._folder = folder
        self._listener = socket.socket(socket.AF_UNIX)
        self._thread = threading.Thread(target=self._serve, name="fake-systemd")

    def __enter__(self) -> Self:
        path = str(self._folder / "systemd")
        self._listener.bind(path)
        self._listener.listen()
        for name in ("systemctl", "journalctl"):
            program = self._folder / name
            program.write_text(_CLIENT.format(python=sys.executable, path=path, name=name))
            program.chmod(0o755)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            with line, line.makefile() as request:
                line.sendall(json.dumps(self._answer(json.loads(request.readline()))).encode())

    def _answer(self, words: list[str]) -> tuple[int, str]:
        match words:
            case ["systemctl", "restart", name]:
                try:
                    self._units[name].restart()
                except AssertionError as error:
                    return 1, f"{error}\n"
                return 0, ""
            case ["journalctl", "-u", name, *_]:
                return 0, "".join(f"{line}\n" for line in self._units[name].process.log.lines)
            case _:
                return 1, f"this test has no {' '.join(words)}\n"
