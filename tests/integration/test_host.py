"""The host as a process: alone, told to leave orchestrating to the daemon, and beside one on the same store."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Event

import pytest

from tests.support.daemon import DaemonProcess, Settings
from tests.support.daemon_client import DaemonClient
from tests.support.fake_host import Drop, FakeHost, Refuse, Wait
from tests.support.host import HostProcess

pytestmark = pytest.mark.full

CHATS = 5
TEXTS_PER_CHAT = 100
SLOTS = 2 * CHATS


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


@pytest.fixture
def make_host(tmp_path: Path, stack: ExitStack) -> Callable[..., HostProcess]:
    """Makes hosts that are not started yet; what runs at the end is ended, and a failed test shows what they logged."""

    def make(settings: Settings | None = None, **environment: str) -> HostProcess:
        made = HostProcess(tmp_path, settings, environment=environment)
        stack.callback(lambda: print(*made.transcript, sep="\n"))
        stack.callback(made.close)
        return made

    return make


@pytest.fixture
def fake_host(stack: ExitStack) -> FakeHost:
    """The existing Node host, with WhatsApp."""
    return stack.enter_context(FakeHost())


@pytest.fixture
def make_daemon(tmp_path: Path, stack: ExitStack, fake_host: FakeHost) -> Callable[..., DaemonProcess]:
    """Makes daemons, not started yet, that reach the fake host, in the same home as the hosts."""

    def make(orchestrator: dict[str, object] | None = None) -> DaemonProcess:
        made = DaemonProcess(tmp_path, settings_of_both(fake_host, orchestrator))
        stack.callback(lambda: print(*made.transcript, sep="\n"))
        stack.callback(made.close)
        return made

    return make


def settings_of_both(fake_host: FakeHost, orchestrator: dict[str, object] | None = None) -> Settings:
    return {
        "server": {"bind": "127.0.0.1:0", "host_callback_url": fake_host.url},
        "orchestrator": {"enabled": True, "lease_ms": 3_000, "grace_ms": 5_000, **(orchestrator or {})},
    }


def register(client: DaemonClient, jid: str, folder: str) -> None:
    client.post("/v1/groups", {"jid": jid, "folder": folder, "requires_trigger": False})


def write(client: DaemonClient, jid: str, text: str) -> None:
    """What a channel that lives in the host stores when somebody writes there."""
    client.post(
        "/v1/db/messages",
        {
            "id": text,
            "chat_jid": jid,
            "sender": "u",
            "sender_name": "Uma",
            "content": text,
            "timestamp": "2026-11-22T12:00:00.000Z",
        },
    )


def orchestrator_of(client: DaemonClient) -> dict[str, object]:
    found: dict[str, object] = client.get("/v1/status")["orchestrator"]
    return found


# -- alone --------------------------------------------------------------------------------------------


def test_host_answers_chats_by_itself(make_host: Callable[..., HostProcess]) -> None:
    """Without the toggle it orchestrates, whatever the settings say about the daemon, and its callback server shows
    a text that comes twice once (hazard B-113)."""
    host = make_host({"orchestrator": {"enabled": False}}).start()
    assert host.client.ask("kitchen", "hello") == "hello"
    assert host.callback.get("/healthz") == {"status": "ok", "service": "intercom-host"}
    assert list(host.callback.get("/v1/ipc/registered-groups")) == ["local:kitchen"]
    for _ in range(2):
        body = {"chat_jid": "local:kitchen", "text": "from elsewhere", "outbox_id": "x-1"}
        assert host.callback.post("/v1/ipc/send-message", body) == {"status": "ok"}
    host.callback.post("/v1/ipc/send-message", {"chat_jid": "local:kitchen", "text": "the end"})
    assert host.client.wait_for_replies("kitchen", 3) == ["hello", "from elsewhere", "the end"]
    assert host.terminate() == 0
    assert not (host.data_dir / "host.json").exists()


@pytest.mark.parametrize("place", ["environment", "dotenv"])
def test_host_leaves_orchestrating_to_the_daemon(make_host: Callable[..., HostProcess], place: str) -> None:
    """`true` in either place: one line says so, nobody answers, and channel and callback server stay."""
    host = make_host(**({"RUST_ORCHESTRATOR": "true"} if place == "environment" else {}))
    if place == "dotenv":
        (host.home / ".env").write_text("RUST_ORCHESTRATOR='true'\n")
    host.start()
    host.client.say("kitchen", "hello")
    body = {"chat_jid": "local:kitchen", "text": "from elsewhere"}
    assert host.callback.post("/v1/ipc/send-message", body) == {"status": "ok"}
    assert host.client.wait_for_replies("kitchen", 1) == ["from elsewhere"]
    assert orchestrator_of(host.client)["state"] == "idle"
    assert host.terminate() == 0
    (skipped,) = host.log.events("host.orchestrator_skipped")
    assert skipped.fields["source"] == ("the environment" if place == "environment" else ".env")
    assert not host.log.events("lease.taken", duty="dispatch")
    assert not host.log.events("run.started")


@pytest.mark.parametrize("value", ["True", "1", "yes", " true"])
def test_near_miss_of_the_toggle_warns_and_changes_nothing(
    make_host: Callable[..., HostProcess], value: str
) -> None:
    """The line has the value and what was expected; the host orchestrates, and the daemon's lease would stop it."""
    host = make_host(RUST_ORCHESTRATOR=value).start()
    warning = host.wait_for_log("host.toggle_not_understood")
    assert warning.fields["RUST_ORCHESTRATOR"] == value
    assert "exactly true" in str(warning.fields["expected"])
    host.wait_for_log("orchestrator.state", state="active")
    assert not host.log.events("host.orchestrator_skipped")


