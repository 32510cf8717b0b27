"""scripts/images with an engine that writes down what it is asked for: what goes into a context, and what it says."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from intercomd.sandbox.containers import default_image
from tests.project.source import ROOT

RUNTIMES = ("claude", "codex", "gemini")
PACKAGES = {
    "claude": "@anthropic-ai/claude-code-linux-x64",
    "codex": "@openai/codex-linux-x64",
    "gemini": "@google/gemini-cli",
}
NEEDED = ["bash", "basename", "cat", "cp", "cut", "dirname", "grep", "ln", "mkdir", "mktemp", "readlink", "rm", "sed"]
ENGINE = """\
#!/bin/bash
case $1 in
    build) printf '%s\\n' "$@" >"$NOTES/words"; cp -r -- "${@: -1}" "$NOTES/context" ;;
    image) [ -f "$NOTES/label" ] && cat "$NOTES/label" ;;
esac
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what the script works with, and secrets where people have them."""
    project = tmp_path / "project"
    for folder in ("scripts", "config", "intercomd/agent"):
        shutil.copytree(ROOT / folder, project / folder, ignore=shutil.ignore_patterns("*.toml"))
    shutil.copy(ROOT / "intercomd/__init__.py", project / "intercomd")
    for secret in (".env", "config/intercom.toml", "data/credentials/claude.json", "intercomd/agent/.env"):
        (project / secret).parent.mkdir(parents=True, exist_ok=True)
        (project / secret).write_text("s3cret")
    return project


def images(project: Path, *words: str, engine: str | None = "podman") -> subprocess.CompletedProcess[str]:
    """Run it where there is one engine, or none."""
    programs, notes = project.parent / "programs", project.parent / "notes"
    programs.mkdir(exist_ok=True)
    notes.mkdir(exist_ok=True)
    if engine is not None:
        (programs / engine).write_text(ENGINE)
        (programs / engine).chmod(0o755)
    for name in NEEDED:
        if not (programs / name).exists():
            (programs / name).symlink_to(str(shutil.which(name)))
    return subprocess.run(
        [project / "scripts/images", *words],
        env={"PATH": str(programs), "NOTES": str(notes)},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


def install(folder: Path, runtime: str, version: str) -> None:
    """As scripts/agents leaves it, with another package beside."""
    for package in (PACKAGES[runtime], "left-pad"):
        (folder / "node_modules" / package).mkdir(parents=True)
        (folder / "node_modules" / package / "program").write_text("#!/bin/sh\n")
    (folder / "bin").mkdir()
    (folder / "bin" / runtime).symlink_to(f"../node_modules/{PACKAGES[runtime]}/program")
    (folder / "installed").write_text(f"left-pad@1.3.0\n{version}\n")


def pin_of(runtime: str) -> str:
    lines = (ROOT / "config/agents.versions").read_text().splitlines()
    return [line for line in lines if not line.startswith("#")][RUNTIMES.index(runtime)]


def context_of(project: Path) -> set[str]:
    context = project.parent / "notes/context"
    return {str(path.relative_to(context)) for path in context.rglob("*") if not path.is_dir()}


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_context_holds_what_the_image_is_made_from_and_no_secret(project: Path, runtime: str) -> None:
    """The recipe, the installer with its pins, and the agent program; the script leaves nothing behind."""
    done = images(project, "build", runtime)
    assert (done.returncode, done.stdout) == (0, f"{default_image(runtime)}\n"), done.stderr
    agent = {f"agent/{path.name}" for path in (ROOT / "intercomd/agent").glob("*.py")}
    installer = {"build/scripts/agents", "build/scripts/environment.sh", "build/config/agents.versions"}
    assert context_of(project) == {"Containerfile", *agent, *installer}
    assert list((project / ".cache").iterdir()) == []
    assert f"intercom.program={pin_of(runtime)}" in (project.parent / "notes/words").read_text().splitlines()


def test_program_of_a_folder_is_copied_alone(project: Path) -> None:
    """With --programs the context has the one package, its link, and the stamp that says what it is."""
    install(project.parent / "agents", "codex", pin_of("codex"))
    done = images(project, "build", "codex", "--programs", str(project.parent / "agents"))
    assert done.returncode == 0, done.stderr
    package = f"programs/node_modules/{PACKAGES['codex']}/program"
    taken = {path for path in context_of(project) if path.startswith("programs")}
    assert taken == {package, "programs/bin/codex", "programs/installed"}
    assert (project.parent / "notes/context/programs/installed").read_text() == f"{pin_of('codex')}\n"


def test_program_of_another_version_is_refused(project: Path) -> None:
    """An image never has what its label does not say."""
    install(project.parent / "agents", "codex", "@openai/codex@0.0.1")
    done = images(project, "build", "codex", "--programs", str(project.parent / "agents"))
    assert done.returncode == 1
    assert "another version of codex than config/agents.versions; run: scripts/agents" in done.stderr


def test_options_reach_the_engine(project: Path) -> None:
    """Base, packages and tag are the caller's."""
    done = images(project, "build", "claude", "--base", "localhost/thin", "--packages", "", "--tag", "mine")
    assert done.stdout == "intercom-agent:mine\n"
    words = (project.parent / "notes/words").read_text()
    assert "--build-arg\nBASE=localhost/thin\n--build-arg\nPACKAGES=\n" in words
    assert "--tag\nintercom-agent:mine\n" in words


@pytest.mark.parametrize(
    ("label", "said"),
    [
        (None, "not built; scripts/images build claude"),
        (pin_of("claude"), pin_of("claude")),
        ("@anthropic-ai/claude-code@1.0.0", f"not {pin_of('claude')}; scripts/images build claude"),
        ("", "not made by scripts/images"),
    ],
)
def test_list_tells_missing_and_outdated_images(project: Path, label: str | None, said: str) -> None:
    """Each with what helps."""
    (project.parent / "notes").mkdir()
    if label is not None:
        (project.parent / "notes/label").write_text(f"{label}\n")
    done = images(project, "list", "claude", engine="docker")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("claude   intercom-agent:latest") and done.stdout.endswith(f"{said}\n")


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        ((), 2, "there is no task ''"),
        (("build", "echo"), 2, "there is no image for 'echo'; there are claude, codex and gemini"),
        (("build", "--tga", "x"), 2, "there is no option --tga"),
        (("build", "--tag"), 2, "--tag needs a value"),
        (("list", "--engine", "lxc"), 2, "--engine is podman or docker, not 'lxc'"),
        (("list", "--engine", "docker"), 1, "docker is not here or does not answer"),
        (("build", "--programs", "/nowhere"), 1, "there is no folder /nowhere"),
    ],
)
def test_mistake_is_told_before_anything_is_built(
    project: Path, words: tuple[str, ...], code: int, complaint: str
) -> None:
    """With usage where the words are wrong; nothing was asked of an engine."""
    done = images(project, *words)
    assert (done.returncode, done.stdout) == (code, "")
    assert complaint in done.stderr and ("usage:" in done.stderr) is (code == 2)
    assert not (project.parent / "notes/words").exists()


def test_machine_without_an_engine_is_told_which_to_install(project: Path) -> None:
    """One line."""
    done = images(project, "build", engine=None)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "install podman" in done.stderr
