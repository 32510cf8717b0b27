"""`intercomd groups`."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from intercomd.cli.exit_codes import ExitCode

Intercomd = Callable[..., int]


def test_groups_are_added_listed_and_removed(intercomd: Intercomd, capsys: pytest.CaptureFixture[str]) -> None:
    """The table shows what was registered, and nothing after the removal."""
    assert intercomd("groups", "add", "tg:-100", "kitchen", "--name", "The Kitchen", "--no-trigger") == 0
    assert capsys.readouterr().out == "tg:-100 is group kitchen\n"
    assert intercomd("groups", "list") == 0
    assert capsys.readouterr().out == (
        "FOLDER   CHAT     NAME         ANSWERS     RUNTIME  MODEL  NETWORK  WAITING SINCE\n"
        "kitchen  tg:-100  The Kitchen  every text  -        -      none     -\n"
    )
    assert intercomd("groups", "network", "kitchen", "full") == 0
    assert capsys.readouterr().out == "kitchen: network full\n"
    assert intercomd("groups", "remove", "kitchen") == 0
    assert capsys.readouterr().out == "kitchen is removed\n"
    assert intercomd("groups", "list", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"groups": []}


def test_refusal_is_one_line(intercomd: Intercomd, capsys: pytest.CaptureFixture[str]) -> None:
    """What the daemon says is wrong, exit code 1."""
    assert intercomd("groups", "add", "tg:-100", "../x") == ExitCode.FAILURE
    assert capsys.readouterr().err.startswith("Error: folder: '../x' is no group folder")
