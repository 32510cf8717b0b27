"""What Telegram refuses about a text, for the fake Bot API server."""

from __future__ import annotations

import json
import re
from email import message_from_bytes, policy
from typing import Any

from intercomd.domain.text import utf16_units

_LIMIT = 4096
_BUTTON_DATA_BYTES = 64
_DOCUMENT_BYTES = 50_000_000
_ENTITY = re.compile(r"\\([_*`\[])|([_*`])")


class Refused(Exception):
    """An answer with `ok: false`."""

    def __init__(self, status: int, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.description = description


def check_text(text: str) -> None:
    if not text.strip():
        raise Refused(400, "Bad Request: message text is empty")
    if utf16_units(text) > _LIMIT:
        raise Refused(400, "Bad Request: message is too long")


def check_markup(text: str) -> None:
    """Legacy Markdown: every mark that opens must close; a backslash takes a mark's meaning away."""
    opened: tuple[str, int] | None = None
    for match in _ENTITY.finditer(text):
        mark = match[2]
        if mark is None:
            continue
        if opened is None:
            opened = (mark, len(text[: match.start()].encode()))
        elif opened[0] == mark:
            opened = None
    if opened is not None:
        description = f"can't parse entities: Can't find end of the entity starting at byte offset {opened[1]}"
        raise Refused(400, f"Bad Request: {description}")


def read_buttons(markup: object) -> list[tuple[str, str]]:
    """Label and data of the buttons of an inline keyboard, which clients send as JSON or as a text of it."""
    keyboard = json.loads(markup) if isinstance(markup, str) else markup
    if not isinstance(keyboard, dict):
        return []
    buttons = [(button["text"], button["callback_data"]) for row in keyboard["inline_keyboard"] for button in row]
    if not all(1 <= len(data.encode()) <= _BUTTON_DATA_BYTES for _, data in buttons):
        raise Refused(400, "Bad Request: BUTTON_DATA_INVALID")
    return buttons


def text_as_shown(text: str) -> str:
    """`text` without its marks."""
    return _ENTITY.sub(lambda match: match[1] or "", text).strip()


def read_form(content_type: str, body: bytes) -> dict[str, Any]:
    """The fields of a multipart/form-data body (RFC 7578), by the parser for mail: a text, or name and content of a
    file."""
    whole = b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body
    form = message_from_bytes(whole, policy=policy.HTTP)
    fields: dict[str, Any] = {}
    for part in form.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        file_name = part.get_filename()
        fields[str(name)] = content.decode() if file_name is None else (file_name, content)
    return fields


def read_document(document: object) -> tuple[str, bytes]:
    if not isinstance(document, tuple):
        raise Refused(400, "Bad Request: there is no document in the request")
    name, content = document
    if not content:
        raise Refused(400, "Bad Request: file must be non-empty")
    if len(content) > _DOCUMENT_BYTES:
        raise Refused(413, "Request Entity Too Large")
    return name, content
