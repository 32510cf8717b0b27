"""A chat's open question, as the transactions that may close it see it; always under the group's row lock."""

from __future__ import annotations

from datetime import datetime

from intercomd.domain.events import EventCode
from intercomd.domain.ids import ChatJid, Seq
from intercomd.domain.instants import to_epoch_ms
from intercomd.domain.questions import Question, QuestionState
from intercomd.store.engine import Transaction
from intercomd.store.events import record_event
from intercomd.store.rows import question_of

_CODES = {
    QuestionState.ANSWERED: EventCode.QUESTION_ANSWERED,
    QuestionState.REPLACED: EventCode.QUESTION_REPLACED,
    QuestionState.DROPPED: EventCode.QUESTION_DROPPED,
    QuestionState.EXPIRED: EventCode.QUESTION_EXPIRED,
}


def find_open_question(transaction: Transaction, chat_jid: ChatJid, now: datetime) -> Question | None:
    """The question that a text may answer now; one past its day is closed on the way."""
    row = transaction.row("find_open_question", chat_jid=chat_jid)
    if row is None:
        return None
    question = question_of(row)
    if question.is_answerable(now):
        return question
    close_question(transaction, question, QuestionState.EXPIRED, now)
    return None


def answer_question(transaction: Transaction, question: Question, choice: int, seq: Seq, now: datetime) -> None:
    """The message `seq` of its chat makes the choice."""
    close_question(transaction, question, QuestionState.ANSWERED, now, choice=choice, seq=seq)


def close_question(
    transaction: Transaction,
    question: Question,
    state: QuestionState,
    now: datetime,
    *,
    choice: int | None = None,
    seq: Seq | None = None,
) -> None:
    transaction.run(
        "close_question",
        question_id=question.question_id,
        state=state.value,
        answer_seq=seq,
        choice=choice,
        now=to_epoch_ms(now),
    )
    detail = question.question_id if choice is None else f"{question.question_id}: {question.choices[choice]}"
    record_event(transaction, _CODES[state], now, chat_jid=question.chat_jid, seq=seq, detail=detail)


def drop_question(transaction: Transaction, chat_jid: ChatJid, now: datetime) -> None:
    """The conversation in which the chat's open question was asked is over."""
    question = find_open_question(transaction, chat_jid, now)
    if question is not None:
        close_question(transaction, question, QuestionState.DROPPED, now)
