"""How long records are kept; what is not finished is kept in any case."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class Retention(Struct, frozen=True, kw_only=True):
    """How long the record of what was done is kept. Chat messages are never removed."""

    events_days: Annotated[
        int, Meta(ge=1, le=36_500, description="Decisions, which `intercomd why` explains from.")
    ] = 90
    runs_days: Annotated[
        int, Meta(ge=1, le=36_500, description="Ended runs and what became of the fire times of scheduled tasks.")
    ] = 90
    texts_days: Annotated[
        int, Meta(ge=2, le=36_500, description="Texts that were sent or given up; the chat keeps what was said.")
    ] = 30
