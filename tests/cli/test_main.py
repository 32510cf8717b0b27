"""The `intercomd` command: words in, exit code and output out."""

from __future__ import annotations

import subprocess
import sys
import types
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path

import pytest

from intercomd import __version__
from intercomd.cli import main as main_module
from intercomd.cli.exit_codes import ExitCode
from intercomd.cli.main import COMMANDS, main
from intercomd.errors import AskTimeout, ConfigError


@pytest.fixture
def add_command(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Callable[[Namespace], int]], None]:
    """Put a command of the test's own into the table."""

    def add(name: str, run: Callable[[Namespace], int]) -> None:
        module = types.ModuleType(f"tests_command_{name}")
        module.__dict__.update(SUMMARY=f"what {name} does", configure=_configure, run=run)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setitem(COMMANDS, name, module.__name__)

    return add


def _configure(parser: ArgumentParser) -> None:
    parser.add_argument("--count", type=int, default=0)


def _raise(error: BaseException) -> Callable[[Namespace], int]:
    def run(arguments: Namespace) -> int:
        raise error

    return run


AddCommand = Callable[[str, Callable[[Namespace], int]], None]


def test_command_gets_its_options_and_decides_the_exit_code(add_command: AddCommand) -> None:
    """What `run` returns is what the process returns."""
    add_command("count", lambda arguments: int(arguments.count))
    assert main(["count", "--count", "7"]) == 7


def test_serve_is_run_when_no_command_is_given(add_command: AddCommand, monkeypatch: pytest.MonkeyPatch) -> None:
    """`intercomd` alone is `intercomd serve`."""
    add_command("serve", lambda arguments: 5)
    monkeypatch.setattr(sys, "argv", ["intercomd"])
    assert main() == 5


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (ConfigError("a.toml", ["x: bad", "y: worse"]), 78, "a.toml has 2 problems:\n  x: bad\n  y: worse\n"),
        (AskTimeout("commands did not answer"), 1, "Error: commands did not answer\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_errors_become_exit_codes_and_lines(
    add_command: AddCommand, capsys: pytest.CaptureFixture[str], error: BaseException, code: int, text: str
) -> None:
    """Foreseen errors end with their code and their text on standard error, without a traceback."""
    add_command("fails", _raise(error))
    assert main(["fails"]) == code
    assert capsys.readouterr() == ("", text)


def test_defect_ends_with_its_traceback(add_command: AddCommand, capsys: pytest.CaptureFixture[str]) -> None:
    """Anything unforeseen is exit code 70 and shows where it happened."""
    add_command("fails", _raise(ZeroDivisionError("here")))
    assert main(["fails"]) == 70
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["srve"], ["--bind", "127.0.0.1:1"], ["serve", "--bnd", "x"], ["serve", "--set", "x"]]
)
def test_wrong_usage_is_exit_code_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Unknown commands and options, and options without a command, are usage errors."""
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    assert "usage: intercomd" in capsys.readouterr().err


@pytest.mark.parametrize(("words", "meant"), [(["taks"], "tasks"), (["tasks", "lst"], "list")])
def test_wrong_command_is_told_with_the_nearest_one(
    words: list[str], meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of the commands and of their actions."""
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    assert f"did you mean {meant}?" in capsys.readouterr().err


def test_version_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """`--version` prints name and version."""
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"intercomd {__version__}\n"


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    """`--help` names all commands with what they do."""
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    shown = capsys.readouterr().out
    for name in COMMANDS:
        assert f"  {name}" in shown


def test_module_of_another_command_is_not_imported() -> None:
    """A command pays for its own imports only, and `--version` for none."""
    program = (
        "import sys; from intercomd.cli.main import main\n"
        "try: main(['--version'])\n"
        "except SystemExit: pass\n"
        "print(*[name for name in sys.modules if name in {'msgspec', 'pykka', 'falcon', 'sqlite3', 'tomli'}])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
        cwd=Path(main_module.__file__).parents[2],
    )
    assert done.stdout == f"intercomd {__version__}\n\n"


@pytest.mark.full
def test_output_into_a_closed_pipe_ends_quietly() -> None:
    """`intercomd print-config | head -0` leaves no traceback behind."""
    with subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys; sys.stdin.read(); from intercomd.cli.main import main; "
            "code = main(['print-config']); sys.stdout.flush(); sys.exit(code)",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(main_module.__file__).parents[2],
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        process.stdout = None
        _, complaint = process.communicate(input="", timeout=20)
    assert complaint == ""
    assert process.returncode == ExitCode.FAILURE
