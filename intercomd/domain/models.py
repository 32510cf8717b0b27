"""The model catalogue and how `/model` arguments are understood (original.md §5.4).

Two deliberate differences (hazard B-122): fragments shorter than three characters match nothing, and a name that is
neither in the catalogue nor recognisable by its family prefix is refused instead of stored.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Model:
    """A model as people choose it; `runtime` is the agent program that drives it."""

    model_id: str
    runtime: str
    display: str


CATALOGUE = (
    Model("claude-opus-4-6", "claude", "Claude Opus 4.6"),
    Model("claude-sonnet-4-6", "claude", "Claude Sonnet 4.6"),
    Model("gemini-3.1-pro", "gemini", "Gemini 3.1 Pro"),
    Model("gemini-2.5-flash", "gemini", "Gemini 2.5 Flash"),
    Model("gpt-5.3-codex", "codex", "GPT-5.3 Codex"),
)
DEFAULT_MODEL = CATALOGUE[0]
ECHO = Model("echo", "echo", "Echo")
_FAMILIES = (
    ("claude-", "claude"),
    ("gemini-", "gemini"),
    ("gpt-", "codex"),
    ("codex-", "codex"),
    ("o1-", "codex"),
    ("o3-", "codex"),
    ("o4-", "codex"),
)
_SHORTEST_FRAGMENT = 3


def find_model(model_id: str) -> Model | None:
    """The catalogue entry with this id."""
    return next((model for model in (*CATALOGUE, ECHO) if model.model_id == model_id), None)


def display_name(model_id: str) -> str:
    """What people read for a stored model id; the id itself when it is in no catalogue."""
    model = find_model(model_id)
    return model.display if model else model_id


def resolve_model(argument: str) -> Model | None:
    """The model an argument means: an id, a number from 1, a fragment of an id or name (first match), or an id of a
    known family; None when it means nothing."""
    typed = argument.strip()
    lowered = typed.lower()
    if exact := find_model(lowered):
        return exact
    if typed.isdecimal():
        number = int(typed)
        return CATALOGUE[number - 1] if 1 <= number <= len(CATALOGUE) else None
    if len(lowered) >= _SHORTEST_FRAGMENT:
        for model in CATALOGUE:
            if lowered in model.model_id or lowered in model.display.lower():
                return model
    runtime = next((runtime for prefix, runtime in _FAMILIES if lowered.startswith(prefix)), None)
    return Model(lowered, runtime, typed) if runtime else None


def runtime_of(runtime: str | None, model_id: str | None, default_runtime: str) -> str:
    """Which agent program a group's next run uses: its own choice, else the model's, else the default (B-67)."""
    if runtime:
        return runtime
    model = resolve_model(model_id) if model_id else None
    return model.runtime if model else default_runtime
