"""Session policy: the agent's own conversation ids, and the commands that change them.

Owns:      nothing in memory; the store has it all.
Never:     asks another actor (it is a leaf).
Talks to:  the store.
"""

from __future__ import annotations

from intercomd.clock import Clock
from intercomd.domain.mailbox import CancelGroup, Heartbeat, RetryGroup, SessionOf
from intercomd.store.ports import Sessions


class SessionStore:
    """See the module's text; the answers are those of `store.ports.Sessions`."""

    def __init__(self, sessions: Sessions, clock: Clock) -> None:
        self._sessions = sessions
        self._clock = clock

    def handle(self, item: object) -> object:
        match item:
            case SessionOf(folder):
                return self._sessions.get(folder)
            case CancelGroup():
                return self._sessions.cancel(
                    item.folder,
                    key=item.key,
                    clears_session=item.clears_session,
                    runtime=item.runtime,
                    model=item.model,
                    reply=item.reply,
                    handled=item.handled,
                    now=self._clock.now(),
                )
            case RetryGroup(folder, seq, reply):
                return self._sessions.request_retry(folder, seq=seq, reply=reply, now=self._clock.now())
            case Heartbeat():
                return "ok"
            case _:
                raise TypeError(f"SessionStore does not take {item!r}")
