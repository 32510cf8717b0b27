"""A chat in the terminal: the keyboard in this thread, news in another."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field

from intercomd.cli.client import DaemonClient, DaemonUnreachable, Refused
from intercomd.cli.local_chat import LocalChat, Page, list_chat_names
from intercomd.cli.screen import Screen

_WAIT_S = 20.0
_PACE_S = 0.5
_HELP = "/chat NAME changes the chat, /chats lists them, /help shows the assistant's commands; Ctrl-D leaves."


@dataclass(slots=True, eq=False)
class _Reading:
    """The chat that is read, with a thread of its own, until the chat changes and another one takes its place."""

    chat: LocalChat
    seen: int
    live: int
    own: set[int] = field(default_factory=set)
    """What was written here: it stands on the screen already."""


class Conversation:
    """Reads texts from `keyboard` until it ends."""

    def __init__(self, daemon: DaemonClient, screen: Screen, history: int) -> None:
        self._daemon = daemon
        self._screen = screen
        self._history = history
        self._reading: _Reading | None = None
        self._lock = threading.Lock()
        self._over = threading.Event()

    def hold(self, name: str, keyboard: Iterable[str]) -> None:
        """Talk in chat `name` first. Raises `DaemonUnreachable` when the daemon is not there at the start."""
        self._screen.note(_HELP)
        self._enter(name)
        try:
            for text in keyboard:
                self._take(text.strip())
        finally:
            self._over.set()

    def _take(self, text: str) -> None:
        word, _, rest = text.partition(" ")
        try:
            if word == "/chat" and rest.strip():
                self._enter(rest.strip())
            elif word == "/chats":
                self._screen.note("chats: " + (", ".join(list_chat_names(self._daemon)) or "none yet"))
            elif text:
                self._say(text)
        except (DaemonUnreachable, Refused) as error:
            self._screen.note(f"! {error}")

    def _say(self, text: str) -> None:
        """Under the lock, so that the reader does not show the text before it is known as ours."""
        with self._lock:
            assert self._reading is not None
            sent = self._reading.chat.send(text)
            self._reading.own.add(sent.seq)
        if sent.kind == "context":
            self._screen.note("(stored; nobody is asked to answer this)")

    def _enter(self, name: str) -> None:
        chat = LocalChat(self._daemon, name)
        page = chat.recent(max(1, self._history))
        reading = _Reading(chat, page.last_seq, page.live_version)
        with self._lock:
            self._reading = reading
            self._screen.note(f"--- {name} ---")
            for line in page.lines if self._history else ():
                self._screen.show(line)
            self._screen.show_live(page.live_text, page.live_tool)
        threading.Thread(target=self._read_on, args=(reading,), name=f"chat-{name}", daemon=True).start()

    def _read_on(self, reading: _Reading) -> None:
        """The reader's thread."""
        is_away = False
        while not self._over.is_set() and reading is self._reading:
            try:
                page = reading.chat.wait(reading.seen, reading.live, _WAIT_S)
            except (DaemonUnreachable, Refused) as error:
                if not is_away:
                    self._screen.note(f"! {error}; still trying")
                is_away = True
                self._over.wait(_PACE_S)
                continue
            is_away = False
            if page.last_seq == reading.seen and page.live_version == reading.live:
                self._over.wait(_PACE_S)  # nothing new: the daemon had no room for a waiting reader
            self._show(reading, page)

    def _show(self, reading: _Reading, page: Page) -> None:
        with self._lock:
            if reading is not self._reading:
                return
            for line in page.lines:
                if line.seq not in reading.own:
                    self._screen.show(line)
            self._screen.show_live(page.live_text, page.live_tool)
            reading.seen, reading.live = page.last_seq, page.live_version
