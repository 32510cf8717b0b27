"""Takes in presses of a question's buttons, as the host hands them over (`POST /v1/telegram/callback`).

The choice is stored before anything is shown: what is stored reaches the agent, whatever becomes of this request. The
host waits 5 s, so both calls to Telegram together take less.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from intercomd.channels.port import ChannelStore, Mailbox
from intercomd.channels.telegram.bot_api import BotApi
from intercomd.channels.telegram.pieces import chat_id_of, first_piece
from intercomd.clock import Clock
from intercomd.domain.mailbox import ChatStored
from intercomd.domain.questions import ChoicePress, PressOutcome, Question
from intercomd.domain.text import cut
from intercomd.errors import ChannelError
from intercomd.logs import EventLog

NOT_HERE = "Not allowed in this chat"
_ANSWER_LIMIT = 200
"""Characters that Telegram shows of an answer to a press."""
_WITHIN = timedelta(seconds=1.5)
_log = EventLog("telegram.presses")


@dataclass(frozen=True, slots=True)
class PressAnswer:
    """What the presser is told; `is_taken` when the choice is the question's answer."""

    is_taken: bool
    text: str


class QuestionPresses:
    """Safe to use from any thread."""

    def __init__(self, store: ChannelStore, message_loop: Mailbox, bot: BotApi, clock: Clock) -> None:
        self._store = store
        self._message_loop = message_loop
        self._bot = bot
        self._clock = clock

    def receive(self, press: ChoicePress, message_id: int | None) -> PressAnswer:
        """Store the choice, show it in the message in place of the buttons, and answer the press. The same press again
        changes nothing; raises `StoreUnavailable`, and then nothing was stored."""
        pressed = self._store.questions.press(press, self._clock.now())
        if pressed.is_taken:
            self._message_loop.hint(ChatStored(press.chat_jid))
        _log.info("question.pressed", chat_jid=press.chat_jid, question_id=press.question_id, is_taken=pressed.is_taken)
        answer = _answer(pressed)
        if pressed.question is not None and message_id is not None:
            self._show(press, message_id, pressed.question, answer)
        try:
            self._bot.answer_callback(press.press_id, cut(answer.text, _ANSWER_LIMIT), deadline=_WITHIN)
        except ChannelError as error:
            _log.warning("telegram.press_not_answered", error=error)
        return answer

    def _show(self, press: ChoicePress, message_id: int, question: Question, answer: PressAnswer) -> None:
        who = f" ({press.sender_name})" if answer.is_taken and press.sender_name else ""
        outcome = f"✅ {question.chosen}{who}" if question.chosen is not None else answer.text
        text = first_piece(f"{question.text}\n\n{outcome}")
        try:
            self._bot.edit_message(chat_id_of(press.chat_jid), message_id, text, deadline=_WITHIN)
        except ChannelError as error:
            _log.warning("telegram.press_not_shown", error=error)


def _answer(pressed: PressOutcome) -> PressAnswer:
    if pressed.question is None:
        return PressAnswer(False, NOT_HERE)
    if pressed.is_taken:
        return PressAnswer(True, f"✅ {pressed.question.chosen}")
    if pressed.question.chosen is not None:
        return PressAnswer(False, f"This was answered already: {pressed.question.chosen}")
    return PressAnswer(False, "This question is not open any more")
