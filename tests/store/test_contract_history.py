"""Searching a chat's log: the same on both engines, whatever is searched for."""

from __future__ import annotations

from datetime import timedelta

import pytest

from intercomd.domain.ids import ChatJid
from tests.store.household import KITCHEN, NOON, Household, message

LATER = NOON + timedelta(days=1)


def found(house: Household, text: str, limit: int = 10) -> list[str]:
    return [hit.content for hit in house.store.history.search(KITCHEN, text, LATER, limit)]


@pytest.mark.parametrize(
    ("text", "hits"),
    [
        ("", ["50% off_er!", "GRÜNE Bohnen", "green beans"]),
        ("GREEN", ["green beans"]),
        ("grüne", ["GRÜNE Bohnen"]),
        ("GRÜNE", ["GRÜNE Bohnen"]),
        ("%", ["50% off_er!"]),
        ("_", ["50% off_er!"]),
        ("!", ["50% off_er!"]),
        ("beans' OR '1'='1", []),
        ("b\\eans", []),
        ("\x00", []),
    ],
)
def test_search_finds_what_has_the_text_in_it(house: Household, text: str, hits: list[str]) -> None:
    """Letters of any alphabet in either case; signs with a meaning to the engine stand for themselves."""
    for number, content in enumerate(("green beans", "GRÜNE Bohnen", "50% off_er!", "/status", "")):
        house.store.chats.ingest(message(f"m{number}", content, sent_at=NOON + timedelta(seconds=number)), NOON)
    assert found(house, text) == hits


def test_search_goes_on_before_the_oldest_found(house: Household) -> None:
    """Pages are cut by time, bot texts among them, and another chat has no part in them."""
    for number in range(5):
        said = message(f"m{number}", f"text {number}", sent_at=NOON + timedelta(seconds=number), is_bot=number == 3)
        house.store.chats.ingest(said, NOON)
    house.store.chats.ingest(message("x", "text of others", chat_jid=ChatJid("local:attic")), NOON)
    first = house.store.history.search(KITCHEN, "text", LATER, 2)
    assert [hit.content for hit in first] == ["text 4", "text 3"]
    rest = house.store.history.search(KITCHEN, "text", first[-1].sent_at, 10)
    assert [hit.content for hit in rest] == ["text 2", "text 1", "text 0"]


def test_search_looks_further_than_a_page(house: Household) -> None:
    """What is rare is found behind thousands of texts of the same instant."""
    house.store.chats.ingest(message("first", "needle"), NOON)
    for number in range(1_001):
        house.store.chats.ingest(message(f"m{number}", "hay"), NOON)
    assert found(house, "needle") == ["needle"]
