"""Approves gates for people who press a button: once per press and gate, and never longer than the host waits.

The host gives up after 5 s and tells people to press again (hazard B-95), while a tool may need 15: so the work has
threads of its own, a second press joins the first, and the outcome is written into the message with the button.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass
from datetime import timedelta

from intercomd.channels.telegram.bot_api import BotApi
from intercomd.channels.telegram.pieces import chat_id_of, first_piece
from intercomd.clock import Clock
from intercomd.demarch.tools import DemarchTools
from intercomd.domain.demarch import ApproveGate, DemarchAnswer
from intercomd.domain.ids import ChatJid
from intercomd.domain.text import cut
from intercomd.errors import ChannelError
from intercomd.logs import EventLog

ANSWER_LIMIT = 200
"""Characters that Telegram shows of an answer to a press."""
_WITHIN = timedelta(seconds=3.5)
_SAME_GATE = timedelta(minutes=10)
_REMEMBERED = 1_000
_THREADS = 2
_log = EventLog("telegram.gates")


@dataclass(frozen=True, slots=True)
class Press:
    """A pressed approval button; `message_id` is None when the host does not know the message."""

    query_id: str
    chat_jid: ChatJid
    message_id: int | None
    gate_id: str
    sender_name: str


@dataclass(frozen=True, slots=True)
class _Approval:
    """An approval under way or done; `began_at` is in monotonic seconds."""

    query_id: str
    answer: Future[DemarchAnswer]
    began_at: float


class GateDesk:
    """Safe to use from any thread."""

    def __init__(self, bot: BotApi, tools: DemarchTools, may_approve: Callable[[ChatJid], bool], clock: Clock) -> None:
        """`may_approve` asks the store which chats may (hazard B-50); it may raise `StoreUnavailable`."""
        self._bot = bot
        self._tools = tools
        self._may_approve = may_approve
        self._clock = clock
        self._guard = threading.Lock()
        self._approvals: OrderedDict[str, _Approval] = OrderedDict()
        self._pool = ThreadPoolExecutor(_THREADS, "gate")

    def may_approve(self, chat_jid: ChatJid) -> bool:
        return self._may_approve(chat_jid)

    def approve(self, press: Press) -> DemarchAnswer | None:
        """The tool's answer; None when it takes longer than the host waits, and goes on."""
        approval = self._begin(press)
        if approval.query_id != press.query_id:
            approval.answer.add_done_callback(lambda done: self.show(press.query_id, _status(press, done.result())))
        try:
            return approval.answer.result(_WITHIN.total_seconds())
        except NotYet:
            return None

    def show(self, query_id: str, text: str) -> None:
        """Answer a press; that it fails is logged and no more, since people see the message itself."""
        try:
            self._bot.answer_callback(query_id, cut(text, ANSWER_LIMIT), deadline=_WITHIN)
        except ChannelError as error:
            _log.warning("telegram.press_not_answered", error=error)

    def close(self) -> None:
        """Begin nothing more, and wait for what was begun."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _begin(self, press: Press) -> _Approval:
        keys = (f"query:{press.query_id}", f"gate:{press.gate_id}")
        now = self._clock.monotonic()
        with self._guard:
            for key in keys:
                known = self._approvals.get(key)
                if known is not None and self._still_counts(key, known, now):
                    return known
            answer = self._pool.submit(self._ask, press)
            approval = _Approval(press.query_id, answer, now)
            for key in keys:
                self._approvals[key] = approval
                self._approvals.move_to_end(key)
            while len(self._approvals) > _REMEMBERED:
                self._approvals.popitem(last=False)
        answer.add_done_callback(lambda done: None if done.cancelled() else self._publish(press, done.result()))
        return approval

    def _still_counts(self, key: str, known: _Approval, now: float) -> bool:
        """The same press always has the same answer; another press of the same gate does unless that one failed."""
        if key.startswith("query:") or not known.answer.done():
            return True
        return known.answer.result().is_ok and now - known.began_at < _SAME_GATE.total_seconds()

    def _ask(self, press: Press) -> DemarchAnswer:
        reason = f"Approved by {press.sender_name} via Telegram"
        return self._tools.write(ApproveGate(gate_id=press.gate_id, reason=reason), is_privileged=True)

    def _publish(self, press: Press, answer: DemarchAnswer) -> None:
        """Write the outcome into the message, which drops the buttons, and end the waiting mark."""
        _log.info("gate.pressed", gate_id=press.gate_id, chat_jid=press.chat_jid, is_ok=answer.is_ok)
        status = _status(press, answer)
        if press.message_id is not None:
            try:
                text = first_piece(status)
                self._bot.edit_message(chat_id_of(press.chat_jid), press.message_id, text, deadline=_WITHIN)
            except ChannelError as error:
                _log.warning("telegram.press_not_shown", error=error)
        self.show(press.query_id, status)


def _status(press: Press, answer: DemarchAnswer) -> str:
    if answer.is_ok:
        return f"✅ Gate {press.gate_id} approved by @{press.sender_name}"
    return f"❌ Failed: {answer.result}"
