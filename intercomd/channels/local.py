"""The `local` channel: chats on this machine, written and read over HTTP (`intercomd chat`); JIDs `local:<name>`.

`LocalChannel` is the intake and the reading side, shared by the API's threads. `LocalSender` is the actor that
delivers.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import timedelta

from intercomd.channels.live import Live, LiveBoard
from intercomd.channels.port import ChannelStore, Mailbox
from intercomd.clock import Clock
from intercomd.domain.chat import Chat, ChatMessage, Group, IncomingMessage, Ingested, MessageKind
from intercomd.domain.folder import folder_for
from intercomd.domain.ids import ChatJid, Folder, Seq
from intercomd.domain.mailbox import (
    ChatStored,
    CommandStored,
    DeliverTexts,
    Heartbeat,
    LiveText,
    TextDelivered,
    TextsRecorded,
)
from intercomd.errors import InvalidInput, StoreConflict
from intercomd.logs import EventLog

CHANNEL = "local"
_PREFIX = f"{CHANNEL}:"
_NAME = re.compile(r"\w[\w.-]{0,63}")
_RECHECK_SECONDS = 1.0
_FOLDER_TRIES = 20

_log = EventLog("channels.local")


def local_jid(name: str, field: str = "name") -> ChatJid:
    """The JID of a local chat; raises `InvalidInput` naming `field` for a name that is none."""
    normal = unicodedata.normalize("NFC", name)
    if not _NAME.fullmatch(normal):
        raise InvalidInput(field, f"{name!r} is no chat name; allowed are 1 to 64 letters, digits, '_', '-' and '.'")
    return ChatJid(_PREFIX + normal)


def parse_local_jid(text: str, field: str) -> ChatJid:
    """`local:<name>` as a JID; raises `InvalidInput` naming `field`."""
    if not text.startswith(_PREFIX):
        raise InvalidInput(field, f"{text!r} is no local chat; write {_PREFIX} and the chat's name")
    return local_jid(text.removeprefix(_PREFIX), field)


@dataclass(frozen=True, slots=True)
class Updates:
    """News of a chat: messages after the reader's last one, what is being written, and where to read on from."""

    messages: tuple[ChatMessage, ...]
    live: Live
    last_seq: Seq


@dataclass(frozen=True, slots=True)
class LocalHints:
    """Who is told about what was stored."""

    message_loop: Mailbox
    commands: Mailbox


class LocalChannel:
    """Intake and reading of the local chats; safe to use from any thread."""

    def __init__(
        self, store: ChannelStore, clock: Clock, hints: LocalHints, board: LiveBoard, *, registers_chats: bool
    ) -> None:
        """With `registers_chats` a chat becomes a group, answering without a trigger, when its first text arrives."""
        self._store = store
        self._clock = clock
        self._hints = hints
        self._board = board
        self._registers_chats = registers_chats

    def receive(self, name: str, text: str, external_id: str, sender_name: str) -> Ingested:
        """Store a text and hint whoever acts on it. The same `external_id` again stores nothing and answers the
        same; raises `InvalidInput` for a bad name, a blank text or a blank id, and `StoreUnavailable`."""
        jid = local_jid(name)
        if not text.strip():
            raise InvalidInput("text", "must not be blank")
        if not external_id.strip():
            raise InvalidInput("id", "must not be blank")
        if self._registers_chats and self._store.groups.find_by_jid(jid) is None:
            self._register(jid)
        now = self._clock.now()
        stored = self._store.chats.ingest(
            IncomingMessage(
                chat_jid=jid,
                external_id=external_id,
                sender=sender_name,
                sender_name=sender_name,
                content=text,
                sent_at=now,
                chat_name=jid.removeprefix(_PREFIX),
                is_group=False,
            ),
            now,
        )
        if stored.kind is MessageKind.COMMAND:
            self._hints.commands.hint(CommandStored(jid, stored.seq))
        else:
            self._hints.message_loop.hint(ChatStored(jid))
        self._board.announce(jid)
        return stored

    def list_chats(self) -> list[Chat]:
        """The local chats, the one with the newest message first."""
        return [chat for chat in self._store.chats.list_chats() if chat.channel == CHANNEL]

    def recent(self, name: str, limit: int) -> Updates:
        """The newest `limit` messages of a chat."""
        jid = local_jid(name)
        live = self._board.look(jid)
        return _updates(self._store.chats.recent(jid, limit), live, Seq(0))

    def updates(self, name: str, after: Seq, limit: int) -> Updates:
        """Up to `limit` messages after `after`, oldest first."""
        jid = local_jid(name)
        live = self._board.look(jid)
        return _updates(self._store.chats.history(jid, after, limit), live, after)

    def wait_updates(self, name: str, after: Seq, seen_live: int, wait: timedelta, limit: int) -> Updates:
        """As `updates`, but waits for a message, or for a live text other than version `seen_live`.

        Looks at the store once a second all the same: another process may have written, or a hint was lost.
        """
        jid = local_jid(name)
        deadline = self._clock.monotonic() + wait.total_seconds()
        while True:
            found = self.updates(name, after, limit)
            remaining = deadline - self._clock.monotonic()
            if found.messages or found.live.version != seen_live or remaining <= 0:
                return found
            if not self._board.wait(jid, found.live.news, min(remaining, _RECHECK_SECONDS)):
                return found

    def release_readers(self) -> None:
        """Readers that wait get what there is, at once; from now on nobody waits."""
        self._board.release()

    def _register(self, jid: ChatJid) -> None:
        """Make the chat a group. Its folder is its name; where another chat has that one, the name with a number."""
        name = jid.removeprefix(_PREFIX)
        stem = folder_for(name)
        for number in range(1, _FOLDER_TRIES + 1):
            folder = stem if number == 1 else Folder(f"{stem[:60]}-{number}")
            try:
                self._store.groups.add(Group(jid, name, folder, requires_trigger=False), self._clock.now())
            except StoreConflict:
                continue
            _log.info("group.registered", chat_jid=jid, folder=folder)
            return
        raise StoreConflict(f"no free folder for chat {jid}; register it with `intercomd groups add`")


class LocalSender:
    """Delivers texts into the local chats, which takes nothing: recording a text as sent puts it into the chat log.

    Owns:      what the board says is being written.
    Never:     waits for anybody.
    Talks to:  Outbox (hint), waiting readers through the board.
    """

    name = CHANNEL
    is_idempotent = True

    def __init__(self, outbox: Mailbox, board: LiveBoard) -> None:
        self._outbox = outbox
        self._board = board

    def handle(self, item: object) -> object:
        match item:
            case DeliverTexts(rows=rows):
                for row in rows:
                    self._outbox.hint(TextDelivered(row.outbox_id, (row.outbox_id,)))
            case TextsRecorded(chat_jids=chat_jids):
                for chat_jid in chat_jids:
                    self._board.show(chat_jid, "", None)
                    self._board.announce(chat_jid)
            case LiveText(chat_jid=chat_jid, text=text, tool=tool):
                self._board.show(chat_jid, text, tool)
            case Heartbeat():
                return "ok"
            case _:
                raise TypeError(f"{type(self).__name__} takes no {type(item).__name__}")
        return None


def _updates(messages: list[ChatMessage], live: Live, after: Seq) -> Updates:
    return Updates(tuple(messages), live, messages[-1].seq if messages else after)
