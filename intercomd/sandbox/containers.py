"""The engines `podman` and `docker`: containers, through the engine's own program attached to the agent's streams.

Inside there are the image, read-only, the mounts, a private /tmp, and nothing else: no network, no capability, no way
to gain one, an ordinary user, bounded memory and processes.

A container is no child of ours. It may live on when its client was killed, so each carries labels with install, group,
run and start: the `end_rest` of its launch ends what is left of a start, `end_orphan` what is left of a run,
`end_strays` what is left of this install. The client holds the group's lock, and so does
podman's conmon where it comes by it; hence a container goes before whoever holds its lock is killed. One that is not
known to be gone keeps its group from another start, locked or not.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Lock

from intercomd.clock import Clock
from intercomd.domain.ids import Folder, RunId
from intercomd.domain.runs import ProcessIdentity
from intercomd.errors import SandboxError, SetupNeeded
from intercomd.sandbox import group_lock
from intercomd.sandbox.child import Launch, read_shell_code
from intercomd.sandbox.container_client import (
    GROUP_LABEL,
    INSTALL_LABEL,
    RUN_LABEL,
    START_LABEL,
    ContainerClient,
    last_words,
)
from intercomd.sandbox.ipc_mounts import INPUT_INSIDE
from intercomd.sandbox.layout import GROUP_INSIDE, sandbox_name
from intercomd.sandbox.limits import PROBE, SHELL_PROBE, Limits, find_unenforced
from intercomd.sandbox.live import LiveSandbox
from intercomd.sandbox.ownership import choose_user, hand_over, own_user
from intercomd.sandbox.port import Mount, Sandbox, SandboxListener, SandboxSpec
from intercomd.sandbox.remedies import build_command, with_remedy
from intercomd.sandbox.steady_paths import check_steady

DEFAULT_IMAGE = "intercom-agent:latest"
_CHECK_SECONDS = 30.0
_ENGINE_FAILED, _NOT_EXECUTABLE, _NOT_FOUND, _KILLED = 125, 126, 127, 137
_INIT_COMPLAINT = "failed to exec pid1"
"""What catatonit says and then ends with 1; Docker's tini ends with 127."""
_ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "HOME": "/tmp",
    "INTERCOM_GROUP_DIR": GROUP_INSIDE,
    "INTERCOM_INPUT_DIR": INPUT_INSIDE,
}


@dataclass(frozen=True, slots=True)
class ContainerSettings:
    """What engines of containers know of the install. `images` by runtime; `environment` is the daemon's. Runtimes in
    `legacy` have images of the existing system."""

    install: str
    default_runtime: str
    images: Mapping[str, str]
    limits: Limits
    environment: Mapping[str, str]
    legacy: frozenset[str] = frozenset()

    def image_of(self, runtime: str) -> str:
        return self.images.get(runtime) or default_image(runtime)

    def how_to_get(self, runtime: str) -> str:
        """What makes a missing image be there."""
        if runtime in self.legacy:
            return "build it where the existing system is, or load it"
        if self.images.get(runtime):
            return f"runtimes.profiles.{runtime}.image names it: build or load it"
        return f"build it: {build_command(runtime)}"


def default_image(runtime: str) -> str:
    """The names of the existing system (original.md §9.4)."""
    return DEFAULT_IMAGE if runtime in {"claude", "echo"} else f"intercom-agent-{runtime}:latest"


@dataclass(frozen=True, slots=True)
class Dialect:
    """Where the two programs differ."""

    name: str
    package: str
    run_options: tuple[str, ...]
    tmpfs_options: str
    run_label_format: str
    user_options: Callable[[ContainerClient], tuple[str, ...]]
    """Asked once; what maps our user to itself in an engine without root's rights. Raises `SandboxError`."""


def _podman_user_options(_client: ContainerClient) -> tuple[str, ...]:
    return ("--userns=keep-id",) if os.geteuid() != 0 else ()


def _docker_user_options(client: ContainerClient) -> tuple[str, ...]:
    """In rootless Docker our user is root inside, and nobody outside."""
    is_rootless = "rootless" in client.call("info", "--format", "{{.SecurityOptions}}")
    return ("--user=0:0",) if is_rootless else ()


PODMAN = Dialect(
    name="podman",
    package="podman",
    run_options=("--read-only-tmpfs=false", "--http-proxy=false"),
    tmpfs_options=",notmpcopyup",
    run_label_format='{{index .Labels "' + RUN_LABEL + '"}}',
    user_options=_podman_user_options,
)
DOCKER = Dialect(
    name="docker",
    package="docker.io",
    run_options=(),
    tmpfs_options="",
    run_label_format='{{.Label "' + RUN_LABEL + '"}}',
    user_options=_docker_user_options,
)


