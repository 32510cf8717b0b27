"""What one sandbox may use, and whether that is really enforced."""

from __future__ import annotations

import json
from dataclasses import dataclass

from intercomd.errors import SandboxError

MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """0 is no limit."""

    memory_mb: int = 2048
    processes: int = 512
    tmp_mb: int = 512


DEFAULT_LIMITS = Limits()


def describe_limits(limits: Limits, unenforced: tuple[str, ...]) -> str:
    """Each limit, and those that are only wished for."""
    wanted = {
        "memory": f"memory {limits.memory_mb} MB" if limits.memory_mb else "",
        "processes": f"{limits.processes} processes" if limits.processes else "",
        "tmp": f"/tmp {limits.tmp_mb} MB",
    }
    kept = ", ".join(text for name, text in wanted.items() if text and name not in unenforced)
    lost = ", ".join(text for name, text in wanted.items() if text and name in unenforced)
    return "; ".join([f"enforces {kept}"] * bool(kept) + [f"not enforced here: {lost}"] * bool(lost))


PROBE = """
import json, os
def read(*paths):
    for path in paths:
        try:
            with open(path) as file:
                return file.read().strip()
        except OSError:
            pass
tmp = os.statvfs("/tmp")
print(json.dumps({
    "memory": read("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"),
    "processes": read("/sys/fs/cgroup/pids.max", "/sys/fs/cgroup/pids/pids.max"),
    "tmp": str(tmp.f_blocks * tmp.f_frsize),
}))
"""
"""A program that says from inside what the kernel enforces; files of control groups, version 2 and 1."""


SHELL_PROBE = """
first() { for file; do [ ! -r "$file" ] || { cat "$file"; return; }; done; }
printf '{"memory": "%s", "processes": "%s", "tmp": "%s"}' \\
    "$(first /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes)" \\
    "$(first /sys/fs/cgroup/pids.max /sys/fs/cgroup/pids/pids.max)" \\
    "$(($(stat -f -c '%b * %S' /tmp)))"
"""
"""The same for images without Python: POSIX shell, `cat` and `stat`."""


def find_unenforced(limits: Limits, probed: str) -> tuple[str, ...]:
    """Which of `limits` the kernel does not know of, by what `PROBE` printed; raises `SandboxError`."""
    wanted = {
        "memory": limits.memory_mb * MEGABYTE,
        "processes": limits.processes,
        "tmp": limits.tmp_mb * MEGABYTE,
    }
    try:
        found = json.loads(probed)
        return tuple(name for name, limit in wanted.items() if limit and found[name] != str(limit))
    except (ValueError, KeyError, TypeError) as error:
        raise SandboxError(f"the probe of limits printed {probed[:200]!r}") from error
