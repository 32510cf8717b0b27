"""When a chat message of a group asks for an answer: one rule for every channel and endpoint (hazard B-103)."""

from __future__ import annotations

import re
from functools import lru_cache

from intercomd.domain.chat import Group


def needs_trigger(group: Group, main_folder: str) -> bool:
    """The main group and groups registered without a trigger answer to everything."""
    return group.requires_trigger and group.folder != main_folder


def matches_trigger(group: Group, content: str, assistant_name: str) -> bool:
    """True when `content` starts with `@<assistant name>` or with the group's own trigger, whatever the case.

    A word must not go on after the trigger (`@Amtiskawfoo` is none), but a trigger that ends in a punctuation mark
    needs no boundary (`hey!do` is one).
    """
    return _pattern(assistant_name, group.trigger.strip()).match(content.strip()) is not None


def without_trigger(group: Group, content: str, assistant_name: str) -> str:
    """What is said after the trigger, or all of `content` when it starts with none."""
    said = content.strip()
    match = _pattern(assistant_name, group.trigger.strip()).match(said)
    return said if match is None else said[match.end() :].lstrip(" ,:")


@lru_cache(maxsize=256)
def _pattern(assistant_name: str, trigger: str) -> re.Pattern[str]:
    starts = [f"@{assistant_name}"] + ([trigger] if trigger else [])
    return re.compile("|".join(_bounded(start) for start in starts), re.IGNORECASE)


def _bounded(start: str) -> str:
    return re.escape(start) + (r"(?!\w)" if re.match(r"\w", start[-1]) else "")
