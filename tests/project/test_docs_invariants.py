"""docs/invariants.md points to code and tests that exist."""

from __future__ import annotations

import re

import pytest

from tests.project.claims import REFERENCE, claims, rows
from tests.project.source import ROOT

INVARIANTS = rows((ROOT / "docs/invariants.md").read_text(encoding="utf-8"))


def test_invariants_are_numbered_without_gaps() -> None:
    """A number once given means one thing."""
    assert [cells[0] for cells in INVARIANTS] == [f"I-{number}" for number in range(1, len(INVARIANTS) + 1)]


@pytest.mark.parametrize("cells", INVARIANTS, ids=[cells[0] for cells in INVARIANTS])
def test_invariant_is_kept_by_code_and_attacked_by_tests(cells: list[str]) -> None:
    """Each is a sentence, with files that are there and at least one test that is."""
    _, text, kept_by, attacked_by = cells
    assert text.endswith(".")
    files = re.findall(r"`(intercomd/[^`]+)`", kept_by)
    assert files
    assert [file for file in files if not (ROOT / file).is_file()] == []
    references = REFERENCE.findall(attacked_by)
    assert references
    assert [reference for reference in references if reference not in claims()] == []