def test_host_refuses_a_port_that_is_none(make_host: Callable[..., HostProcess]) -> None:
    """A configuration error ends it with 78 and says where it is, a taken port with 75."""
    host = make_host(HOST_CALLBACK_PORT="http")
    host.launch()
    host.log.wait_for_line("HOST_CALLBACK_PORT = http")
    assert host.wait_for_exit() == 78
    with FakeHost() as other:
        host = make_host(HOST_CALLBACK_PORT=str(other.port))
        host.launch()
        assert host.wait_for_exit() == 75


# -- beside a daemon ----------------------------------------------------------------------------------


def test_daemon_delivers_to_the_host_what_is_not_its_own(
    make_daemon: Callable[..., DaemonProcess], fake_host: FakeHost
) -> None:
    """WhatsApp and, without a token, Telegram go through the callback, each in order, and what was refused or never
    written comes again (hazards B-39, B-85)."""
    daemon = make_daemon().start()
    for jid, folder in (("120@g.us", "family"), ("tg:-7", "club")):
        register(daemon.client, jid, folder)
        fake_host.script(Refuse(500, f"No channel for JID: {jid}"))
        write(daemon.client, jid, f"to {folder}")
        write(daemon.client, jid, f"!twice more to {folder}")
        texts = fake_host.wait_for_texts(jid, 2)
        assert texts[-1] == f"more to {folder}"
        fake_host.wait_for_texts(jid, len(daemon.client.get(f"/v1/outbox?chat={jid}")["texts"]))
    port = fake_host.port
    fake_host.close()
    write(daemon.client, "120@g.us", "while away")
    daemon.wait_for_log("host_bridge.host_away")
    with FakeHost(port) as again:
        assert again.wait_for_texts("120@g.us", 1) == ["while away"]
        daemon.wait_for_log("host_bridge.host_back")


def test_text_whose_answer_was_lost_comes_again_with_its_id(
    make_daemon: Callable[..., DaemonProcess], fake_host: FakeHost
) -> None:
    """The host may have shown it: the second one is marked and has the same id, so a host that knows ids shows one."""
    daemon = make_daemon().start()
    register(daemon.client, "120@g.us", "family")
    fake_host.script(Drop(shows=True))
    write(daemon.client, "120@g.us", "hello")
    assert fake_host.wait_for_texts("120@g.us", 2) == ["hello", "(may be a duplicate)\nhello"]
    assert len({body["outbox_id"] for body in fake_host.shown}) == 1


