"""Which tests there are, and what they say they prove: what documents may point to."""

from __future__ import annotations

import ast
import re
from functools import cache

from tests.project.source import modules

REFERENCE = re.compile(r"`([\w/]+\.py::\w+)`")
"""A test as documents name it: its path below tests/, and its name."""


@cache
def claims() -> dict[str, str]:
    """`path::name` of every test → its docstring and that of its module."""
    found: dict[str, str] = {}
    for module in modules("tests"):
        about = ast.get_docstring(module.tree)
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                found[f"{module.name.removeprefix('tests/')}::{node.name}"] = f"{about}\n{ast.get_docstring(node)}"
    return found


def rows(document: str) -> list[list[str]]:
    """The cells of every table row whose first cell is a number such as B-01 or I-1."""
    lines = (line for line in document.splitlines() if re.match(r"\| [A-Z]-\d+ \|", line))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
