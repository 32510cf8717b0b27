"""Plays `claude` inside a sandbox and looks for secrets wherever an agent can look; run as a program of its own.

It takes turns on standard input as `claude --input-format stream-json` does, asks its provider once for each, and
replies with a report as JSON: where the marker is, how much it saw, and what the provider's status was.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator

MARKER = "-YRANAC"[::-1]
"""Written backwards, or it would find itself."""
SYSTEM = ("/proc", "/sys", "/dev", "/usr", os.path.dirname(os.__file__))
_MOST_BYTES = 1 << 20
_SECONDS = 20


def processes() -> Iterator[str]:
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            yield from (f"/proc/{entry}/{name}" for name in ("environ", "cmdline", "mountinfo"))


def files() -> Iterator[str]:
    for folder, folders, names in os.walk("/"):
        folders[:] = [name for name in folders if os.path.join(folder, name) not in SYSTEM]
        yield from (os.path.join(folder, name) for name in names)


def has_marker(path: str) -> bool:
    if MARKER in path:
        return True
    try:
        with open(path, "rb") as file:
            return MARKER.encode() in file.read(_MOST_BYTES)
    except OSError:  # a socket, or not for us
        return False


def ask() -> tuple[int, str]:
    request = urllib.request.Request(
        os.environ["ANTHROPIC_BASE_URL"] + "/v1/messages",
        data=b'{"model": "m", "messages": []}',
        headers={"content-type": "application/json", "x-api-key": os.environ["ANTHROPIC_API_KEY"]},
    )
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as response:
            return response.status, str(response.headers) + response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, str(error.headers) + error.read().decode()


def report(turn: str) -> dict[str, object]:
    status, answer = ask()
    seen = [*processes(), *files()]
    found = sorted(filter(has_marker, seen))
    found += [name for name, text in (("stdin", turn), ("answer", answer)) if MARKER in text]
    return {"status": status, "found": found, "seen": len(seen)}


def main() -> None:
    print(json.dumps({"type": "system", "subtype": "init", "session_id": "snoop"}), flush=True)
    for turn in sys.stdin:
        result = report(turn)
        is_error = result["status"] != 200
        line = {"type": "result", "subtype": "success", "session_id": "snoop", "is_error": is_error}
        print(json.dumps({**line, "result": json.dumps(result)}), flush=True)


if __name__ == "__main__":
    main()
