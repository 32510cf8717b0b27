"""Every file is small, says what it is for, and has a telling name."""

from __future__ import annotations

import ast
from statistics import median

import pytest

from tests.project.source import Module, modules

MOST_LINES = 400
MEDIAN_LINES = 150
VAGUE_NAMES = frozenset({"util", "utils", "helper", "helpers", "common", "base", "misc", "manager", "managers"})
EVERYWHERE = [*modules("intercomd"), *modules("tests")]


@pytest.mark.parametrize("module", EVERYWHERE, ids=str)
def test_module_is_small_and_says_what_it_is(module: Module) -> None:
    """No file is over 400 lines, each has a docstring, and none is a drawer for odds and ends."""
    assert len(module.text.splitlines()) <= MOST_LINES
    assert ast.get_docstring(module.tree) or not module.text
    assert VAGUE_NAMES.isdisjoint(module.name.removesuffix(".py").split("/"))


def test_modules_are_short_in_the_median() -> None:
    """Small files are the rule, not the exception."""
    assert median(len(module.text.splitlines()) for module in modules("intercomd")) <= MEDIAN_LINES
