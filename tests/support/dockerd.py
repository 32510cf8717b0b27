"""A Docker daemon for tests: private, without a network, gone afterwards. Needs root, `dockerd` and `containerd`."""

from __future__ import annotations

import io
import os
import re
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import IO

from tests.support.containers import THIN_IMAGE
from tests.support.waiting import Probe, join

_STOP_SECONDS = 30
_PROGRAMS = ("/usr/bin/python3", "/usr/bin/dash", "/usr/bin/sh", "/usr/bin/true")
_LINKS = ("bin", "lib", "lib64", "sbin")
_READY = b"API listen on"


@contextmanager
def running_dockerd(folder: Path) -> Iterator[Mapping[str, str]]:
    """The environment of clients of a daemon that keeps everything in `folder` and has the image of the tests. It
    mounts nothing by default, so the image brings a Python."""
    socket = folder / "docker.sock"
    argv = (
        *("dockerd", "--iptables=false", "--ip6tables=false", "--bridge=none"),
        *("--data-root", str(folder / "data"), "--exec-root", str(folder / "exec")),
        *("-H", f"unix://{socket}", "-p", str(folder / "dockerd.pid")),
    )
    environment = {**os.environ, "DOCKER_HOST": f"unix://{socket}"}
    with subprocess.Popen(argv, stderr=subprocess.PIPE, start_new_session=True) as daemon:
        log: Probe[bytes] = Probe()
        assert daemon.stderr is not None
        reader = Thread(target=_record, args=(daemon.stderr, log))
        reader.start()
        try:
            log.wait_for(lambda line: _READY in line, "dockerd listens")
            importing = ("docker", "import", "-", THIN_IMAGE)
            subprocess.run(importing, input=_small_tar(), env=environment, check=True, capture_output=True)
            yield environment
        finally:
            daemon.terminate()
            daemon.wait(_STOP_SECONDS)
            join(reader)


def _record(lines: IO[bytes], log: Probe[bytes]) -> None:
    """To the end: a daemon whose log nobody reads stands still."""
    for line in lines:
        log.record(line)


def _small_tar() -> bytes:
    """This machine's Python with its standard library, a shell, and what they link to."""
    library = Path(os.path.realpath("/usr/bin/python3")).name
    extensions = [str(path) for path in Path("/usr/lib", library, "lib-dynload").glob("*.so")]
    listed = subprocess.run(("ldd", *_PROGRAMS, *extensions), check=True, capture_output=True, text=True).stdout
    shared = set(re.findall(r"(/\S+\.so\S*) \(0x", listed))
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name in _LINKS:
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, f"usr/{name}"
            tar.addfile(link)
        temporary = tarfile.TarInfo("tmp")
        temporary.type, temporary.mode = tarfile.DIRTYPE, 0o1777
        tar.addfile(temporary)
        tar.add(f"/usr/lib/{library}", filter=_without_extras)
        for path in sorted({*_PROGRAMS, *shared}):
            _add_file(tar, path)
    return buffer.getvalue()


def _without_extras(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if member.name.endswith(("/__pycache__", "/test", "/dist-packages")) else member


def _add_file(tar: tarfile.TarFile, path: str) -> None:
    """The file under the name that is looked for, below /usr where this machine has it in both places."""
    name = path if path.startswith("/usr/") else f"/usr{path}"
    member = tar.gettarinfo(os.path.realpath(path), arcname=name)
    with open(path, "rb") as file:
        tar.addfile(member, file)
