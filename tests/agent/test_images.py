"""The images of config/images, built without any registry: the base is the tests' own, the programs are copied."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from intercomd.clock import SystemClock
from intercomd.sandbox.containers import PODMAN, ContainerEngine, ContainerSettings, default_image
from intercomd.sandbox.limits import DEFAULT_LIMITS
from tests.agent.real import PROGRAMS, RUNTIMES, SHELLS, real_agents
from tests.sandbox.harness import INSTALL
from tests.support.containers import THIN_IMAGE, import_thin_image, podman_environment
from tests.support.daemon import ROOT
from tests.support.provider import Call, Say

pytestmark = pytest.mark.full

TAG = f"test-{os.getpid()}"
IMAGES = {runtime: default_image(runtime).replace(":latest", f":{TAG}") for runtime in RUNTIMES}
BUILD_SECONDS = 300
RUN_SECONDS = 30


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """Of a podman that has the three images, until the module's end."""
    environment = podman_environment(tmp_path_factory.mktemp("podman"))
    import_thin_image("podman", environment)
    try:
        made = run(
            *("scripts/images", "build", "--engine", "podman", "--tag", TAG),
            *("--base", THIN_IMAGE, "--packages", "", "--programs", str(PROGRAMS)),
            environment=environment,
            seconds=BUILD_SECONDS,
        )
        assert made.split() == list(IMAGES.values())
        yield environment
    finally:
        run("podman", "rmi", "--force", *IMAGES.values(), environment=environment)


def run(*words: str, environment: Mapping[str, str], text: str = "", seconds: int = RUN_SECONDS) -> str:
    done = subprocess.run(
        words, cwd=ROOT, env=environment, input=text, capture_output=True, text=True, timeout=seconds, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_image_is_labelled_with_the_pinned_program(environment: Mapping[str, str]) -> None:
    """What `list` says of an image is what config/agents.versions says."""
    listed = run("scripts/images", "list", "--engine", "podman", "--tag", TAG, environment=environment)
    pins = [line for line in (ROOT / "config/agents.versions").read_text().splitlines() if not line.startswith("#")]
    assert [line.split() for line in listed.splitlines()] == [
        [runtime, IMAGES[runtime], pin] for runtime, pin in zip(RUNTIMES, pins, strict=True)
    ]


def test_image_answers_by_itself_as_an_ordinary_user(environment: Mapping[str, str]) -> None:
    """Without any mount its entry point is our agent program, which answers and ends; its user is not root."""
    fences = ("run", "--rm", "--interactive", "--network=none", "--read-only", "--cap-drop=all")
    request = {"prompt": "hello", "groupFolder": "kitchen", "chatJid": "local:kitchen", "inputId": "i-1"}
    said = run("podman", *fences, IMAGES["gemini"], environment=environment, text=json.dumps(request))
    assert '"result":"hello"' in said
    assert run("podman", *fences, "--entrypoint=id", IMAGES["gemini"], "-u", environment=environment) == "1000\n"


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_program_of_the_image_works_in_its_group(tmp_path: Path, environment: Mapping[str, str], runtime: str) -> None:
    """The real program, from the image alone: a command in the group's folder, and a reply through the gateway."""
    settings = ContainerSettings(INSTALL, runtime, IMAGES, DEFAULT_LIMITS, environment)
    engine = ContainerEngine(PODMAN, settings, SystemClock())
    tool, argument = SHELLS[runtime]
    with real_agents(tmp_path, engine, programs=None) as (agents, provider):
        provider.script(Call(tool, {argument: f"command -v {runtime} > made.txt"}), Say("done"))
        run = agents.run(runtime, "make a file")
        assert run.replies == ["done"], run.wait()
        assert (agents.group_dir / "made.txt").read_text() == f"/opt/agents/bin/{runtime}\n"


def test_project_folder_is_no_build_context(tmp_path: Path, environment: Mapping[str, str]) -> None:
    """Whoever builds from the project's folder itself sends no file of it to an engine, so no secret."""
    (tmp_path / ".dockerignore").write_bytes((ROOT / ".dockerignore").read_bytes())
    for secret in (".env", "config/intercom.toml", "data/intercom.db"):
        (tmp_path / secret).parent.mkdir(exist_ok=True)
        (tmp_path / secret).write_text("s3cret")
    recipe = f"FROM {THIN_IMAGE}\nCOPY . /context\nRUN find /context -type f -exec false {{}} +\n"
    (tmp_path / "Containerfile").write_text(recipe)
    run("podman", "build", "--layers=false", "--quiet", str(tmp_path), environment=environment)
