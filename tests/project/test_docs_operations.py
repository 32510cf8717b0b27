"""docs/operations.md knows every event that wants a person, and names none that is not there."""

from __future__ import annotations

import ast
import re

from tests.project.source import ROOT, modules

DOCUMENT = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
NAMES = re.compile(r"`([a-z_]+\.[a-z_]+)`")


def logged(*levels: str) -> set[str]:
    """Names of the events that the program logs at these levels, but for those put together at run time."""
    calls = {f"_log.{level}" for level in levels}
    return {
        str(node.args[0].value)
        for module in modules("intercomd")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in calls and isinstance(node.args[0], ast.Constant)
    }


def explained() -> set[str]:
    """Events in the table of errors."""
    section = DOCUMENT.partition("\n## Log\n")[2].partition("\n## ")[0]
    table = (line for line in section.splitlines() if line.startswith("| `"))
    return {name for line in table for name in NAMES.findall(line.split("|")[1])}


def test_every_error_says_what_to_do() -> None:
    """ERROR means that a person should look, so the page tells where."""
    assert sorted(logged("error") - explained()) == []


def test_every_explained_error_exists() -> None:
    """No row explains what is never logged; the ends of actors are named by their reason."""
    ends = {"actor.crashed", "actor.start_failed"}
    assert sorted(explained() - logged("error") - ends) == []


def test_other_events_to_watch_exist() -> None:
    """Nobody waits for an event of another name."""
    (watch,) = re.findall(r"Watch also: (.*)", DOCUMENT)
    assert sorted(set(NAMES.findall(watch)) - logged("info", "warning")) == []