class ContainerEngine:
    """One of the two programs."""

    is_isolated = True
    python = "python3"

    def __init__(self, dialect: Dialect, settings: ContainerSettings, clock: Clock) -> None:
        self.name = dialect.name
        self.unenforced: tuple[str, ...] = ()
        self.has_worked = False
        self._dialect = dialect
        self._settings = settings
        self._clock = clock
        self._client = ContainerClient(dialect.name, dialect.run_label_format, settings.environment)
        self._user_options: tuple[str, ...] | None = None
        self._present_images: frozenset[str] = frozenset()
        self._unended: frozenset[Folder] = frozenset()
        """Folders of groups whose last container is not known to be gone."""
        self._guard = Lock()

    @property
    def is_installed(self) -> bool:
        return self._client.program is not None

    def check(self) -> str | None:
        """Runs the default runtime's image under every fence, and asks it from inside what is enforced. An image of the
        existing system has a shell and no Python."""
        if not self.is_installed:
            return f"there is no {self.name} program on the PATH; the package is called {self._dialect.package}"
        runtime = self._settings.default_runtime
        try:
            image = self.find_image(runtime)
            fences = (*self._fences(), *self._user_words(str(own_user())))
            is_legacy = runtime in self._settings.legacy
            program = ("/bin/sh", "-c", SHELL_PROBE) if is_legacy else (self.python, "-I", "-c", PROBE)
            probed = self._client.call(
                *("run", "--rm", f"--label={INSTALL_LABEL}={self._settings.install}", *fences),
                *(f"--entrypoint={program[0]}", image, *program[1:]),
                seconds=_CHECK_SECONDS,
            )
            self.unenforced = find_unenforced(self._settings.limits, probed)
        except SandboxError as error:
            return with_remedy(str(error))
        self.has_worked = True
        return None

    def is_answering(self) -> bool:
        """Whether it is installed and, for Docker, its daemon runs."""
        try:
            self._client.call("version")
        except SandboxError:
            return False
        return True

    def find_image(self, runtime: str) -> str:
        """The name of the runtime's image, which is here. Raises `SetupNeeded` that says what builds it, and
        `SandboxError` when the engine does not answer."""
        image = self._settings.image_of(runtime)
        if image not in self._present_images:
            if not self._client.has_image(image):
                raise SetupNeeded(f"{self.name} has no image {image}; {self._settings.how_to_get(runtime)}")
            self._present_images |= {image}
        return image

    def start(self, spec: SandboxSpec, listener: SandboxListener) -> Sandbox:
        return LiveSandbox(self, spec, listener, self._clock)

    def end_orphan(self, run_id: RunId, identity: ProcessIdentity | None, lock_path: Path) -> None:
        """The container goes first, and again: a client that was not recorded might just have been about to make it."""
        labels = {**self._own_label, RUN_LABEL: run_id}
        group_lock.kill_recorded(identity)
        self._client.remove_all(labels)
        group_lock.end_orphan(run_id, identity, lock_path)
        self._client.remove_all(labels)

    def end_strays(self, list_live: Callable[[], frozenset[RunId]]) -> int:
        """Remove this install's containers whose run is not live; of how many runs. `list_live` is called after
        looking: a container is made after its run's row. Raises `SandboxError`."""
        if not self.is_installed:
            return 0
        found = self._client.list_containers(self._own_label)
        live = list_live() if found else frozenset()
        strays = {container.run_id for container in found if container.run_id} - live
        for run_id in strays:
            self._client.remove_all({**self._own_label, RUN_LABEL: run_id})
        return len(strays)

    # -- what a live sandbox asks ---------------------------------------------------------------------

    def prepare(self, spec: SandboxSpec, lock: int) -> Launch:
        """The client inherits the lock, and no container gets it: the engines hand no descriptor on."""
        if spec.folder in self._unended:
            raise SandboxError(f"the last container of group {spec.folder} is not known to be gone")
        image = self.find_image(spec.agent_input.runtime)
        group_dir = next((mount.host for mount in spec.mounts if mount.inside == GROUP_INSIDE), spec.input_dir)
        user = choose_user(group_dir)
        hand_over(spec.mounts, user)
        for mount in spec.mounts:
            if mount.is_foreign:
                check_steady(mount.host)
        start = secrets.token_hex(8)
        argv = (
            *(str(self._client.program), "run", "--rm", "--interactive", *self._fences(spec)),
            *self._user_words(str(user)),
            f"--name={sandbox_name(spec.install, spec.folder, spec.run_id)}",
            f"--label={INSTALL_LABEL}={spec.install}",
            f"--label={GROUP_LABEL}={spec.folder}",
            f"--label={RUN_LABEL}={spec.run_id}",
            f"--label={START_LABEL}={start}",
            *(word for mount in spec.mounts for word in _mount_words(mount, self._dialect.tmpfs_options)),
            *(f"--env={key}={value}" for key, value in {**_ENVIRONMENT, **spec.environment}.items()),
            *_command_words(spec, image),
        )
        # Where podman's monitor leaves a file when the memory is used up: a place that goes with the run.
        end_rest = partial(self._end_rest, start, spec.folder)
        return Launch(argv, self._client.environment, working_directory=spec.input_dir, end_rest=end_rest)

    def read_exit(self, returncode: int) -> tuple[int | None, int | None]:
        return read_shell_code(returncode)

    def explain(self, returncode: int, error_tail: str) -> str:
        """The engine's own complaint, where it may be one, with what to do about it."""
        words = last_words(error_tail.encode())
        if returncode == _ENGINE_FAILED:
            return f"{self.name}: {with_remedy(words)}"
        if returncode in {_NOT_EXECUTABLE, _NOT_FOUND} or (returncode and _INIT_COMPLAINT in words):
            return f"{self.name}: the image cannot run the agent: {words}"
        if returncode == _KILLED and self._settings.limits.memory_mb:
            limit = f"sandbox.memory_limit_mb = {self._settings.limits.memory_mb}"
            return f"killed from outside, as an agent is that uses more memory than {limit}\n{error_tail}"
        return error_tail

    def _end_rest(self, start: str, folder: Folder, returncode: int) -> None:
        """A client that ends with 0 has seen its container end, and removed it."""
        if returncode == _ENGINE_FAILED:
            self._present_images = frozenset()
        if returncode == 0:
            return
        with self._guard:
            self._unended |= {folder}
        self._client.remove_all({START_LABEL: start})
        with self._guard:
            self._unended -= {folder}

    # -- words of the command line --------------------------------------------------------------------

    @property
    def _own_label(self) -> dict[str, str]:
        return {INSTALL_LABEL: self._settings.install}

    def _user_words(self, user: str) -> tuple[str, ...]:
        if self._user_options is None:
            self._user_options = self._dialect.user_options(self._client)
        return (f"--user={user}", *self._user_options)

    def _fences(self, spec: SandboxSpec | None = None) -> Iterator[str]:
        """All of them, but those that `spec` wants open. The network is the engine's own default one then."""
        limits = self._settings.limits
        yield from ("--pull=never", *self._dialect.run_options)
        if spec is None or not spec.has_writable_root:
            yield "--read-only"
        if spec is None or not spec.has_network:
            yield "--network=none"
        yield from ("--cap-drop=all", "--security-opt=no-new-privileges", "--init")
        yield from ("--log-driver=none", "--stop-timeout=0")
        yield f"--tmpfs=/tmp:rw,exec,nosuid,nodev,mode=1777,size={limits.tmp_mb}m{self._dialect.tmpfs_options}"
        if limits.memory_mb:
            yield from (f"--memory={limits.memory_mb}m", f"--memory-swap={limits.memory_mb}m")
        if limits.processes:
            yield f"--pids-limit={limits.processes}"


def _command_words(spec: SandboxSpec, image: str) -> Iterator[str]:
    """Without a command the image's own, where the image has it run."""
    if not spec.command:
        yield image
        return
    program, *arguments = spec.command
    has_group = any(mount.inside == GROUP_INSIDE for mount in spec.mounts)
    yield f"--workdir={GROUP_INSIDE if has_group else '/'}"
    yield from (f"--entrypoint={program}", image, *arguments)


def _mount_words(mount: Mount, tmpfs_options: str) -> Iterator[str]:
    """A comma would begin another option, and a quote another grammar (hazard B-54)."""
    for path in (str(mount.host), mount.inside, *(hidden.inside for hidden in mount.hidden)):
        if any(sign in path for sign in ',"\n'):
            raise SandboxError(f"{path!r} cannot be mounted: its name has a comma, a quote or a line's end")
    access = "" if mount.is_writable else ",readonly"
    yield f"--mount=type=bind,source={mount.host},destination={mount.inside}{access}"
    for hidden in mount.hidden:
        if hidden.is_folder:
            yield f"--tmpfs={hidden.inside}:ro,size=4k{tmpfs_options}"
        else:
            yield f"--mount=type=bind,source={os.devnull},destination={hidden.inside},readonly"
