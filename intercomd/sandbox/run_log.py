"""The log file of a run (original.md §9.6): what was started, how it ended, and on failure what it wrote.

The files lie outside of everything a sandbox can write, hold a bounded end of each stream, and are pruned by number and
age (hazard B-70).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from intercomd.domain.instants import iso_ms
from intercomd.sandbox.port import Mount, SandboxSpec

KEPT_BYTES = 256 * 1024


class Tail:
    """The last `limit` bytes of a stream."""

    def __init__(self, limit: int = KEPT_BYTES) -> None:
        self._limit = limit
        self._bytes = bytearray()
        self.total_bytes = 0

    def append(self, chunk: bytes) -> None:
        self.total_bytes += len(chunk)
        self._bytes += chunk[-self._limit :]
        if len(self._bytes) > 2 * self._limit:
            del self._bytes[: -self._limit]

    @property
    def is_truncated(self) -> bool:
        return self.total_bytes > self._limit

    def text(self, limit: int | None = None) -> str:
        """The end as text of at most `limit` bytes (all that is kept when None), cut between characters (B-59)."""
        kept = bytes(self._bytes[-(limit or self._limit) :])
        if len(kept) < self.total_bytes:
            kept = kept.lstrip(_CONTINUATION_BYTES)
        return kept.decode("utf-8", "replace")


_CONTINUATION_BYTES = bytes(range(0x80, 0xC0))


@dataclass(frozen=True, slots=True)
class RunSummary:
    """How a run went."""

    started_at: datetime
    duration: timedelta
    exit_code: int | None
    signal: int | None
    frame_count: int
    stdout: Tail
    stderr: Tail


def write_run_log(spec: SandboxSpec, sandbox_name: str, summary: RunSummary) -> None:
    """Create `spec.log_path`, readable by its owner only; raises `OSError`."""
    descriptor = os.open(spec.log_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with open(descriptor, "w", encoding="utf-8", errors="replace") as file:
        file.write(render_run_log(spec, sandbox_name, summary))


def render_run_log(spec: SandboxSpec, sandbox_name: str, summary: RunSummary) -> str:
    """The log's text. The streams are in it only when the run failed."""
    has_failed = summary.exit_code != 0
    exit_text = f"signal {summary.signal}" if summary.exit_code is None else str(summary.exit_code)
    lines = [
        "=== Container Run Log ===",
        f"Timestamp: {iso_ms(summary.started_at)}",
        f"Group: {spec.folder}",
        f"Container: {sandbox_name}",
        f"Run: {spec.run_id}",
        f"Duration: {summary.duration // timedelta(milliseconds=1)}ms",
        f"Exit Code: {exit_text}",
        f"Had Streaming Output: {str(summary.frame_count > 0).lower()}",
        f"Stdout Truncated: {str(summary.stdout.is_truncated).lower()}",
        f"Stderr Truncated: {str(summary.stderr.is_truncated).lower()}",
        "",
        "=== Mounts ===",
        *(_render_mount(mount, is_detailed=has_failed) for mount in spec.mounts),
    ]
    if has_failed:
        lines += [f"\n=== Stderr{_suffix(summary.stderr)} ===", summary.stderr.text()]
        lines += [f"\n=== Stdout{_suffix(summary.stdout)} ===", summary.stdout.text()]
    return "\n".join(lines) + "\n"


def prune_run_logs(directory: Path, keep: int, max_age: timedelta, now: datetime) -> int:
    """Remove a group's logs that are older than `max_age` or not among the newest `keep`; how many were removed."""
    logs = sorted(directory.glob("container-*.log"), reverse=True) if directory.is_dir() else []
    oldest = (now - max_age).timestamp()
    outdated = [log for index, log in enumerate(logs) if index >= keep or log.lstat().st_mtime < oldest]
    for log in outdated:
        log.unlink(missing_ok=True)
    return len(outdated)


def _render_mount(mount: Mount, *, is_detailed: bool) -> str:
    access = "" if mount.is_writable else " (ro)"
    return f"{mount.host} -> {mount.inside}{access}" if is_detailed else f"{mount.inside}{access}"


def _suffix(stream: Tail) -> str:
    return " (TRUNCATED)" if stream.is_truncated else ""
