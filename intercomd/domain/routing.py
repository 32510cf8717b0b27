"""Which channel a chat belongs to: its JID alone decides (hazard B-39), everywhere the same way.

The forms are those of the existing system: `tg:<chat id>` at Telegram, `<id>@g.us` and `<number>@s.whatsapp.net` at
WhatsApp, and here also `local:<name>` on this machine. Any other JID is of the channel before its colon.
"""

from __future__ import annotations

from intercomd.domain.ids import ChatJid

LOCAL = "local"
TELEGRAM = "telegram"
WHATSAPP = "whatsapp"

HOSTED = frozenset({TELEGRAM, WHATSAPP})
"""Channels that may live in the host, where the daemon reaches them by HTTP."""

_BY_PREFIX = {"local": LOCAL, "tg": TELEGRAM, "dc": "discord"}
_WHATSAPP_ENDINGS = ("@g.us", "@s.whatsapp.net")


def channel_of(chat_jid: ChatJid) -> str:
    """The name of the chat's channel; empty for a JID that no channel has."""
    prefix, colon, _ = chat_jid.partition(":")
    if colon and prefix in _BY_PREFIX:
        return _BY_PREFIX[prefix]
    if chat_jid.endswith(_WHATSAPP_ENDINGS):
        return WHATSAPP
    return prefix if colon else ""


def bridged_channels(own: frozenset[str]) -> frozenset[str]:
    """The channels whose texts go to the host: those that can live there and are not our own."""
    return HOSTED - own
