"""`/v1/orchestrator` and `/v1/preflight`: switching it on and off, and what to look at before."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

import falcon
import msgspec

from intercomd.api.requests import query_seconds, read_body
from intercomd.api.services import OperatorDesk, Services
from intercomd.api.views import View, instant

LONGEST_WAIT_S = 5.0
"""Of one request; who wants to wait longer asks again, so that waiting people do not use up the workers."""

_Word = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f\ud800-\udfff]+$")]
_Text = Annotated[str, msgspec.Meta(max_length=256, pattern=r"^[^\x00-\x1f\x7f\ud800-\udfff]*$")]
_GraceMs = Annotated[int, msgspec.Meta(ge=0, le=3_600_000)]


class Wish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of `POST /v1/orchestrator`. `drain_ms`: how long runs may take to finish; default: orchestrator.grace_ms."""

    action: Literal["enable", "disable"]
    who: _Word = "an operator"
    why: _Text = ""
    drain_ms: _GraceMs | None = None


class OrchestratorResource:
    """Wanted, actual, and why they differ."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """`?wait=SECONDS`: answer once the state is one that stays, or after so long."""
        self._services.desk.wait_until_settled(query_seconds(request, "wait", LONGEST_WAIT_S))
        response.media = self._view()

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Carried out when this answers, but for runs that are still finishing. 409: the settings say no."""
        wish = read_body(request, Wish)
        desk = self._services.desk
        if wish.action == "disable":
            grace = None if wish.drain_ms is None else timedelta(milliseconds=wish.drain_ms)
            desk.disable(wish.who, wish.why, grace)
        else:
            _refuse_when_off(desk)
            desk.enable(wish.who)
        response.media = self._view()

    def _view(self) -> View:
        desk = self._services.desk
        view = desk.view
        hold = view.hold
        return {
            "is_enabled": view.is_enabled,
            "is_wanted": view.is_wanted,
            "state": view.state,
            "reason": view.reason,
            "state_age_s": round(self._services.clock.monotonic() - view.since, 3),
            "hold": None
            if hold is None
            else {
                "who": hold.who,
                "why": hold.why,
                "placed_at": instant(hold.placed_at),
                "drain_ms": None if hold.grace is None else hold.grace // timedelta(milliseconds=1),
            },
            "owner": None if desk.owner is None else {"pid": desk.owner.pid, "is_this_daemon": desk.is_owner},
            "runs": self._services.facts.slots().used,
        }


class PreflightResource:
    """Every check with its evidence; looks now, and takes seconds when something hangs."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, _request: falcon.Request, response: falcon.Response) -> None:
        findings = self._services.preflight()
        response.media = {
            "is_ok": all(finding.is_ok for finding in findings),
            "checks": [
                {"name": finding.name, "is_ok": finding.is_ok, "evidence": finding.evidence} for finding in findings
            ],
        }


def _refuse_when_off(desk: OperatorDesk) -> None:
    if not desk.view.is_enabled:
        raise falcon.HTTPConflict(
            description="orchestrator.enabled is false in the settings of this daemon, and enabling only lifts a hold: "
            "set it to true in the settings file and restart the daemon"
        )