def test_stop_waits_for_the_answer_to_a_text(
    make_daemon: Callable[..., DaemonProcess], fake_host: FakeHost
) -> None:
    """A text on its way when the daemon is told to end gets its outcome, and the next daemon does not send it again."""
    daemon = make_daemon().start()
    register(daemon.client, "120@g.us", "family")
    answered = Event()
    fake_host.script(Wait(answered))
    write(daemon.client, "120@g.us", "hello")
    fake_host.wait_for_texts("120@g.us", 1)
    daemon.send_signal(signal.SIGTERM)
    daemon.wait_for_log("daemon.waits_for_texts", texts=1)
    answered.set()
    assert daemon.wait_for_exit() == 0
    daemon.start()
    (sent,) = daemon.client.get("/v1/outbox?chat=120@g.us")["texts"]
    assert sent["state"] == "sent"
    write(daemon.client, "120@g.us", "again")
    assert fake_host.wait_for_texts("120@g.us", 2) == ["hello", "again"]


def test_each_says_what_it_leaves_to_the_other(
    make_host: Callable[..., HostProcess], make_daemon: Callable[..., DaemonProcess], fake_host: FakeHost
) -> None:
    """On one store one dispatches and one delivers; the other's status and readiness say why it does not
    (hazard B-112)."""
    host = make_host(settings_of_both(fake_host)).start()
    host.wait_for_log("orchestrator.state", state="active")
    daemon = make_daemon().start()
    assert orchestrator_of(daemon.client)["state"] == "standby"
    assert daemon.client.request("GET", "/readyz").status == 503
    assert daemon.client.ask("kitchen", "hello") == "hello"
    assert host.client.get("/v1/status")["duties"] == {"dispatch": "held", "ipc": "held", "channel:local": "held"}
    assert daemon.client.get("/v1/status")["duties"] == {
        "dispatch": "not held",
        "ipc": "not held",
        "channel:local": "not held",
        "channel:telegram": "held",
        "channel:whatsapp": "held",
    }
    assert host.terminate() == 0
    daemon.wait_for_log("orchestrator.state", state="active")
    assert daemon.client.ask("kitchen", "hello again") == "hello again"


def test_thousand_replies_are_sent_once_each(
    make_host: Callable[..., HostProcess],
    make_daemon: Callable[..., DaemonProcess],
    fake_host: FakeHost,
) -> None:
    """Half in local chats, half through the bridge, while the host that dispatches is killed, comes back, and is
    stopped: no reply is lost, doubled or out of order (hazards B-39, B-66, B-84, B-85, B-112)."""
    slots: dict[str, object] = {"max_concurrent_containers": SLOTS}
    host = make_host(settings_of_both(fake_host, slots)).start()
    host.wait_for_log("orchestrator.state", state="active")
    daemon = make_daemon(slots).start()
    client = daemon.client
    rooms = [f"room{number}" for number in range(CHATS)]
    families = [f"{number}@g.us" for number in range(CHATS)]
    for number, jid in enumerate(families):
        register(client, jid, f"family{number}")

    def talk_here(room: str, texts: range) -> None:
        for number in texts:
            assert client.ask(room, f"{room}-{number}") == f"{room}-{number}"

    def talk_there(jid: str, texts: range) -> None:
        for number in texts:
            write(client, jid, f"{jid}-{number}")
            fake_host.wait_for_texts(jid, number + 1)

    def talk_everywhere(texts: range, meanwhile: Callable[[], object]) -> None:
        with ThreadPoolExecutor(SLOTS) as people:
            talks = [people.submit(talk_here, room, texts) for room in rooms]
            talks += [people.submit(talk_there, jid, texts) for jid in families]
            meanwhile()
            for talk in talks:
                talk.result()

    def kill() -> None:
        host.wait_for_log("run.started", count=SLOTS)
        host.kill()

    third = TEXTS_PER_CHAT // 3
    talk_everywhere(range(third), meanwhile=kill)
    talk_everywhere(range(third, 2 * third), meanwhile=host.start)
    talk_everywhere(range(2 * third, TEXTS_PER_CHAT), meanwhile=host.terminate)

    for jid in families:
        assert fake_host.wait_for_texts(jid, 0) == [f"{jid}-{number}" for number in range(TEXTS_PER_CHAT)]
    for room in rooms:
        assert client.replies(room) == [f"{room}-{number}" for number in range(TEXTS_PER_CHAT)]
        assert {row["state"] for row in client.outbox(room)} == {"sent"}
    ids = Counter(body["outbox_id"] for body in fake_host.asked)
    assert set(ids.values()) == {1}
