"""Which inputs of a run are answered: the accounting behind "every request has one visible outcome".

The prompt and each follow-up are inputs. A result settles the inputs it answers; an end of turn settles those that got
no text (the declared silence); an error after a result settles nothing more but wants a notice; an exit leaves what is
unanswered to `domain/endings.py`. An agent of protocol 1 does not say what it answers: its first result or end of turn
is about its only input, the prompt.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from intercomd.domain.frames import AgentFailed, Announcement, Frame, Result, SessionLost, TurnEnded
from intercomd.domain.ids import InputId
from intercomd.domain.text import strip_internal


@dataclass(frozen=True, slots=True)
class Turns:
    """Inputs delivered so far, in order, and what became of them. A value: `after` gives the next one."""

    delivered: tuple[InputId, ...]
    answered: frozenset[InputId] = frozenset()
    protocol: int = 1
    is_turn_open: bool = True
    has_replied_in_turn: bool = False
    session_id: str | None = None
    failure: AgentFailed | None = None

    @property
    def takes_follow_ups(self) -> bool:
        return self.protocol >= 2

    @property
    def open_inputs(self) -> tuple[InputId, ...]:
        return tuple(item for item in self.delivered if item not in self.answered)

    @property
    def is_idle(self) -> bool:
        """Everything delivered is answered and the agent waits."""
        return not self.is_turn_open and not self.open_inputs

    def with_input(self, input_id: InputId) -> Turns:
        """A follow-up was handed over."""
        return replace(self, delivered=(*self.delivered, input_id), is_turn_open=True)


@dataclass(frozen=True, slots=True)
class Step:
    """The state after a frame, and what has to be recorded for it."""

    turns: Turns
    reply: str | None = None
    settles: tuple[InputId, ...] = ()
    new_session_id: str | None = None
    wants_notice: bool = False
    lost_session: str | None = None
    is_worth_recording: bool = False


def after(turns: Turns, frame: Frame) -> Step:
    """What `frame` means in state `turns`."""
    match frame:
        case Announcement():
            return _step(replace(turns, protocol=frame.protocol), turns, frame.session_id)
        case Result():
            settles = _settled_by(turns, frame.answers)
            text = strip_internal(frame.text)
            following = replace(
                turns,
                answered=turns.answered | set(settles),
                is_turn_open=True,
                has_replied_in_turn=turns.has_replied_in_turn or bool(text),
            )
            return _step(following, turns, frame.session_id, reply=text or None, settles=settles)
        case TurnEnded():
            settles = _settled_by(turns, frame.answers)
            following = replace(
                turns, answered=turns.answered | set(settles), is_turn_open=False, has_replied_in_turn=False
            )
            return _step(following, turns, frame.session_id, settles=settles)
        case AgentFailed():
            is_about_open_input = any(item in turns.open_inputs for item in frame.answers or ())
            return _step(
                replace(turns, failure=frame),
                turns,
                frame.session_id,
                wants_notice=turns.has_replied_in_turn and not is_about_open_input,
            )
        case SessionLost(session_id):
            return Step(replace(turns, session_id=None), lost_session=session_id, is_worth_recording=True)
        case _:
            return Step(turns)


def _settled_by(turns: Turns, answers: tuple[InputId, ...] | None) -> tuple[InputId, ...]:
    if answers is None:
        return turns.open_inputs[:1] if turns.protocol >= 2 else turns.open_inputs
    return tuple(item for item in turns.open_inputs if item in answers)


def _step(
    following: Turns,
    turns: Turns,
    session_id: str | None,
    *,
    reply: str | None = None,
    settles: tuple[InputId, ...] = (),
    wants_notice: bool = False,
) -> Step:
    is_new = session_id is not None and session_id != turns.session_id
    return Step(
        replace(following, session_id=session_id if is_new else turns.session_id),
        reply,
        settles,
        session_id if is_new else None,
        wants_notice,
        is_worth_recording=is_new or reply is not None or bool(settles) or wants_notice,
    )
