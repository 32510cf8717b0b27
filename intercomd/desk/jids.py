"""Chat addresses that callers give; forms of channels we know are checked, so that nothing is sent to strangers
(hazard B-124)."""

from __future__ import annotations

import re

from intercomd.channels.local import parse_local_jid
from intercomd.domain.ids import ChatJid
from intercomd.errors import InvalidInput

_MAX_LENGTH = 256
_TELEGRAM = re.compile(r"tg:-?\d{1,20}", re.ASCII)
_UNFIT = re.compile(r"[\s\x00-\x1f\x7f\ud800-\udfff]")


def parse_jid(text: str, field: str) -> ChatJid:
    """`text` as a chat's address; raises `InvalidInput` naming `field`."""
    if text.startswith("local:"):
        return parse_local_jid(text, field)
    if text.startswith("tg:") and not _TELEGRAM.fullmatch(text):
        raise InvalidInput(field, f"{text!r} is no Telegram chat; write tg: and the chat's number")
    if not 1 <= len(text) <= _MAX_LENGTH or _UNFIT.search(text) or not re.match("[^:@]+[:@]", text):
        raise InvalidInput(field, f"{text!r} is no chat; examples are tg:-1001234, local:kitchen and 1234@g.us")
    return ChatJid(text)
