"""`intercomd doctor`: a line for each thing agents need, on machines with engines of every sort."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from intercomd.cli.main import main
from intercomd.settings.loading import ENVIRONMENT
from tests.support.containers import THIN_IMAGE, import_thin_image, podman_environment

Doctor = Callable[..., dict[str, dict[str, Any]]]
LIMITS = '{"memory": "2147483648", "processes": "512", "tmp": "536870912"}'
BARE_TMP = '{"memory": "max", "processes": "max", "tmp": "536870912"}'


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with nothing but what a test puts into this folder, and no credential."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.chdir(tmp_path)
    for variable in (*ENVIRONMENT, "ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN", "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("HOME", str(tmp_path))
    return folder


@pytest.fixture
def doctor(programs: Path, capsys: pytest.CaptureFixture[str]) -> Doctor:
    """Its lines by name, after a look at the exit code."""

    def run(*words: str, code: int = 0) -> dict[str, dict[str, Any]]:
        assert main(["doctor", "--json", *words]) == code
        report = json.loads(capsys.readouterr().out)
        assert report["is_ok"] is (code == 0)
        return {check["name"]: check for check in report["checks"]}

    return run


def install(programs: Path, name: str, script: str) -> None:
    """A program that answers as an engine would."""
    program = programs / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def engine_script(probed: str) -> str:
    """Has every image; a run prints what the probe would find."""
    return f"case $1 in run) echo '{probed}';; esac"


def test_machine_without_engines_is_told_what_to_install(doctor: Doctor) -> None:
    """Each engine says what is missing, and the exit code that agents cannot run."""
    checks = doctor(code=1)
    assert "package is called podman" in checks["engine podman"]["evidence"]
    assert "package is called docker.io" in checks["engine docker"]["evidence"]
    assert "package is called bubblewrap" in checks["engine bubblewrap"]["evidence"]
    assert not checks["choice"]["is_ok"] and checks["choice"]["is_needed"]
    assert not [name for name in checks if name.startswith("image")]


def test_engine_that_is_named_counts_and_the_others_do_not(doctor: Doctor) -> None:
    """With `process` named agents can run, however little it isolates; nothing else is needed for echo."""
    checks = doctor("--set", "sandbox.engine=process", "--set", "runtimes.default_runtime=echo")
    assert "isolates nothing; not enforced here: memory 2048 MB" in checks["engine process"]["evidence"]
    assert [name for name, check in checks.items() if check["is_needed"]] == ["engine process", "choice"]


def test_limits_that_the_kernel_does_not_know_are_not_claimed(programs: Path, doctor: Doctor) -> None:
    """An engine that ignores limits is told apart by what the container itself sees."""
    install(programs, "podman", engine_script(LIMITS))
    install(programs, "docker", engine_script(BARE_TMP))
    checks = doctor("--set", "runtimes.default_runtime=echo")
    assert checks["engine podman"]["evidence"].endswith("enforces memory 2048 MB, 512 processes, /tmp 512 MB")
    assert "not enforced here: memory 2048 MB, 512 processes" in checks["engine docker"]["evidence"]
    assert checks["choice"]["evidence"].endswith("agents run in podman")


@pytest.mark.parametrize(
    ("complaint", "remedy"),
    [
        ("Error: runc: error setting rlimit type 7: operation not permitted", "default_ulimits"),
        ("Error: crun: cgroups in hybrid mode not supported, drop all controllers from cgroupv2", 'runtime = "runc"'),
        ("ERRO cannot find mappings for user: no subuid ranges found", "usermod --add-subuids"),
        ("Error: writing blob: no space left on device", "free space"),
        ("Error: creating container storage: mkdir /var/x: read-only file system", "can be written"),
        ("ERROR (catatonit:2): failed to exec pid1: No such file or directory", "no python3"),
    ],
)
def test_known_complaint_comes_with_its_remedy(programs: Path, doctor: Doctor, complaint: str, remedy: str) -> None:
    """The engine's own words, and after them what to do."""
    install(programs, "podman", f"[ $1 != run ] || {{ echo '{complaint}' >&2; exit 125; }}")
    evidence = doctor("--set", "sandbox.engine=podman", code=1)["engine podman"]["evidence"]
    assert complaint in evidence and remedy in evidence


