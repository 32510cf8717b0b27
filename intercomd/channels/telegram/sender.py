"""Delivers texts to Telegram, one call after the other.

Owns:      nothing; a row in hand is in the store as being sent.
Never:     sends under a lease that is not ours, tells Telegram twice by itself.
Talks to:  the Bot API (blocking, each call with a deadline), Outbox (hint), readers that wait at the board.
"""

from __future__ import annotations

from collections.abc import Callable

from intercomd.channels.live import LiveBoard
from intercomd.channels.port import KeptFiles, Mailbox
from intercomd.channels.telegram.bot_api import DEADLINE, DOCUMENT_DEADLINE, BotApi
from intercomd.channels.telegram.failures import BotApiError
from intercomd.channels.telegram.pieces import PIECE_LIMIT, chat_id_of, parse_telegram_jid
from intercomd.domain.ids import Epoch
from intercomd.domain.mailbox import DeliverTexts, Heartbeat, LiveText, TextDelivered, TextNotDelivered, TextsRecorded
from intercomd.domain.outbox import REPEAT_MARK, Attachment, OutboxRow, TextKind
from intercomd.domain.routing import TELEGRAM
from intercomd.domain.text import utf16_units
from intercomd.errors import ChannelError, InvalidInput, NotFound
from intercomd.logs import EventLog

DELIVERY_TIMEOUT = DOCUMENT_DEADLINE + 6 * DEADLINE
"""The Outbox counts a text as unknown after it; far more than a call takes, name look-ups included."""
_MOST_UPLOADS = 5
"""A file that does not get through in so many tries holds up its chat no longer."""
_log = EventLog("channels.telegram")


class TelegramSender:
    """See the module's text. `is_ours`: whether this process still holds the channel's lease with that epoch."""

    name = TELEGRAM
    is_idempotent = False

    def __init__(
        self, api: BotApi, files: KeptFiles, outbox: Mailbox, board: LiveBoard, is_ours: Callable[[Epoch], bool]
    ) -> None:
        self._api = api
        self._files = files
        self._outbox = outbox
        self._board = board
        self._is_ours = is_ours

    def handle(self, item: object) -> object:
        match item:
            case DeliverTexts(rows, epoch):
                self._deliver_all(rows, epoch)
            case TextsRecorded(chat_jids):
                for chat_jid in chat_jids:
                    self._board.announce(chat_jid)
            case LiveText():
                pass
            case Heartbeat():
                return "ok"
            case _:
                raise TypeError(f"TelegramSender does not take {item!r}")
        return None

    def _deliver_all(self, rows: tuple[OutboxRow, ...], epoch: Epoch) -> None:
        for row in rows:
            if not self._is_ours(epoch):
                _log.warning("text.left", outbox_id=row.outbox_id, reason="the lease is not ours")
                return  # the next owner finds the rows, and settles them
            error = self._deliver(row)
            if error is not None:
                self._report(row, error)

    def _deliver(self, row: OutboxRow) -> ChannelError | None:
        try:
            message_id = self._send(row)
        except (InvalidInput, NotFound) as error:
            return ChannelError(str(error), is_permanent=True)
        except ChannelError as error:
            return error
        self._outbox.hint(TextDelivered(row.outbox_id, (str(message_id),)))
        return None

    def _send(self, row: OutboxRow) -> int:
        chat_id = chat_id_of(parse_telegram_jid(row.chat_jid, "chat"))
        if row.attachment is not None:
            return self._send_file(chat_id, row, row.attachment)
        text = row.text
        if row.is_repeat:
            if utf16_units(REPEAT_MARK + text) > PIECE_LIMIT:
                self._api.send_message(chat_id, REPEAT_MARK)
            else:
                text = REPEAT_MARK + text
        if row.kind is TextKind.COMMAND:
            try:
                return self._api.send_message(chat_id, text, parse_mode="Markdown")
            except BotApiError as error:
                if not error.is_bad_markup:
                    raise
        return self._api.send_message(chat_id, text, buttons=row.buttons)

    def _send_file(self, chat_id: str, row: OutboxRow, attachment: Attachment) -> int:
        content = self._files.read(row.outbox_id)
        caption = REPEAT_MARK.strip() if row.is_repeat else None
        try:
            return self._api.send_document(chat_id, attachment.name, content, caption=caption)
        except BotApiError as error:
            if error.was_cut and row.attempts >= _MOST_UPLOADS:
                raise ChannelError(f"{error}; given up after {row.attempts} tries", is_permanent=True) from error
            raise

    def _report(self, row: OutboxRow, error: ChannelError) -> None:
        _log.warning("text.not_delivered", outbox_id=row.outbox_id, error=error, is_permanent=error.is_permanent)
        self._outbox.hint(
            TextNotDelivered(
                row.outbox_id, row.epoch, str(error), error.retry_after, error.may_have_arrived, error.is_permanent
            )
        )
