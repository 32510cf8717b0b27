"""`/v1/why`: why a message or a task is where it is."""

from __future__ import annotations

import falcon
import msgspec

from intercomd.desk.why import WhyDesk
from intercomd.domain.instants import iso_ms
from intercomd.errors import InvalidInput

_MAX_SUBJECT = 512


class StepShape(msgspec.Struct):
    """One recorded decision; `code` never changes its meaning, `text` may."""

    at: str
    code: str
    run_id: str | None
    text: str


class WhyShape(msgspec.Struct):
    """`standing` says how things stand now, `steps` what was decided before, oldest first."""

    subject: str
    standing: str
    steps: list[StepShape]


class WhyResource:
    """`?about=`: a message (`JID#SEQ`), a task's id or FOLDER/NUMBER, a chat's JID or a group's folder."""

    def __init__(self, desk: WhyDesk) -> None:
        self._desk = desk

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        about = request.get_param("about") or ""
        if not 0 < len(about) <= _MAX_SUBJECT:
            kinds = "JID#SEQ, a task's id or FOLDER/NUMBER, a JID or a folder"
            raise InvalidInput("about", f"must be {kinds}, of at most {_MAX_SUBJECT} characters")
        found = self._desk.explain(about)
        steps = [StepShape(iso_ms(step.at), step.code, step.run_id, step.text) for step in found.steps]
        response.media = WhyShape(found.subject, found.standing, steps)
