"""Containers for tests: an image without any registry, and the settings that podman needs on a machine like CI's.

The image is a *thin* one: empty folders and links, 11 kB. The machine's own /usr is mounted into it, read-only, by a
default of podman's configuration, so that product code needs nothing special.
"""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path

from intercomd.sandbox.containers import ContainerSettings
from intercomd.sandbox.limits import Limits

TEST_LIMITS = Limits(memory_mb=256, processes=64, tmp_mb=16)
_FOLDERS = ("app", "dev", "etc", "home/agent", "opt", "proc", "run", "sys", "tmp", "usr", "var", "workspace")
_LINKS = ("bin", "lib", "lib64", "sbin")
_DEADLINE_SECONDS = 60
_CONFIGURATION = """\
[containers]
default_ulimits = ["nofile=1024:4096", "nproc=1024:1024"]
netns = "none"
log_driver = "none"
volumes = ["/usr:/usr:ro"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "none"
"""


def _thin_tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name in _FOLDERS:
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
            tar.addfile(folder)
        for name in _LINKS:
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, f"usr/{name}"
            tar.addfile(link)
    return buffer.getvalue()


THIN_IMAGE = f"localhost/intercom-test:{hashlib.sha256(_thin_tar()).hexdigest()[:12]}"
"""Named after what is in it, so that it is made once on a machine."""


def podman_environment(folder: Path) -> dict[str, str]:
    """The environment in which podman works here; `folder` takes its configuration."""
    configuration = folder / "containers.conf"
    configuration.write_text(_CONFIGURATION)
    return {**os.environ, "CONTAINERS_CONF": str(configuration)}


def container_settings(install: str, environment: Mapping[str, str], image: str = THIN_IMAGE) -> ContainerSettings:
    """An install whose runtimes all have the same image."""
    images = dict.fromkeys(("claude", "codex", "echo", "gemini"), image)
    return ContainerSettings(install, "echo", images, TEST_LIMITS, environment)


def import_thin_image(program: str, environment: Mapping[str, str]) -> None:
    """Make `THIN_IMAGE` for the engine behind `program`, unless it is there."""
    inspecting = (program, "image", "inspect", THIN_IMAGE)
    looked = subprocess.run(inspecting, env=environment, capture_output=True, check=False, timeout=_DEADLINE_SECONDS)
    if looked.returncode == 0:
        return
    subprocess.run(
        (program, "import", "-", THIN_IMAGE),
        input=_thin_tar(),
        env=environment,
        check=True,
        capture_output=True,
        timeout=_DEADLINE_SECONDS,
    )
