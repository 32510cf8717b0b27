"""Which channel a JID belongs to."""

from __future__ import annotations

import pytest

from intercomd.domain.ids import ChatJid
from intercomd.domain.routing import bridged_channels, channel_of


@pytest.mark.parametrize(
    ("jid", "channel"),
    [
        ("tg:42", "telegram"),
        ("tg:-1001234", "telegram"),
        ("120363@g.us", "whatsapp"),
        ("4366012@s.whatsapp.net", "whatsapp"),
        ("local:kitchen", "local"),
        ("local:me@g.us", "local"),
        ("4366012:7@s.whatsapp.net", "whatsapp"),
        ("dc:77", "discord"),
        ("sms:1", "sms"),
        ("__group_sync__", ""),
        ("", ""),
    ],
)
def test_channel_of_names_the_owner_of_a_jid(jid: str, channel: str) -> None:
    """The JID alone says whose a chat is (hazard B-39)."""
    assert channel_of(ChatJid(jid)) == channel


def test_bridged_channels_are_those_nobody_here_owns() -> None:
    """A channel of our own is never delivered through the host; `local` never is."""
    assert bridged_channels(frozenset({"local"})) == {"telegram", "whatsapp"}
    assert bridged_channels(frozenset({"local", "telegram"})) == {"whatsapp"}
