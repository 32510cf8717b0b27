"""What a container of the existing system does (original.md §9.8), and a note in the group's folder of what it found.

The entry point of an image of its own: `write_legacy_image` has it built on the tests' base.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from threading import Event

IPC = "/workspace/ipc"
INPUT = f"{IPC}/input"
NOTE = "found.json"
_PAUSE_SECONDS = 0.5
_BUILD_SECONDS = 60


def main() -> None:
    with open("/tmp/input.json", "wb") as file:
        file.write(sys.stdin.buffer.read())
    with open("/tmp/input.json", encoding="utf-8") as told:
        request = json.load(told)
    _note(request)
    os.remove("/tmp/input.json")
    if os.path.exists(f"{INPUT}/_close"):
        os.remove(f"{INPUT}/_close")
    _say({"status": "success", "result": None, "model": request.get("model") or "old"})
    prompt, session = request["prompt"], request.get("sessionId") or "session-1"
    while prompt is not None:
        _send_message(request["chatJid"])
        reply = {"status": "success", "result": f"{session}: {len(prompt) > 0}", "newSessionId": session}
        _say({"status": "success", "result": None, "event": {"type": "text_delta", "text": session}})
        _say(reply)
        _say({"status": "success", "result": None, "newSessionId": session})
        prompt = _next_prompt()


def _next_prompt() -> str | None:
    """The texts of the files that come, joined; None at the sentinel. Those of old poll, too."""
    pause = Event()
    while True:
        names = sorted(os.listdir(INPUT))
        if "_close" in names:
            os.remove(f"{INPUT}/_close")
            return None
        texts = []
        for name in names:
            if name.endswith(".json"):
                with open(f"{INPUT}/{name}", encoding="utf-8") as file:
                    texts.append(json.load(file)["text"])
                os.remove(f"{INPUT}/{name}")
        if texts:
            return "\n".join(texts)
        pause.wait(_PAUSE_SECONDS)


def _send_message(chat_jid: str) -> None:
    """A text beside the answer, in the file of old."""
    path = f"{IPC}/messages/{time.time_ns() // 1_000_000}-abc123.json"
    with open(f"{path}.tmp", "w", encoding="utf-8") as file:
        json.dump({"type": "message", "chatJid": chat_jid, "text": "half way"}, file)
    os.rename(f"{path}.tmp", path)


def _say(block: Mapping[str, object]) -> None:
    print(f"---INTERCOM_OUTPUT_START---\n{json.dumps(block)}\n---INTERCOM_OUTPUT_END---", flush=True)


def _note(request: Mapping[str, object]) -> None:
    with open("/proc/mounts", encoding="utf-8") as mounts:
        kinds = {words[1]: words[2] for words in map(str.split, mounts)}
    found = {
        "told": request,
        "user": os.getuid(),
        "home": os.environ["HOME"],
        "zone": os.environ["TZ"],
        "directory": os.getcwd(),
        "environment": dict(os.environ),
        "network": os.readlink("/proc/self/ns/net"),
        "input lies in": kinds["/tmp"],
        "has project": os.path.exists("/workspace/project"),
        "snapshots": sorted(name for name in os.listdir(IPC) if name.endswith(".json")),
        "writes": [path for path in ("/app", "/home/node", "/home/node/.claude") if _writes(path)],
        "claude": sorted(os.listdir("/home/node/.claude")) if os.path.isdir("/home/node/.claude") else None,
    }
    with open(f"/workspace/group/{NOTE}", "w", encoding="utf-8") as file:
        json.dump(found, file)


def _writes(path: str) -> bool:
    try:
        with open(f"{path}/probe", "w"):
            pass
        os.remove(f"{path}/probe")
    except OSError:
        return False
    return True


def write_legacy_image(folder: Path, base: str, name: str, environment: Mapping[str, str]) -> None:
    """Have podman build the image `name`; `folder` takes its recipe."""
    (folder / "entry.py").write_bytes(Path(__file__).read_bytes())
    (folder / "Containerfile").write_text(
        f"FROM {base}\n"
        "COPY entry.py /app/entry.py\n"
        "RUN mkdir -p /home/node && chmod 777 /home/node /app\n"
        "WORKDIR /app\n"
        "USER 1000\n"
        'ENTRYPOINT ["python3", "entry.py"]\n'
    )
    command = ("podman", "build", "--layers=false", "--quiet", "--tag", name, str(folder))
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=_BUILD_SECONDS)


if __name__ == "__main__":
    main()
