"""The terminal of a chat: messages scroll up, the reply being written is redrawn below them."""

from __future__ import annotations

import shutil
import threading
from typing import TextIO

from intercomd.cli.local_chat import BOT, Line
from intercomd.cli.markup import render_markup
from intercomd.cli.tables import plain

_ERASE_LINE = "\r\x1b[K"


class Screen:
    """Written to by the reading thread and by the one that reads the keyboard.

    The live text is shown only on a terminal, as one line: its newest words as far as they fit.
    """

    def __init__(self, output: TextIO) -> None:
        self._output = output
        self._is_terminal = output.isatty()
        self._lock = threading.Lock()
        self._live = ""

    def show(self, line: Line) -> None:
        """What people wrote is shown as they wrote it."""
        text = f"{line.sender_name}: {line.text}"
        self._write_line(render_markup(plain(text)) if self._is_terminal and line.kind == BOT else plain(text))

    def note(self, text: str) -> None:
        """A line of its own; what was being written stays below it."""
        self._write_line(plain(text))

    def show_live(self, text: str, tool: str | None) -> None:
        with self._lock:
            self._erase()
            words = " ".join(plain(text).split())
            self._live = f"… {words} [{plain(tool)}]" if tool else f"… {words}" if words else ""
            self._draw()

    def _write_line(self, text: str) -> None:
        with self._lock:
            self._erase()
            self._output.write(text + "\n")
            self._draw()

    def _erase(self) -> None:
        if self._is_terminal and self._live:
            self._output.write(_ERASE_LINE)

    def _draw(self) -> None:
        if self._is_terminal and self._live:
            self._output.write(self._live[-(shutil.get_terminal_size().columns - 1) :])
        self._output.flush()
