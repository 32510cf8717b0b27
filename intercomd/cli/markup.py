"""The Markdown of chats on a terminal: bold text is bold, code is coloured, and the marks are gone."""

from __future__ import annotations

import re

_BOLD = "\x1b[1m"
_CODE = "\x1b[36m"
_OFF = "\x1b[0m"
_MARKUP = re.compile(
    r"```.*?```"  # a block of code stays as it is
    r"|`(?P<code>[^`\n]+)`"
    r"|(?<![\w*])(?P<mark>\*\*?)(?P<bold>[^\s*](?:[^*\n]*[^\s*])?)(?P=mark)(?![\w*])"
    r"|\\(?P<escaped>[_*`\[])",
    re.DOTALL,
)


def render_markup(text: str, *, is_terminal: bool = True) -> str:
    """`text`, which has no control characters any more, with looks or, where it is no terminal, without the marks."""

    def render(found: re.Match[str]) -> str:
        before, after = (_CODE if found["code"] else _BOLD, _OFF) if is_terminal else ("", "")
        if found["code"]:
            return f"{before}{found['code']}{after}"
        if found["bold"]:
            return f"{before}{_MARKUP.sub(render, found['bold'])}{after}"
        return found["escaped"] or found[0]

    return _MARKUP.sub(render, text)
