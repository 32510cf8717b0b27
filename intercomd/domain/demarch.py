"""What may be asked of the Demarch tools `ic` and `bd`, and which command line each question becomes (original.md §12).

A value of a caller is never an option (hazard B-48): ids match a pattern that forbids a leading dash, and everything
else stands behind its option's name and `=`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta, Struct

from intercomd.domain.text import clean
from intercomd.errors import InvalidInput

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,127}")
_DEFAULT_EVENTS = 20


class Operation(Struct, frozen=True, kw_only=True, tag_field="op"):
    """Who asks: `source_group` is a folder. `is_main` is what the caller claims, and nobody believes it (B-44)."""

    source_group: str | None = None
    is_main: bool = False


class RunStatus(Operation, frozen=True, kw_only=True, tag="run_status"):
    run_id: str | None = None


class SprintPhase(Operation, frozen=True, kw_only=True, tag="sprint_phase"):
    pass


class SearchBeads(Operation, frozen=True, kw_only=True, tag="search_beads"):
    id: str | None = None
    query: str | None = None
    status: str | None = None


class SpecLookup(Operation, frozen=True, kw_only=True, tag="spec_lookup"):
    artifact_id: str | None = None


class ReviewSummary(Operation, frozen=True, kw_only=True, tag="review_summary"):
    """Answered from files; runs nothing."""


class NextWork(Operation, frozen=True, kw_only=True, tag="next_work"):
    pass


class RunEvents(Operation, frozen=True, kw_only=True, tag="run_events"):
    limit: Annotated[int, Meta(ge=1, le=1_000)] | None = None
    since: str | None = None


class Research(Operation, frozen=True, kw_only=True, tag="research"):
    query: str


class CreateIssue(Operation, frozen=True, kw_only=True, tag="create_issue"):
    title: str
    description: str | None = None
    priority: str | None = None
    issue_type: str | None = None
    labels: tuple[str, ...] | None = None


class UpdateIssue(Operation, frozen=True, kw_only=True, tag="update_issue"):
    id: str
    status: str | None = None
    priority: str | None = None
    title: str | None = None
    description: str | None = None
    notes: str | None = None


class CloseIssue(Operation, frozen=True, kw_only=True, tag="close_issue"):
    id: str
    reason: str | None = None


class StartRun(Operation, frozen=True, kw_only=True, tag="start_run"):
    title: str | None = None
    description: str | None = None


class ApproveGate(Operation, frozen=True, kw_only=True, tag="approve_gate"):
    gate_id: str | None = None
    reason: str | None = None


ReadOperation = RunStatus | SprintPhase | SearchBeads | SpecLookup | ReviewSummary | NextWork | RunEvents | Research
WriteOperation = CreateIssue | UpdateIssue | CloseIssue | StartRun | ApproveGate


@dataclass(frozen=True, slots=True)
class Invocation:
    """A command line, and the fixed words by which the allowlists name it."""

    signature: str
    argv: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DemarchAnswer:
    """What a tool said, or why it was not asked."""

    is_ok: bool
    result: str


def plan(operation: ReadOperation | WriteOperation) -> Invocation | None:
    """The command line of an operation; None for the one that runs nothing. Raises `InvalidInput` for a bad id."""
    match operation:
        case RunStatus(run_id=None):
            return _invocation("ic", "run", "current")
        case RunStatus(run_id=run_id):
            return _invocation("ic", "run", "status", about=_id("run_id", run_id))
        case SprintPhase():
            return _invocation("ic", "run", "phase")
        case SearchBeads(id=None):
            return _invocation("bd", "list", status=operation.status, search=operation.query)
        case SearchBeads(id=bead_id):
            return _invocation("bd", "show", about=_id("id", bead_id))
        case SpecLookup(artifact_id=None):
            return _invocation("ic", "run", "artifact", "list")
        case SpecLookup(artifact_id=artifact_id):
            return _invocation("ic", "run", "artifact", "get", about=_id("artifact_id", artifact_id))
        case ReviewSummary():
            return None
        case NextWork():
            return _invocation("bd", "ready")
        case RunEvents(limit=limit, since=since):
            events = ("ic", "events", "tail", "--consumer=intercom")
            return _invocation(*events, limit=str(limit or _DEFAULT_EVENTS), since=since)
        case Research(query=query):
            return _research(query)
        case CreateIssue(title=title, labels=labels):
            return _invocation(
                "bd",
                "create",
                title=title,
                description=operation.description,
                priority=operation.priority,
                type=operation.issue_type,
                labels=",".join(labels) if labels else None,
            )
        case UpdateIssue(id=bead_id):
            return _invocation(
                "bd",
                "update",
                about=_id("id", bead_id),
                status=operation.status,
                priority=operation.priority,
                title=operation.title,
                description=operation.description,
                notes=operation.notes,
            )
        case CloseIssue(id=bead_id, reason=reason):
            return _invocation("bd", "close", about=_id("id", bead_id), reason=reason)
        case StartRun(title=title, description=description):
            return _invocation("ic", "run", "create", title=title, description=description)
        case ApproveGate(gate_id=gate_id, reason=reason):
            about = None if gate_id is None else _id("gate_id", gate_id)
            return _invocation("ic", "gate", "override", about=about, reason=reason)


def _invocation(*words: str, about: str | None = None, **options: str | None) -> Invocation:
    subject = () if about is None else (about,)
    return Invocation(" ".join((*words, "--json")), (*words, *subject, "--json", *_given(options)))


def _research(query: str) -> Invocation:
    """The one value that stands by itself, so it must not look like an option."""
    text = clean(query).strip()
    if not text or text.startswith("-"):
        raise InvalidInput("query", "must be a text that does not begin with '-'")
    words = ("ic", "discovery", "search", "--json")
    return Invocation(" ".join(words), (*words, text))


def _given(options: dict[str, str | None]) -> Iterator[str]:
    return (f"--{name}={clean(value)}" for name, value in options.items() if value is not None)


def _id(field: str, text: str | None) -> str:
    if text is None or not _ID.fullmatch(text):
        raise InvalidInput(
            field, f"{text!r} is no id; allowed are letters, digits and ._:/@+-, beginning with a letter or digit"
        )
    return text
