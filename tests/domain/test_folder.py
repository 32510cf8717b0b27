"""The folder-name rule."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercomd.domain.folder import folder_for, parse_folder
from intercomd.errors import InvalidInput


@pytest.mark.parametrize("text", ["/", "..", "../..", "a/b", "", " a", "-a", "global", "Global", "é", "a" * 65, "a\n"])
def test_folder_is_refused_when_it_could_leave_its_place(text: str) -> None:
    """No path, no reserved name, ASCII only (B-42, B-68)."""
    with pytest.raises(InvalidInput, match="allowed are"):
        parse_folder(text)


@given(st.text())
def test_folder_for_always_gives_a_valid_folder(name: str) -> None:
    """Whatever a chat is called, it can be registered."""
    assert parse_folder(folder_for(name))
