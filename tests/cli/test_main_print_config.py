"""`intercomd print-config`: the settings in force."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from intercomd.cli.main import main
from intercomd.settings.loading import ENVIRONMENT


@pytest.fixture(autouse=True)
def _clean_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for variable in ENVIRONMENT:
        monkeypatch.delenv(variable, raising=False)


def test_settings_are_printed_as_json_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    """The sections of the system before come first, then ours; absent values are null; profiles are sorted."""
    assert main(["print-config"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert list(printed) == [
        *["server", "storage", "runtimes", "demarch", "events", "orchestrator", "scheduler"],
        *["assistant", "sandbox", "gateway", "channels", "commands", "outbox", "retention", "log"],
    ]
    assert printed["storage"]["postgres_dsn"] is None
    assert list(printed["runtimes"]["profiles"]) == ["claude", "codex", "echo", "gemini"]


def test_options_win_over_variables_and_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """--bind, --data-dir and --set have the last word, and hide no password less."""
    (tmp_path / "my config.toml").write_text('server = { bind = "127.0.0.1:1", threads = 2 }')
    monkeypatch.setenv("INTERCOMD_BIND", "127.0.0.1:2")
    monkeypatch.setenv("INTERCOM_POSTGRES_DSN", "postgresql://ida:s3cret@host/db")
    words = ["print-config", "--config", "my config.toml", "--bind", "127.0.0.1:3", "--data-dir", "my data"]
    assert main([*words, "--set", "sandbox.engine=process", "--set", "orchestrator.lease_ms=400"]) == 0
    output = capsys.readouterr().out
    assert "s3cret" not in output
    printed = json.loads(output)
    assert printed["server"]["bind"] == "127.0.0.1:3"
    assert printed["server"]["threads"] == 2
    assert printed["storage"]["sqlite_path"] == str(tmp_path / "my data" / "intercom.db")
    assert printed["storage"]["groups_dir"] == str(tmp_path / "my data" / "groups")
    assert printed["sandbox"]["engine"] == "process"
    assert printed["orchestrator"]["lease_ms"] == 400


@pytest.mark.parametrize(
    "words", [["--config", "typo.toml"], ["--bind", "nowhere"], ["--set", "sandbox.engin=process"]]
)
def test_unusable_settings_are_exit_code_78(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Bad settings end with 78 and the problems on standard error, nothing on standard output."""
    assert main(["print-config", *words]) == 78
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "has 1 problem:\n  " in captured.err
