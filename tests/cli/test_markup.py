"""Markdown on a terminal."""

from __future__ import annotations

import pytest

from intercomd.cli.markup import render_markup


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("*Commands*", "\x1b[1mCommands\x1b[0m"),
        ("a **bold** word", "a \x1b[1mbold\x1b[0m word"),
        ("`/pause <#>` rests it", "\x1b[36m/pause <#>\x1b[0m rests it"),
        (r"the file my\_notes\[1]", "the file my_notes[1]"),
        ("2 * 3 * 4, 2*3*4, *args and **kwargs", "2 * 3 * 4, 2*3*4, *args and **kwargs"),
        ("* one\n* two", "* one\n* two"),
        ("```\nx = a*b\n*c*\n```", "```\nx = a*b\n*c*\n```"),
        ("`a` lone ` and *", "\x1b[36ma\x1b[0m lone ` and *"),
    ],
)
def test_marks_become_looks_where_they_are_marks(text: str, shown: str) -> None:
    """Bold and code are shown as such; stars and backticks that mark nothing stay."""
    assert render_markup(text) == shown


def test_without_a_terminal_only_the_marks_go() -> None:
    """What a script reads has no escape sequences."""
    assert render_markup(r"*Set* `a_b`, my\_key", is_terminal=False) == "Set a_b, my_key"
