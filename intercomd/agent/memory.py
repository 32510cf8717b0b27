"""One memory file of a group, which every program finds under the name it looks for (hazard B-116).

`CLAUDE.md` is the file, as in the existing system. `AGENTS.md` and `GEMINI.md` become links to it where a group has
none of its own; what a group has is never touched.
"""

from __future__ import annotations

import os

MEMORY_FILE = "CLAUDE.md"
OTHER_NAMES = ("AGENTS.md", "GEMINI.md")
_MOST_BYTES = 64 * 1024


def offer_memory(group_dir: str) -> None:
    """Make the links that are missing; a group folder that cannot be written to has none."""
    for name in OTHER_NAMES:
        try:
            os.symlink(MEMORY_FILE, os.path.join(group_dir, name))
        except OSError:
            continue


def read_memory(directory: str) -> str:
    """The memory file's text, or as much of it as goes into an argument; empty when there is none."""
    try:
        with open(os.path.join(directory, MEMORY_FILE), "rb") as file:
            return file.read(_MOST_BYTES).decode("utf-8", "ignore").replace("\0", "").strip()
    except OSError:
        return ""


def brief(assistant_name: str, group_dir: str, global_dir: str) -> str:
    """What every program is told about its place, whichever it is (hazard B-119), and what all groups remember."""
    lines = [
        f"You are {assistant_name}, the assistant of a group chat. People write to you in the chat and read your final "
        "answer there; they do not see your tools, nor your folder. What stands between <internal> and </internal> is "
        "not shown to them.",
        f"Your folder is {group_dir}. {MEMORY_FILE} in it is this group's memory ({' and '.join(OTHER_NAMES)} are the "
        "same file, where the group has none of its own): keep there what is to be remembered.",
        "The tools of the server `intercom` are the chat's: send a message before you are done, schedule tasks, ask a "
        "question with choices, search the history.",
    ]
    shared = read_memory(global_dir)
    if shared:
        lines.append(f"What all groups share, from {global_dir}/{MEMORY_FILE}:\n\n{shared}")
    return "\n\n".join(lines)
