"""`intercomd runs`."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from intercomd.cli.exit_codes import ExitCode
from tests.api.conftest import Api
from tests.cli.conftest import Assistant

Intercomd = Callable[..., int]


def test_runs_are_listed_and_shown(
    api: Api, assistant: Assistant, intercomd: Intercomd, capsys: pytest.CaptureFixture[str]
) -> None:
    """A live run is `running` in the table; `show` has every field."""
    api.local.receive("main", "hi", "m-1", "Ann")
    assistant.answer("main", "hello")
    assert intercomd("runs", "list", "--group", "main") == 0
    headers, row = capsys.readouterr().out.splitlines()
    assert headers.split() == ["RUN", "GROUP", "OUTCOME", "TRY", "RUNTIME", "OPENED", "ENDED", "ERROR"]
    assert row.split()[:4] == ["r-1", "main", "running", "1"]
    assert intercomd("runs", "show", "r-1", "--json") == 0
    assert json.loads(capsys.readouterr().out)["has_effects"] is True
    assert intercomd("runs", "show", "r-1") == 0
    assert "chat_jid        local:main\n" in capsys.readouterr().out


def test_unknown_run_is_a_failure(intercomd: Intercomd, capsys: pytest.CaptureFixture[str]) -> None:
    """One line, exit code 1."""
    assert intercomd("runs", "show", "r-x") == ExitCode.FAILURE
    assert "r-x" in capsys.readouterr().err
