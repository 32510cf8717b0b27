"""Short commands to a container engine through its own program: what there is, and away with it.

Every command has a deadline, and the program sees of the daemon's environment only what it needs.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Event

from intercomd.domain.ids import RunId
from intercomd.errors import SandboxError

INSTALL_LABEL = "intercom.install"
GROUP_LABEL = "intercom.group"
RUN_LABEL = "intercom.run"
START_LABEL = "intercom.start"
"""Different for every start, so that a start that was refused is never taken for the one that was there first."""

_COMMAND_SECONDS = 10.0
_REMOVE_SECONDS = 10.0
_PAUSE_SECONDS = 0.05
_NO_IMAGE = ("no such image", "no such object", "image not known")
_KEPT_VARIABLES = frozenset({"PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "DBUS_SESSION_BUS_ADDRESS"})
_KEPT_PREFIXES = ("XDG_", "CONTAINER_", "CONTAINERS_", "DOCKER_", "STORAGE_")


@dataclass(frozen=True, slots=True)
class Found:
    """A container, running or not; `run_id` is None when it is of no run (a check)."""

    container_id: str
    run_id: RunId | None


class ContainerClient:
    """The program `name`. `run_label_format` is how its `ps` prints the value of `RUN_LABEL`."""

    def __init__(self, name: str, run_label_format: str, environment: Mapping[str, str]) -> None:
        self._name = name
        self._format = "{{.ID}} " + run_label_format
        self.environment = {
            key: value
            for key, value in environment.items()
            if key in _KEPT_VARIABLES or key.startswith(_KEPT_PREFIXES)
        }

    @property
    def program(self) -> str | None:
        """Where it is; looked for every time, since it may be installed while the daemon runs."""
        return shutil.which(self._name, path=self.environment.get("PATH"))

    def call(self, *words: str, seconds: float = _COMMAND_SECONDS) -> str:
        """What the command printed; raises `SandboxError` with the engine's own words."""
        program = self.program
        if program is None:
            raise SandboxError(f"there is no {self._name} program on the PATH")
        try:
            done = subprocess.run(
                (program, *words),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=True,
                env=self.environment,
                timeout=seconds,
            )
        except subprocess.TimeoutExpired as error:
            raise SandboxError(f"{self._name} {words[0]} did not end within {seconds:g} s") from error
        except subprocess.CalledProcessError as error:
            raise SandboxError(f"{self._name}: {last_words(error.stderr)}") from error
        except OSError as error:
            raise SandboxError(f"cannot start {program}: {error.strerror}") from error
        return done.stdout.decode("utf-8", "replace")

    def has_image(self, image: str) -> bool:
        """Whether it is here, without asking any registry."""
        try:
            self.call("image", "inspect", "--format", "{{.Id}}", image)
        except SandboxError as error:
            if any(words in str(error).lower() for words in _NO_IMAGE):
                return False
            raise
        return True

    def list_containers(self, labels: Mapping[str, str]) -> list[Found]:
        """All that carry these labels; raises `SandboxError`."""
        filters = [word for key, value in labels.items() for word in ("--filter", f"label={key}={value}")]
        lines = self.call("ps", "--all", "--no-trunc", *filters, "--format", self._format).splitlines()
        words = [line.split() for line in lines]
        return [Found(word[0], RunId(word[1]) if len(word) > 1 and word[1] != "<no" else None) for word in words]

    def remove_all(self, labels: Mapping[str, str]) -> None:
        """Kill and remove what carries these labels, until a look shows that it is gone. Raises `SandboxError` when
        some is left after 10 s."""
        deadline = time.monotonic() + _REMOVE_SECONDS
        pause, complaint = Event(), "it is still there"
        while found := self.list_containers(labels):
            ids = [container.container_id for container in found]
            if time.monotonic() > deadline:
                raise SandboxError(f"{self._name} cannot remove {', '.join(ids)}: {complaint}")
            try:
                self.call("rm", "--force", *ids)
            except SandboxError as error:  # removed by its own client meanwhile, as a rule: the next look decides
                complaint = str(error)
                pause.wait(_PAUSE_SECONDS)


def last_words(stderr: bytes) -> str:
    """The line that says what was wrong: engines put warnings before it and usage after it."""
    lines = [line.strip() for line in stderr.decode("utf-8", "replace").splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith(("error", "docker:"))]
    return (errors or lines or ["it said nothing"])[-1]
