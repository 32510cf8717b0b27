"""`/v1/telegram/callback`: a pressed inline button (original.md §5.3), with the checks that were missing (B-50).

`approve:<gate>` approves a gate, `answer:<question>:<number>` answers an agent's question.
"""

from __future__ import annotations

import falcon
import msgspec

from intercomd.api.bridge_shapes import CallbackAnswer
from intercomd.api.gate_desk import GateDesk, Press
from intercomd.api.requests import read_body
from intercomd.api.telegram import NO_TOKEN, Outgoing, parse_message_id
from intercomd.channels.telegram.pieces import parse_telegram_jid
from intercomd.channels.telegram.presses import NOT_HERE
from intercomd.domain.questions import PRESS_ACTION, ChoicePress, parse_press
from intercomd.errors import InvalidInput

_UNDER_WAY = "The gate is being approved; the message will show the outcome."
_NOT_HERE = "Gates can be approved in the main group and the notification chat only"
_PLANNED = {
    "reject": "Gate rejection",
    "defer": "Gate deferral",
    "extend": "Budget extension",
    "cancel": "Run cancellation",
}


class PressBody(msgspec.Struct, frozen=True):
    callback_query_id: str
    chat_jid: str
    message_id: str
    data: str
    sender_id: str | None = None
    sender_name: str | None = None


class CallbackResource:
    """Always 200; `ok` is true when the gate was approved, or is about to be, and when the choice was taken."""

    def __init__(self, outgoing: Outgoing | None) -> None:
        self._outgoing = outgoing

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        body = read_body(request, PressBody)
        if self._outgoing is None:
            response.media = _answer("", "", error=NO_TOKEN)
        else:
            response.media = _press(body, self._outgoing)


def _press(body: PressBody, outgoing: Outgoing) -> CallbackAnswer:
    gates = outgoing.gates
    action, colon, target = body.data.partition(":")
    if not colon:
        gates.show(body.callback_query_id, "Invalid action")
        return _answer(body.data, "", error="Invalid callback data format")
    if action == "approve":
        return _approve(body, target, gates)
    if action == PRESS_ACTION:
        return _choose(body, target, outgoing)
    if action in _PLANNED:
        gates.show(body.callback_query_id, f"{_PLANNED[action]} not yet implemented")
        error = f"{_PLANNED[action]} is not yet implemented — use `ic gate` CLI directly"
        return _answer(action, target, error=error)
    gates.show(body.callback_query_id, "Unknown action")
    return _answer(action, target, error=f"Unknown callback action: {action}")


def _choose(body: PressBody, target: str, outgoing: Outgoing) -> CallbackAnswer:
    """Who may write in the chat may press there; whether the question is the chat's, the store knows."""
    chosen = parse_press(target)
    try:
        chat_jid = parse_telegram_jid(body.chat_jid, "chat_jid")
    except InvalidInput:
        chosen = None
    if chosen is None:
        outgoing.gates.show(body.callback_query_id, NOT_HERE)
        return _answer(PRESS_ACTION, target, error="Invalid callback data format")
    question_id, choice = chosen
    sender, name = body.sender_id or "", body.sender_name or "Unknown"
    press = ChoicePress(body.callback_query_id, chat_jid, question_id, choice, sender, name)
    answer = outgoing.presses.receive(press, parse_message_id(body.message_id))
    if answer.is_taken:
        return _answer(PRESS_ACTION, target, result=answer.text)
    return _answer(PRESS_ACTION, target, error=answer.text)


def _approve(body: PressBody, gate_id: str, gates: GateDesk) -> CallbackAnswer:
    try:
        chat_jid = parse_telegram_jid(body.chat_jid, "chat_jid")
        may_approve = gates.may_approve(chat_jid)
    except InvalidInput:
        may_approve = False
    if not may_approve:
        gates.show(body.callback_query_id, "Not allowed in this chat")
        return _answer("approve", gate_id, error=_NOT_HERE)
    message_id = parse_message_id(body.message_id)
    press = Press(body.callback_query_id, chat_jid, message_id, gate_id, body.sender_name or "unknown")
    answer = gates.approve(press)
    if answer is None:
        return _answer("approve", gate_id, result=_UNDER_WAY)
    return _answer("approve", gate_id, result=answer.result, error=None if answer.is_ok else answer.result)


def _answer(action: str, target: str, *, result: str | None = None, error: str | None = None) -> CallbackAnswer:
    return CallbackAnswer(error is None, action, target, result, error)
