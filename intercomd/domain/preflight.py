"""What a pre-flight check found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """`evidence` is what was seen, or what is wrong and what to do about it."""

    name: str
    is_ok: bool
    evidence: str
