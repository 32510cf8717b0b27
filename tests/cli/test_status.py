"""`intercomd status`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from intercomd.cli.main import main
from tests.api.conftest import Api

Intercomd = Callable[..., int]


def test_status_shows_one_screen(intercomd: Intercomd, capsys: pytest.CaptureFixture[str]) -> None:
    """Orchestrator, slots, store and every actor, aligned."""
    assert intercomd("status") == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.startswith("intercomd 9.9.9 at http://127.0.0.1:")
    assert lines[:3] == [
        "orchestrator  idle",
        "slots         1 of 3 used, 0 idle, 0 waiting, 0 of them with tasks",
        "store         sqlite: 0 groups, 0 with open requests, 0 runs, 0 texts on the way",
    ]
    assert lines[4].split() == ["ACTOR", "STATE", "RESTARTS", "QUEUE", "OLDEST", "AT", "WORK", "ON", "LAST", "ERROR"]
    actors = ["root", "commands", "message_loop", "dispatcher", "outbox", "local", "hold_watcher"]
    tree, used = lines[5 : 5 + len(actors)], lines[5 + len(actors) :]
    assert [line.split()[0] for line in tree] == actors
    assert len({line.index("running") for line in tree}) == 1
    assert [line.split() for line in used] == [
        [],
        ["MODEL", "USED", "BY", "REQUESTS", "TOKENS", "READ", "TOKENS", "WRITTEN"],
        ["cooks", "2", "300", "40"],
    ]


def test_status_is_json_for_scripts(intercomd: Intercomd, capsys: pytest.CaptureFixture[str]) -> None:
    """The whole of `/v1/status`."""
    assert intercomd("status", "--json") == 0
    assert json.loads(capsys.readouterr().out)["slots"]["limit"] == 3


def test_check_is_ok_when_nothing_is_wrong(intercomd: Intercomd, capsys: pytest.CaptureFixture[str]) -> None:
    """Idle by wish is fine."""
    assert intercomd("status", "--check") == 0
    assert capsys.readouterr() == ("ok\n", "")


def test_check_is_degraded_with_reasons(api: Api, intercomd: Intercomd, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1; standard error says what is wrong, a line each."""
    api.orchestrator.is_wanted, api.orchestrator.state, api.orchestrator.reason = (
        True,
        "standby",
        "lease held elsewhere",
    )
    api.store.close()
    assert intercomd("status", "--check") == 1
    out, err = capsys.readouterr()
    assert out == "degraded\n"
    assert err.splitlines()[0] == "the orchestrator is standby: lease held elsewhere"
    assert err.splitlines()[1].startswith("the store is away")


def test_check_is_down_when_nobody_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, whatever the reason."""
    assert main(["status", "--check", "--data-dir", str(tmp_path)]) == 2
    assert "no daemon runs here" in capsys.readouterr().err


def test_daemon_is_found_by_its_data_folder(api: Api, tmp_path: Path) -> None:
    """`daemon.json` names the address."""
    (tmp_path / "daemon.json").write_text(json.dumps({"url": api.server.url, "pid": 1}))
    assert main(["status", "--check", "--data-dir", str(tmp_path)]) == 0


def test_daemon_is_found_by_the_environment(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """INTERCOMD_URL, with or without a slash at its end."""
    monkeypatch.setenv("INTERCOMD_URL", api.server.url + "/")
    assert main(["status", "--check"]) == 0
