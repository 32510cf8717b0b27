"""`/v1/why` over HTTP and `intercomd why` in the terminal."""

from __future__ import annotations

import json

import pytest

from intercomd.cli.exit_codes import ExitCode
from intercomd.cli.main import main
from tests.api.conftest import Api
from tests.store.household import Household


def test_message_is_explained_with_its_steps(api: Api) -> None:
    """What was decided and where it stands, with the reason why nothing runs."""
    Household(api.store).say("m1")
    found = api.get("/v1/why?about=local%3Akitchen%231")
    assert found["subject"] == "local:kitchen#1 “hello” by Uma"
    assert found["standing"] == "It waits, since nothing runs at present: the orchestrator is idle."
    assert [(step["code"], step["text"]) for step in found["steps"]] == [("message.request", "stored as a request")]


def test_unknown_subject_is_404_and_an_odd_one_422(api: Api) -> None:
    """The problem says what may be asked about."""
    assert api.call("GET", "/v1/why?about=nobody").problem["status"] == 404
    for about in ("", "a%23b"):
        problem = api.call("GET", f"/v1/why?about={about}").problem
        assert problem["status"] == 422
        assert "JID#SEQ" in str(problem)


def test_terminal_shows_standing_and_steps(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    """One line for the subject, one for the standing, one for each step; JSON for scripts."""
    Household(api.store).say("m1")
    assert main(["why", "cooks", "--url", api.server.url]) == ExitCode.OK
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("local:kitchen#1")
    assert lines[1].startswith("It waits")
    assert lines[-1].endswith("stored as a request  [message.request]")
    assert main(["why", "cooks", "--json", "--url", api.server.url]) == ExitCode.OK
    assert json.loads(capsys.readouterr().out)["steps"][0]["code"] == "message.request"


def test_terminal_says_what_does_not_exist(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1 and one sentence."""
    assert main(["why", "nobody", "--url", api.server.url]) == ExitCode.FAILURE
    assert "no task and no group is called nobody" in capsys.readouterr().err
