"""docs/hazards.md is complete and true: every number, and only tests that exist and claim it."""

from __future__ import annotations

import re

import pytest

from tests.project.claims import REFERENCE, claims, rows
from tests.project.source import ROOT

ALL = [f"B-{number:02d}" for number in range(1, 126)]
HAZARDS = rows((ROOT / "docs/hazards.md").read_text(encoding="utf-8"))
NUMBERS = [cells[0] for cells in HAZARDS]


def test_every_hazard_is_listed_once() -> None:
    """125 numbers, in order."""
    assert NUMBERS == ALL


@pytest.mark.parametrize("cells", HAZARDS, ids=NUMBERS)
def test_hazard_is_kept_out_by_tests_or_says_why_not(cells: list[str]) -> None:
    """Its tests exist and name it; without one there is an issue to come, or a reason why it does not apply."""
    number, there, here, tests, issue = cells
    assert there
    assert here.endswith(".")
    references = REFERENCE.findall(tests)
    assert len(references) == tests.count("::")
    assert references or issue or here.startswith("Does not apply: ")
    assert re.fullmatch(r"(\d(, \d)*(: .+)?)?", issue)
    for reference in references:
        assert reference in claims(), f"{reference} does not exist"
        assert re.search(rf"\b{number}\b", claims()[reference]), f"{reference} does not name {number}"


def test_every_hazard_that_a_test_names_is_listed_with_a_test() -> None:
    """What is proved is not passed off as still to come."""
    named = {f"B-{number}" for claim in claims().values() for number in re.findall(r"B-(\d{2,3})", claim)}
    listed = {cells[0] for cells in HAZARDS if REFERENCE.search(cells[3])}
    assert sorted(named - listed) == []
