"""The commands that documents show, run as they stand there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

from tests.project.source import ROOT

TIMEOUT_SECONDS = 50


@cache
def flip_script() -> ModuleType:
    """scripts/flip as a module: it has the one reader of our command blocks."""
    loader = SourceFileLoader("flip_script", str(ROOT / "scripts/flip"))
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    sys.modules[loader.name] = module
    loader.exec_module(module)
    return module


def make_path(folder: Path) -> str:
    """A PATH on which `intercomd` is the one of this tree."""
    program = folder / "intercomd"
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m intercomd "$@"\n')
    program.chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


def run_block(document: Path, tag: str, variables: Mapping[str, str]) -> None:
    """Run the commands of the blocks with this tag; each must succeed and print what stands below it."""
    steps = [step for step in flip_script().read_steps(document.read_text(encoding="utf-8")) if tag in step.tags]
    assert steps, f"{document} has no block {tag}"
    for step in steps:
        done = subprocess.run(
            ["bash", "-c", step.command],
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{step.command}\n{done.stdout}{done.stderr}"
        assert flip_script().matches(step.expected, done.stdout.splitlines()), f"{step.command}\n{done.stdout}"
