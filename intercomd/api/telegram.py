"""`/v1/telegram/ingress`, `send` and `edit`: what the host's Telegram channel asks of us (original.md §5.3).

Answers have the existing keys in the existing order and are 200 also when a text was refused: `accepted` and `ok`
tell. Only what leaves the caller in doubt is no 200: a store that is away is 503, never a refusal (hazard B-94).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import falcon
import msgspec

from intercomd.api.bridge_shapes import EditAnswer, IngressAnswer, IngressParity, SendAnswer
from intercomd.api.gate_desk import GateDesk
from intercomd.api.requests import read_body
from intercomd.channels.telegram.bot_api import BotApi
from intercomd.channels.telegram.failures import BotApiError
from intercomd.channels.telegram.intake import TelegramIntake, TelegramText, Verdict
from intercomd.channels.telegram.pieces import chat_id_of, first_piece, parse_telegram_jid
from intercomd.channels.telegram.presses import QuestionPresses
from intercomd.channels.telegram.relay import TelegramRelay
from intercomd.domain.ids import ChatJid
from intercomd.domain.text import clean
from intercomd.errors import InvalidInput

NO_TOKEN = "TELEGRAM_BOT_TOKEN is not set for intercomd"
_EMPTY = "cannot send an empty Telegram message"
_EDIT_WITHIN = timedelta(seconds=4)
_MAX_ID = 128


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What needs the bot's token."""

    bot: BotApi
    relay: TelegramRelay
    gates: GateDesk
    presses: QuestionPresses


@dataclass(frozen=True, slots=True)
class TelegramServices:
    """`outgoing` is None without a token; texts are taken in all the same."""

    intake: TelegramIntake
    outgoing: Outgoing | None


class IngressBody(msgspec.Struct, frozen=True):
    """`persist` is what the existing system wants said; here everything is stored whatever it says."""

    chat_jid: str
    message_id: str
    content: str
    timestamp: str
    chat_name: str | None = None
    chat_type: str | None = None
    sender_id: str | None = None
    sender_name: str | None = None
    persist: bool = False


class SendBody(msgspec.Struct, frozen=True):
    jid: str
    text: str


class EditBody(msgspec.Struct, frozen=True):
    jid: str
    message_id: str
    text: str


class IngressResource:
    """Takes a text in and says whether the host should go on with it."""

    def __init__(self, intake: TelegramIntake) -> None:
        self._intake = intake

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        body = read_body(request, IngressBody)
        if not 1 <= len(body.message_id.strip()) <= _MAX_ID:
            raise InvalidInput("message_id", f"must have 1 to {_MAX_ID} characters")
        text = TelegramText(
            chat_jid=parse_telegram_jid(body.chat_jid, "chat_jid"),
            chat_name=body.chat_name or None,
            chat_type=body.chat_type,
            message_id=clean(body.message_id),
            sender_id=body.sender_id or "",
            sender_name=body.sender_name or "Unknown",
            content=body.content,
            sent_at=_parse_instant(body.timestamp),
        )
        response.media = _answer_to(self._intake.receive(text), body.content)


class SendResource:
    """Stores a text for the outbox, and waits a little for Telegram to take it."""

    def __init__(self, outgoing: Outgoing | None) -> None:
        self._outgoing = outgoing

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        body = read_body(request, SendBody)
        response.media = self._send(body.jid, clean(body.text))

    def _send(self, chat: str, text: str) -> SendAnswer:
        jid = _find_jid(chat)
        if self._outgoing is None:
            return SendAnswer(False, NO_TOKEN)
        if not text.strip():
            return SendAnswer(False, _EMPTY)
        if jid is None:
            return SendAnswer(False, _not_a_chat(chat))
        relayed = self._outgoing.relay.send(jid, text)
        if relayed.error is not None:
            return SendAnswer(False, relayed.error)
        return SendAnswer(
            True,
            message_ids=relayed.message_ids,
            chunks_planned=len(relayed.pieces),
            chunks_sent=len(relayed.message_ids),
            chunk_lengths=tuple(map(len, relayed.pieces)),
        )


class EditResource:
    """Edits at once. Nothing is stored: the same edit again changes nothing, so a caller in doubt repeats it."""

    def __init__(self, outgoing: Outgoing | None) -> None:
        self._outgoing = outgoing

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        body = read_body(request, EditBody)
        text = first_piece(clean(body.text))
        error = self._edit(body, text)
        is_truncated = error is None and len(text) < len(body.text)
        response.media = EditAnswer(error is None, error, is_truncated)

    def _edit(self, body: EditBody, text: str) -> str | None:
        """What went wrong."""
        jid = _find_jid(body.jid)
        if self._outgoing is None:
            return NO_TOKEN
        if jid is None:
            return _not_a_chat(body.jid)
        message_id = parse_message_id(body.message_id)
        if message_id is None:
            return f"invalid message_id `{body.message_id}`"
        try:
            self._outgoing.bot.edit_message(chat_id_of(jid), message_id, text, deadline=_EDIT_WITHIN)
        except BotApiError as failure:
            return failure.summary
        return None


def parse_message_id(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else None


def _find_jid(text: str) -> ChatJid | None:
    try:
        return parse_telegram_jid(text, "jid")
    except InvalidInput:
        return None


def _not_a_chat(text: str) -> str:
    return f"{text!r} is no Telegram chat: write tg: and the chat's number"


def _parse_instant(text: str) -> datetime:
    """An ISO 8601 instant; without an offset it is UTC."""
    try:
        instant = datetime.fromisoformat(text.strip())
        return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidInput("timestamp", f"{text!r} is no ISO 8601 instant like 2026-01-31T12:00:00.000Z") from None


def _answer_to(verdict: Verdict, content: str) -> IngressAnswer:
    group, agent = verdict.group, verdict.agent
    return IngressAnswer(
        accepted=verdict.reason is None,
        reason=verdict.reason,
        normalized_content=content,
        group_name=group.name if group else None,
        group_folder=group.folder if group else None,
        runtime=agent.runtime if agent else None,
        model=agent.model if agent else None,
        parity=IngressParity(
            trigger_required=verdict.is_trigger_required,
            trigger_present=verdict.is_trigger_present,
            runtime_profile_found=agent is not None and not agent.is_fallback_runtime,
            runtime_fallback_used=agent is not None and agent.is_fallback_runtime,
            model_fallback_used=agent is not None and agent.is_fallback_model,
        ),
    )
