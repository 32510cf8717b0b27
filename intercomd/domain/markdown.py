"""Text inside Telegram's Markdown, shown as it is (hazard B-97)."""

from __future__ import annotations

import re

MARKDOWN = "Markdown"
"""The parse mode of answers to commands."""


def plain(text: str) -> str:
    return re.sub(r"([_*`\[])", r"\\\1", text)


def in_code(text: str) -> str:
    """`text` for between two backticks."""
    return text.replace("`", "'")
