"""Which group is the main one is said by the settings alone."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from intercomd.domain.chat import MessageKind
from intercomd.domain.ids import ChatJid, Folder
from intercomd.store.opening import StoreSettings, open_store
from tests.store.household import Household


def test_main_group_is_the_one_of_the_settings(tmp_path: Path) -> None:
    """A group in the configured folder needs no trigger; one that happens to be called main does (hazard B-91)."""
    settings = StoreSettings(assistant_name="Ida", main_folder="home", sqlite_path=tmp_path / "intercom.db")
    with closing(open_store(settings)) as store:
        house = Household(store)
        kinds = {}
        for folder in ("home", "main"):
            chat = ChatJid(f"local:{folder}")
            house.register(Folder(folder), chat, requires_trigger=True)
            kinds[folder] = house.say(folder, chat_jid=chat).kind
    assert kinds == {"home": MessageKind.REQUEST, "main": MessageKind.CONTEXT}