def test_docker_without_its_daemon_says_how_to_start_it(programs: Path, doctor: Doctor) -> None:
    """A client alone is no engine, and has no images to list."""
    install(programs, "docker", "echo 'Cannot connect to the Docker daemon at unix:///x.' >&2; exit 1")
    checks = doctor(code=1)
    assert checks["engine docker"]["evidence"].endswith("start it: systemctl start docker")
    assert not [name for name in checks if name.startswith("image")]


def test_missing_image_is_named_with_what_builds_it(programs: Path, doctor: Doctor) -> None:
    """Only the default runtime's image is needed."""
    install(programs, "podman", "[ $1 != image ] || { echo 'Error: no such image' >&2; exit 125; }")
    checks = doctor("--set", "sandbox.engine=podman", code=1)
    assert "build it: scripts/images build codex" in checks["image codex (podman)"]["evidence"]
    assert not checks["image codex (podman)"]["is_needed"]


def test_credential_is_found_and_not_shown(
    programs: Path, doctor: Doctor, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A credential is named by where it is from; nothing of it is printed."""
    install(programs, "podman", engine_script(LIMITS))
    assert not doctor(code=1)["credential claude"]["is_ok"]
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-s3cret-s3cret")
    checks = doctor()
    assert checks["credential claude"]["is_ok"] and checks["credential claude"]["is_needed"]
    assert "s3cret" not in json.dumps(checks)


def test_image_of_the_existing_system_is_told_as_what_it_is(programs: Path, doctor: Doctor) -> None:
    """What it may do is a line of its own; it is asked through its shell, has its own advice, and its own secrets."""
    install(programs, "podman", "[ $1 != image ] || { echo 'Error: no such image' >&2; exit 125; }")
    (programs.parent / "config").mkdir()
    (programs.parent / "config/intercom.toml").write_text(
        '[runtimes.profiles.claude]\nagent = "legacy"\n[runtimes.profiles.codex]\nagent = "legacy"\n'
    )
    checks = doctor(code=1)
    assert "build it where the existing system is" in checks["engine podman"]["evidence"]
    install(programs, "podman", f"case $* in *entrypoint=/bin/sh*) echo '{LIMITS}' ;; esac")
    (programs.parent / ".env").write_text("CLAUDE_CODE_OAUTH_TOKEN=s3cret\n")
    (programs.parent / ".env").chmod(0o600)
    checks = doctor()
    assert checks["engine podman"]["is_ok"]
    assert checks["legacy claude"]["is_needed"] and not checks["legacy codex"]["is_needed"]
    assert "read their credential, and have a network" in checks["legacy claude"]["evidence"]
    assert checks["credential claude"]["evidence"].endswith(".env, handed to its containers")
    assert "for the legacy image of codex" in checks["credential codex"]["evidence"]
    assert "s3cret" not in json.dumps(checks)


def test_table_says_no_where_nothing_depends_on_it(doctor: Doctor, capsys: pytest.CaptureFixture[str]) -> None:
    """FAILED is kept for what is needed."""
    assert main(["doctor", "--set", "sandbox.engine=process", "--set", "runtimes.default_runtime=echo"]) == 0
    results = {line.split()[2]: line.split()[0] for line in capsys.readouterr().out.splitlines() if " engine " in line}
    assert results == {"podman": "no", "docker": "no", "bubblewrap": "no", "process": "ok"}


@pytest.mark.full
def test_podman_on_this_machine_works_and_enforces_its_limits(
    programs: Path, doctor: Doctor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real thing, asked from inside a container."""
    monkeypatch.setenv("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
    environment = podman_environment(tmp_path)
    monkeypatch.setenv("CONTAINERS_CONF", environment["CONTAINERS_CONF"])
    import_thin_image(str(shutil.which("podman")), environment)
    config = tmp_path / "intercom.toml"
    config.write_text(f'runtimes = {{ default_runtime = "echo", profiles.echo.image = "{THIN_IMAGE}" }}')
    checks = doctor("--config", str(config))
    assert checks["engine podman"]["evidence"].endswith("enforces memory 2048 MB, 512 processes, /tmp 512 MB")
    assert checks["choice"]["evidence"].endswith("agents run in podman")
    assert checks["image echo (podman)"]["is_ok"]
