"""The group's memory file under three names, and what every program is told."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from intercomd.agent.memory import brief, offer_memory, read_memory


def test_memory_is_found_and_written_under_every_name(tmp_path: Path) -> None:
    """What one program notes under its name the others read under theirs (B-116)."""
    offer_memory(str(tmp_path))
    (tmp_path / "AGENTS.md").write_text("remember")
    assert {name: (tmp_path / name).read_text() for name in ("CLAUDE.md", "AGENTS.md", "GEMINI.md")} == {
        "CLAUDE.md": "remember",
        "AGENTS.md": "remember",
        "GEMINI.md": "remember",
    }
    assert not (tmp_path / "CLAUDE.md").is_symlink()


def test_file_that_a_group_has_is_not_touched(tmp_path: Path) -> None:
    """A repository in the folder keeps its own instructions (B-116), and a link is not replaced either."""
    (tmp_path / "AGENTS.md").write_text("of the repository")
    os.symlink("elsewhere.md", tmp_path / "GEMINI.md")
    offer_memory(str(tmp_path))
    assert (tmp_path / "AGENTS.md").read_text() == "of the repository"
    assert os.readlink(tmp_path / "GEMINI.md") == "elsewhere.md"
    assert not (tmp_path / "CLAUDE.md").exists()


def test_folder_that_cannot_be_written_to_is_no_failure(tmp_path: Path) -> None:
    """A run without memory is better than none."""
    offer_memory(str(tmp_path / "missing"))


def test_brief_names_the_assistant_and_holds_what_all_groups_share(tmp_path: Path) -> None:
    """Every program introduces itself alike (B-119); a global memory that is missing, huge or odd harms nothing."""
    assert "You are Amtiskaw" in brief("Amtiskaw", "/workspace/group", str(tmp_path))
    (tmp_path / "CLAUDE.md").write_bytes(b"all of\0 us" + b"x" * 1_000_000)
    briefing = brief("Amtiskaw", "/workspace/group", str(tmp_path))
    assert "all of us" in briefing and len(briefing) < 70_000


def test_memory_of_any_bytes_can_stand_in_an_argument(tmp_path: Path) -> None:
    """The kernel takes no NUL and 128 KiB: whatever is in the file, the program starts."""
    (tmp_path / "CLAUDE.md").write_bytes(b"\0\xff" * 100_000)
    assert subprocess.run(["true", brief("Amtiskaw", "/workspace/group", str(tmp_path))], check=True).returncode == 0
    assert read_memory(str(tmp_path)) == ""
