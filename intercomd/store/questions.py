"""Questions with choices: asked through the outbox, answered by a chat message."""

from __future__ import annotations

import json
from datetime import datetime

from intercomd.domain.chat import IncomingMessage
from intercomd.domain.events import EventCode
from intercomd.domain.ids import ChatJid, OutboxId
from intercomd.domain.instants import to_epoch_ms
from intercomd.domain.outbox import NewText, TextKind
from intercomd.domain.questions import (
    ChoicePress,
    NewQuestion,
    PressOutcome,
    Question,
    QuestionState,
    question_buttons,
    question_text,
)
from intercomd.domain.text import clean
from intercomd.errors import NotFound
from intercomd.store.chat_log import store_answer
from intercomd.store.engine import Database, Transaction
from intercomd.store.events import record_event
from intercomd.store.open_questions import close_question, find_open_question
from intercomd.store.outbox_table import add_texts
from intercomd.store.rows import group_of, question_of


class QuestionsTable:
    """The `Questions` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ask(self, question: NewQuestion, now: datetime) -> Question:
        return self._database.write(lambda transaction: _ask(transaction, question, now))

    def press(self, press: ChoicePress, now: datetime) -> PressOutcome:
        return self._database.write(lambda transaction: _press(transaction, press, now))

    def find_open(self, chat_jid: ChatJid, now: datetime) -> Question | None:
        row = self._database.row("find_open_question", chat_jid=chat_jid)
        question = None if row is None else question_of(row)
        return question if question is not None and question.is_answerable(now) else None


def _ask(transaction: Transaction, question: NewQuestion, now: datetime) -> Question:
    group = transaction.row("lock_group", folder=question.folder)
    if group is None:
        raise NotFound(f"no group has the folder {question.folder}")
    known = _find(transaction, question.question_id)
    if known is not None:
        return known
    jid = ChatJid(group["jid"])
    before = find_open_question(transaction, jid, now)
    if before is not None:
        close_question(transaction, before, QuestionState.REPLACED, now)
    transaction.run(
        "add_question",
        question_id=question.question_id,
        chat_jid=jid,
        folder=question.folder,
        run_id=question.run_id,
        content=clean(question.text),
        choices=json.dumps([clean(choice) for choice in question.choices]),
        now=to_epoch_ms(now),
    )
    text = NewText(
        OutboxId(f"question:{question.question_id}"),
        jid,
        TextKind.REPLY,
        question_text(question),
        question.run_id,
        question_buttons(question),
    )
    add_texts(transaction, [text], now)
    record_event(
        transaction,
        EventCode.QUESTION_ASKED,
        now,
        chat_jid=jid,
        folder=question.folder,
        run_id=question.run_id,
        detail=question.question_id,
    )
    asked = _find(transaction, question.question_id)
    assert asked is not None
    return asked


def _press(transaction: Transaction, press: ChoicePress, now: datetime) -> PressOutcome:
    group = transaction.row("lock_group_by_jid", chat_jid=press.chat_jid)
    open_question = find_open_question(transaction, press.chat_jid, now)
    question = _find(transaction, press.question_id)
    if group is None or question is None or question.chat_jid != press.chat_jid:
        _refuse(transaction, press, "not a question of this chat", now)
        return PressOutcome(None)
    if press.choice >= len(question.choices):
        _refuse(transaction, press, f"{press.question_id} has no choice {press.choice + 1}", now)
        return PressOutcome(None)
    message = IncomingMessage(
        press.chat_jid,
        clean(f"press:{press.press_id}"),
        clean(press.sender),
        clean(press.sender_name),
        question.choices[press.choice],
        now,
    )
    if open_question is None or open_question.question_id != question.question_id:
        stored = transaction.row("find_seq", chat_jid=press.chat_jid, external_id=message.external_id)
        is_taken = stored is not None and stored["seq"] == question.answer_seq
        if not is_taken:
            _refuse(transaction, press, f"{press.question_id} is {question.state}", now)
        return PressOutcome(question, is_taken)
    store_answer(transaction, message, group_of(group), question, press.choice, now)
    return PressOutcome(_find(transaction, press.question_id), is_taken=True)


def _find(transaction: Transaction, question_id: str) -> Question | None:
    row = transaction.row("find_question", question_id=question_id)
    return None if row is None else question_of(row)


def _refuse(transaction: Transaction, press: ChoicePress, why: str, now: datetime) -> None:
    record_event(transaction, EventCode.QUESTION_NOT_ANSWERED, now, chat_jid=press.chat_jid, detail=clean(why))
