"""The `bubblewrap` engine: namespaces without a daemon (Linux, `bwrap` 0.8 or later; 5 ms).

Inside there are the system's programs, the mounts, a private /tmp, and nothing else: no network, no host process, no
capability, nothing to write to but what a mount allows. Options go through a descriptor, since the argv of bwrap can be
read from inside at /proc/1/cmdline.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path

from intercomd.clock import Clock
from intercomd.domain.ids import RunId
from intercomd.domain.runs import ProcessIdentity
from intercomd.errors import SandboxError
from intercomd.sandbox import group_lock
from intercomd.sandbox.agent_program import interpreter
from intercomd.sandbox.child import Launch, read_shell_code
from intercomd.sandbox.ipc_mounts import INPUT_INSIDE
from intercomd.sandbox.layout import GROUP_INSIDE
from intercomd.sandbox.limits import DEFAULT_LIMITS, MEGABYTE, Limits
from intercomd.sandbox.live import LiveSandbox
from intercomd.sandbox.ownership import hand_over, own_user
from intercomd.sandbox.port import Mount, Sandbox, SandboxListener, SandboxSpec
from intercomd.sandbox.remedies import with_remedy
from intercomd.sandbox.steady_paths import check_steady, open_steady

_CHECK_SECONDS = 10
_SYSTEM_LINKS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_NETWORK_FILES = ("/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/ssl", "/etc/ca-certificates")
_SYSTEM_FILES = ("/etc/alternatives", "/etc/ld.so.cache", "/etc/localtime")
_ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "HOME": "/tmp",
    "INTERCOM_GROUP_DIR": GROUP_INSIDE,
    "INTERCOM_INPUT_DIR": INPUT_INSIDE,
}


class BubblewrapEngine:
    """Runs the command under `bwrap`."""

    name = "bubblewrap"
    is_isolated = True
    unenforced = ("memory", "processes")

    def __init__(self, clock: Clock, limits: Limits = DEFAULT_LIMITS) -> None:
        self.python = interpreter()
        self._clock = clock
        self._limits = limits
        self._program = shutil.which("bwrap")

    def check(self) -> str | None:
        self._program = shutil.which("bwrap")  # it may have been installed since
        if self._program is None:
            return "there is no bwrap program on the PATH; the package is called bubblewrap"
        options = _pack(_options((), {}, "/", self._limits, {}))
        command = (interpreter(), "-I", "-S", "-B", "-c", "")
        try:
            subprocess.run(
                (self._program, "--args", str(options), "--", *command),
                check=True,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                env={},
                pass_fds=(options,),
                timeout=_CHECK_SECONDS,
            )
        except subprocess.CalledProcessError as error:
            return with_remedy(f"bwrap does not work here: {error.stderr.decode('utf-8', 'replace').strip()}")
        except (OSError, subprocess.SubprocessError) as error:
            return f"bwrap does not work here: {error}"
        finally:
            os.close(options)
        return None

    def start(self, spec: SandboxSpec, listener: SandboxListener) -> Sandbox:
        return LiveSandbox(self, spec, listener, self._clock)

    def end_orphan(self, run_id: RunId, identity: ProcessIdentity | None, lock_path: Path) -> None:
        group_lock.end_orphan(run_id, identity, lock_path)

    def prepare(self, spec: SandboxSpec, lock: int) -> Launch:
        """bwrap keeps the lock in its own processes, which live as long as anything inside; the agent never has it."""
        if self._program is None:
            raise SandboxError("there is no bwrap program on the PATH")
        hand_over(spec.mounts, own_user())
        directory = GROUP_INSIDE if any(mount.inside == GROUP_INSIDE for mount in spec.mounts) else "/"
        with ExitStack() as undo:
            held = self._hold(spec.mounts, undo)
            words = _options(spec.mounts, spec.environment, directory, self._limits, held, has_network=spec.has_network)
            options = _pack(("--sync-fd", str(lock), *words))
            undo.pop_all()
        argv = (self._program, "--args", str(options), "--", *spec.command)
        return Launch(argv, environment={}, working_directory=Path("/"), descriptors=(options, *held.values()))

    def _hold(self, mounts: Sequence[Mount], undo: ExitStack) -> dict[Mount, int]:
        """Descriptors of what lies where agents may rearrange it, for a bwrap that takes them; `undo` closes them."""
        held: dict[Mount, int] = {}
        for mount in mounts:
            if mount.is_foreign and self._takes_descriptors:
                held[mount] = open_steady(mount.host)
                undo.callback(os.close, held[mount])
            elif mount.is_foreign:
                check_steady(mount.host)
        return held

    @cached_property
    def _takes_descriptors(self) -> bool:
        """Since 0.10, and in Debian's 0.8 with the fix of CVE-2024-42472."""
        try:
            told = subprocess.run(
                (str(self._program), "--help"), check=False, capture_output=True, timeout=_CHECK_SECONDS
            )
        except (OSError, subprocess.SubprocessError):
            return False
        return b"--ro-bind-fd" in told.stdout + told.stderr

    def read_exit(self, returncode: int) -> tuple[int | None, int | None]:
        return read_shell_code(returncode)

    def explain(self, returncode: int, error_tail: str) -> str:
        return error_tail


def _options(
    mounts: Sequence[Mount],
    environment: Mapping[str, str],
    directory: str,
    limits: Limits,
    held: Mapping[Mount, int],
    *,
    has_network: bool = False,
) -> tuple[str, ...]:
    return (
        *("--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--clearenv"),
        *_system_options(),
        *(_network_options() if has_network else ()),
        *("--proc", "/proc", "--dev", "/dev", "--size", str(limits.tmp_mb * MEGABYTE), "--tmpfs", "/tmp"),
        *(word for mount in mounts for word in _mount_options(mount, held.get(mount))),
        *("--remount-ro", "/"),
        *(word for key, value in {**_ENVIRONMENT, **environment}.items() for word in ("--setenv", key, value)),
        *("--chdir", directory),
    )


def _system_options() -> Iterator[str]:
    """The system's programs and libraries, and the Python we run on when it lies elsewhere."""
    yield from ("--ro-bind", "/usr", "/usr")
    for name in _SYSTEM_LINKS:
        path = Path("/", name)
        if path.is_symlink():
            yield from ("--symlink", os.readlink(path), str(path))
        elif path.is_dir():
            yield from ("--ro-bind", str(path), str(path))
    for file in _SYSTEM_FILES:
        yield from ("--ro-bind-try", file, file)
    prefix = os.path.realpath(sys.base_prefix)
    if not Path(prefix).is_relative_to("/usr"):
        yield from ("--ro-bind", prefix, prefix)


def _network_options() -> Iterator[str]:
    """The host's network, and the files by which programs find their way in it."""
    yield "--share-net"
    for file in _NETWORK_FILES:
        yield from ("--ro-bind-try", file, file)


def _mount_options(mount: Mount, held: int | None) -> Iterator[str]:
    option = "--bind" if mount.is_writable else "--ro-bind"
    yield from (option, str(mount.host)) if held is None else (f"{option}-fd", str(held))
    yield mount.inside
    for hidden in mount.hidden:
        if hidden.is_folder:
            yield from ("--tmpfs", hidden.inside, "--remount-ro", hidden.inside)
        else:
            yield from ("--ro-bind", os.devnull, hidden.inside)


def _pack(options: Sequence[str]) -> int:
    """A descriptor from which bwrap reads its options."""
    words = b"".join(os.fsencode(option) + b"\0" for option in options)
    descriptor = os.memfd_create("bwrap-options")
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(words)
        os.lseek(descriptor, 0, os.SEEK_SET)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
