"""Secrets are planted in every place where one can be, and then looked for in every place where none may be."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from intercomd.sandbox.agent_program import interpreter
from tests.gateway import snooping_claude
from tests.gateway.conftest import Stubs
from tests.gateway.logins import claude_login, put_private
from tests.gateway.provider_stub import Visit
from tests.gateway.snooping_claude import MARKER
from tests.support.daemon import DaemonProcess

pytestmark = pytest.mark.full

Start = Callable[[str], DaemonProcess]

VARIABLES = (
    "ANTHROPIC_API_KEY",
    "CLAUDE_CODE_OAUTH_TOKEN",
    "OPENAI_API_KEY",
    "CODEX_OAUTH_ACCESS_TOKEN",
    "CODEX_OAUTH_REFRESH_TOKEN",
    "CODEX_OAUTH_ID_TOKEN",
    "CODEX_OAUTH_ACCOUNT_ID",
    "GEMINI_API_KEY",
    "GEMINI_REFRESH_TOKEN",
    "GEMINI_OAUTH_CLIENT_ID",
    "GEMINI_OAUTH_CLIENT_SECRET",
)
TOLD = (
    "/healthz",
    "/readyz?verbose",
    "/v1/supervision",
    "/v1/runs",
    "/v1/groups",
    "/v1/outbox",
    "/v1/preflight",
    "/v1/orchestrator",
    "/openapi.json",
)
"""What the API says to whoever asks."""


@pytest.fixture
def keeper(tmp_path: Path) -> Path:
    """A home folder in which every secret is a canary."""
    keeper = tmp_path / "keeper"
    claude_login(keeper, f"{MARKER}claude-access", f"{MARKER}claude-refresh")
    tokens = {"access_token": f"{MARKER}codex", "refresh_token": f"{MARKER}codex", "account_id": f"{MARKER}codex"}
    put_private(keeper / ".codex/auth.json", {"OPENAI_API_KEY": f"{MARKER}file", "tokens": tokens})
    put_private(keeper / ".gemini/oauth_creds.json", {"refresh_token": f"{MARKER}gemini"})
    for name in VARIABLES:
        put_private(keeper / "systemd" / name, f"{MARKER}systemd-{name}")
    return keeper


@pytest.fixture
def start(tmp_path: Path, keeper: Path) -> Iterator[Start]:
    """Starts a daemon whose agent is the snooping one, in bubblewrap, with its provider at a URL."""
    home = tmp_path / "daemon"
    home.mkdir()
    put_private(home / ".env", "".join(f"{name}={MARKER}dotenv-{name}\n" for name in VARIABLES))
    program = home / "programs/bin/claude"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!{interpreter()} -I\n{Path(snooping_claude.__file__).read_text()}")
    program.chmod(0o755)
    environment = {name: f"{MARKER}environment-{name}" for name in VARIABLES}
    environment |= {"HOME": str(keeper), "CREDENTIALS_DIRECTORY": str(keeper / "systemd")}
    with ExitStack() as stack:

        def start(url: str) -> DaemonProcess:
            settings = {
                "sandbox": {"engine": "bubblewrap"},
                "runtimes": {"default_runtime": "claude", "programs_dir": str(home / "programs")},
                "runtimes.profiles.claude": {"default_model": "m", "upstream_url": url},
            }
            return stack.enter_context(DaemonProcess(home, settings, environment=environment))

        yield start


def places_with_marker(daemon: DaemonProcess) -> list[str]:
    """Where outside of the sandbox the marker is that should not have it: log, store, every file, the API."""
    found = [f"log: {line}" for line in daemon.transcript if MARKER in line]
    with closing(sqlite3.connect(daemon.data_dir / "intercom.db")) as store:
        found += [f"store: {statement}" for statement in store.iterdump() if MARKER in statement]
    written = [path for folder in ("data", "groups") for path in (daemon.home / folder).rglob("*") if path.is_file()]
    found += [str(path) for path in written if MARKER.encode() in path.read_bytes() or MARKER in str(path)]
    found += [path for path in TOLD if MARKER.encode() in daemon.client.request("GET", path).body]
    return found


def test_no_secret_is_anywhere_but_on_its_way_to_the_provider(provider: Stubs, start: Start) -> None:
    """The agent looks at every process, every file, its input and the answer; we look at log, store, run logs and API.
    A bait in the group's folder shows that both really look (B-51, B-52)."""
    stub = provider(lambda visit: visit.answer(200))
    daemon = start(stub.url)
    bait = daemon.home / "groups/kitchen/bait"
    bait.parent.mkdir(parents=True)
    bait.write_text(MARKER)

    report = json.loads(daemon.client.ask("kitchen", "look around"))

    assert report["found"] == ["/workspace/group/bait"]
    assert report["status"] == 200
    assert stub.asked.values[0].headers["x-api-key"] == f"{MARKER}environment-ANTHROPIC_API_KEY"
    daemon.client.say("kitchen", "/stop")
    daemon.wait_for_log("run.ended", folder="kitchen")
    assert places_with_marker(daemon) == [str(bait)]


def test_refused_secret_is_named_and_not_shown(provider: Stubs, start: Start) -> None:
    """A provider that answers 401 with what it was given: the chat gets one notice with the credential's place, and
    nothing of the credential, after one request and no storm."""

    def refuse(visit: Visit) -> None:
        key = visit.asked.headers["x-api-key"]
        visit.answer(401, key.encode(), www_authenticate=key)

    stub = provider(refuse)
    daemon = start(stub.url)
    daemon.client.say("kitchen", "look around")
    (notice,) = daemon.client.wait_for_replies("kitchen", 1)
    assert "the provider refused the credential for claude (ANTHROPIC_API_KEY in the environment)" in notice
    assert "/retry" in notice
    assert len(stub.asked.values) == 1
    assert places_with_marker(daemon) == []


def test_missing_credential_is_one_notice_with_the_fix(tmp_path: Path) -> None:
    """Nothing is started, nothing is tried again, and the chat says what to set and where."""
    settings = {"runtimes": {"default_runtime": "claude"}}
    with DaemonProcess(tmp_path, settings, environment={"HOME": str(tmp_path)}) as daemon:
        daemon.client.say("kitchen", "hello")
        (notice,) = daemon.client.wait_for_replies("kitchen", 1)
        (run,) = daemon.client.runs("kitchen")
    assert run["outcome"] == "refused"
    assert "there is no credential for claude: set ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN" in notice
    assert str(tmp_path / ".env") in notice
