"""What to do about what an engine complains of. The patterns are words of podman, runc, crun, Docker and bwrap."""

from __future__ import annotations

import re

from intercomd.domain.models import ECHO

_REMEDIES: tuple[tuple[str, str], ...] = (
    (
        r"setting rlimit|rlimits? ",
        'this machine may not raise limits: put default_ulimits = ["nofile=1024:4096", "nproc=1024:1024"] below '
        "[containers] in /etc/containers/containers.conf",
    ),
    (
        r"cgroups in hybrid mode",
        'install runc and put runtime = "runc" and cgroup_manager = "cgroupfs" below [engine] in '
        "/etc/containers/containers.conf",
    ),
    (
        r"sd-bus call|systemd cgroup|dbus.*(no such file|connection refused)",
        'put cgroup_manager = "cgroupfs" below [engine] in /etc/containers/containers.conf',
    ),
    (
        r"cgroup controller .* not available|controller .* is not available",
        "let systemd delegate control groups to this user (Delegate=yes), or set sandbox.memory_limit_mb and "
        "sandbox.process_limit to 0",
    ),
    (
        r"newuidmap|subuid",
        "install uidmap and give the user ids: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER",
    ),
    (r"failed to exec pid1|\[FATAL tini|executable file", "the image has no python3, or what it links to is missing"),
    (r"catatonit|container-init|init binary|docker-init", "install catatonit (podman) or tini (Docker)"),
    (r"cannot connect to the docker daemon", "start it: systemctl start docker"),
    (
        r"permission denied while trying to connect to the docker daemon",
        "add the daemon's user to the group docker, or use rootless Docker or podman",
    ),
    (r"no space left on device", "free space on the disk that holds the engine's containers and the group's folder"),
    (r"read-only file system", "the engine's storage must be on a disk that can be written"),
    (
        r"unknown flag|unknown option",
        "this version of the engine is too old: podman 4.0, Docker 20.10 or bubblewrap 0.8 is needed",
    ),
    (
        r"new namespace|creating namespaces?|uid map|user namespaces?",
        "allow user namespaces: sysctl kernel.unprivileged_userns_clone=1, on Ubuntu also "
        "kernel.apparmor_restrict_unprivileged_userns=0",
    ),
)


def remedy_for(complaint: str) -> str | None:
    """What helps against what an engine said, if that is known."""
    return next((remedy for pattern, remedy in _REMEDIES if re.search(pattern, complaint, re.IGNORECASE)), None)


def with_remedy(complaint: str) -> str:
    """The complaint, and what helps when that is known."""
    remedy = remedy_for(complaint)
    return complaint if remedy is None else f"{complaint}; {remedy}"


def build_command(runtime: str) -> str:
    """What makes the image of a runtime; echo needs only the Python in claude's."""
    return f"scripts/images build {'claude' if runtime == ECHO.runtime else runtime}"
