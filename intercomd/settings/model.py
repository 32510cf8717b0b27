"""Every setting there is: name, type, limits, default and meaning, in one place.

The order of sections and keys is the order of `print-config` and of config/intercom.toml.example, which is made from
this module. Names and defaults of server, storage, runtimes, demarch, events, orchestrator and scheduler are those of
the system that intercomd replaces; what is added to them stands after them.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

from msgspec import Meta, Struct, field

from intercomd.settings.retention import Retention
from intercomd.settings.sandbox import AgentKind, Gateway, Sandbox
from intercomd.settings.values import BindAddress, BotToken, PostgresDsn

_UPSTREAM = r"^(https://[^\s/?#@]+|http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?)(/[^\s?#]*)?$"
_NOT_BLANK = {"allowed": "must be text that is not blank"}


class LogLevel(StrEnum):
    """The least severe event that is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Server(Struct, frozen=True, kw_only=True):
    """The HTTP API."""

    bind: Annotated[
        BindAddress,
        Meta(
            description="Where the API listens: HOST:PORT, [IPV6]:PORT or unix:PATH. Port 0 takes any free one. "
            "Other than a loopback address or a unix socket needs api_token_file. "
            "The environment variable INTERCOMD_BIND wins over this, --bind over both.",
        ),
    ] = BindAddress.parse("127.0.0.1:7340")
    request_timeout_ms: Annotated[
        int, Meta(ge=100, le=600_000, description="How long a client may take to send its request.")
    ] = 30_000
    max_body_bytes: Annotated[
        int, Meta(ge=1_024, le=64 * 1024 * 1024, description="The largest request body that is accepted.")
    ] = 1_048_576
    host_callback_url: Annotated[
        str,
        Meta(
            description="The host's callback server, for channels that live there. "
            "The environment variable HOST_CALLBACK_URL wins over this.",
        ),
    ] = "http://127.0.0.1:7341"
    api_token_file: Annotated[
        Path | None,
        Meta(
            description="A file with the token that clients must show when the API is reachable from elsewhere.",
            examples=["config/api-token"],
        ),
    ] = None
    threads: Annotated[int, Meta(ge=1, le=64, description="Requests that are worked on at the same time.")] = 8


class Storage(Struct, frozen=True, kw_only=True):
    """Where things are kept. Relative paths start at the working directory."""

    postgres_dsn: Annotated[
        PostgresDsn | None,
        Meta(
            description="The Postgres database to keep everything in; without it the embedded SQLite store is used. "
            "The environment variable INTERCOM_POSTGRES_DSN wins over this and keeps the password out of the file.",
            examples=["postgresql://intercom@127.0.0.1:5432/intercom"],
        ),
    ] = None
    sqlite_legacy_path: Annotated[
        Path, Meta(description="The SQLite file of the system that intercomd replaces; only ever read.")
    ] = Path("store/messages.db")
    groups_dir: Annotated[Path, Meta(description="The groups' working folders, one below it for each group.")] = Path(
        "groups"
    )
    sqlite_path: Annotated[Path, Meta(description="The embedded store's database file.")] = Path("data/intercom.db")
    data_dir: Annotated[
        Path, Meta(description="Everything else the daemon writes: IPC files, run logs, locks, its own address.")
    ] = Path("data")


class Profile(Struct, frozen=True, kw_only=True):
    """An agent program with its provider, its model and the secrets it needs. `[runtimes.profiles.NAME]`."""

    provider: Annotated[str, Meta(description="Who serves the model; shown to people.")] = ""
    default_model: Annotated[str, Meta(description="The model of groups that have not chosen one.")] = ""
    required_env: Annotated[
        tuple[str, ...],
        Meta(
            description="Environment variables that must be set when this is the default runtime. Not looked at for "
            "claude, codex and gemini, whose credentials have more than one form: docs/gateway.md."
        ),
    ] = ()
    upstream_url: Annotated[
        Annotated[str, Meta(pattern=_UPSTREAM)] | None,
        Meta(
            extra={"allowed": "must be https://HOST[:PORT][/PATH], or http:// on this machine"},
            description="Where the model provider answers when it is not the provider itself: a proxy of yours, or a "
            "model on this machine. The provider's own paths are appended. For claude, codex and gemini.",
            examples=["http://127.0.0.1:8080"],
        ),
    ] = None
    image: Annotated[
        str,
        Meta(
            pattern=r"^([A-Za-z0-9][\w./:@-]*)?$",
            extra={"allowed": "must be the name of an image"},
            description="The image of its containers, for podman and docker. Empty, it is intercom-agent:latest for "
            "claude and echo, and intercom-agent-NAME:latest for others.",
        ),
    ] = ""
    agent: Annotated[
        AgentKind,
        Meta(
            description="own is intercomd's agent program. legacy runs an image of the system that intercomd replaces, "
            "as it is, in podman or docker: with its credential inside and a network. docs/images.md."
        ),
    ] = AgentKind.OWN


def _default_profiles() -> Mapping[str, Profile]:
    profiles = {
        "claude": Profile(
            provider="anthropic", default_model="claude-opus-4-6", required_env=("CLAUDE_CODE_OAUTH_TOKEN",)
        ),
        "codex": Profile(
            provider="openai",
            default_model="gpt-5.3-codex",
            required_env=(
                "CODEX_OAUTH_ACCESS_TOKEN",
                "CODEX_OAUTH_REFRESH_TOKEN",
                "CODEX_OAUTH_ID_TOKEN",
                "CODEX_OAUTH_ACCOUNT_ID",
            ),
        ),
        "echo": Profile(provider="none", default_model="echo"),
        "gemini": Profile(
            provider="code-assist",
            default_model="gemini-3.1-pro",
            required_env=("GEMINI_REFRESH_TOKEN", "GEMINI_OAUTH_CLIENT_ID", "GEMINI_OAUTH_CLIENT_SECRET"),
        ),
    }
    return MappingProxyType(profiles)


class Runtimes(Struct, frozen=True, kw_only=True):
    """The agent programs."""

    preserve_legacy_runtime_ids: Annotated[
        bool, Meta(description="Keep the runtime names of the system that intercomd replaces.")
    ] = True
    default_runtime: Annotated[
        str, Meta(description="The profile of groups that have not chosen one; echo repeats what it is told.")
    ] = "claude"
    programs_dir: Annotated[
        Path | None,
        Meta(
            description="The folder that scripts/agents installed claude, codex and gemini into, for bubblewrap and "
            "process. Without it they are looked for where the system has its programs; images bring their own.",
            examples=[".cache/agents"],
        ),
    ] = None
    profiles: Annotated[
        Mapping[str, Profile],
        Meta(description="The known runtimes. Giving any profile replaces the whole list."),
    ] = field(default_factory=_default_profiles)


class Demarch(Struct, frozen=True, kw_only=True):
    """Access of agents to the Demarch command-line tools."""

    enabled: Annotated[bool, Meta(description="Let agents use the tools.")] = True
    require_main_group_for_writes: Annotated[bool, Meta(description="Only the main group may change things.")] = True
    read_allowlist: Annotated[
        tuple[str, ...], Meta(description="Reading commands that are allowed, word for word.")
    ] = (
        "ic run current --json",
        "ic run status --json",
        "ic run phase --json",
        "ic run artifact list --json",
        "ic run artifact get --json",
        "ic events tail --consumer=intercom --json",
        "bd list --json",
        "bd ready --json",
        "bd show --json",
    )
    write_allowlist: Annotated[
        tuple[str, ...], Meta(description="Changing commands that are allowed, word for word.")
    ] = (
        "bd create --json",
        "bd update --json",
        "bd close --json",
        "ic gate override --json",
        "ic run create --json",
    )
    read_groups: Annotated[
        tuple[str, ...],
        Meta(
            description="Folders of groups whose agents may use the reading tools, beside the main group's; * stands "
            "for all groups."
        ),
    ] = ()


class Events(Struct, frozen=True, kw_only=True):
    """Notices about events of the Demarch tools."""

    enabled: Annotated[bool, Meta(description="Watch for events and tell a chat about them.")] = False
    poll_interval_ms: Annotated[int, Meta(ge=100, le=3_600_000, description="The pause between two looks.")] = 1_000
    batch_size: Annotated[int, Meta(ge=1, le=1_000, description="Events taken in one look.")] = 20
    notification_jid: Annotated[str | None, Meta(description="The chat that is told.", examples=["tg:-1001234"])] = None


class Orchestrator(Struct, frozen=True, kw_only=True):
    """The part that answers: message loop, dispatcher, queues and runs."""

    enabled: Annotated[
        bool, Meta(description="Answer chats. Without it messages are stored and nobody answers them.")
    ] = False
    max_concurrent_containers: Annotated[
        int, Meta(ge=1, le=256, description="Sandboxes that may run at the same time.")
    ] = 3
    poll_interval_ms: Annotated[
        int,
        Meta(ge=100, le=3_600_000, description="The longest a stored request waits when nobody announced it."),
    ] = 1_000
    idle_timeout_ms: Annotated[
        int, Meta(ge=1_000, le=86_400_000, description="How long a sandbox waits for a further text before it closes.")
    ] = 300_000
    main_group_folder: Annotated[str, Meta(description="The folder of the group that may command the others.")] = "main"
    grace_ms: Annotated[
        int,
        Meta(ge=0, le=3_600_000, description="How long a stop lets runs finish before it ends them."),
    ] = 30_000
    lease_ms: Annotated[
        int,
        Meta(ge=300, le=600_000, description="How long an owner may be silent before another process takes over."),
    ] = 15_000


class Scheduler(Struct, frozen=True, kw_only=True):
    """Scheduled tasks; works only with the orchestrator."""

    enabled: Annotated[bool, Meta(description="Run scheduled tasks when they are due.")] = False
    poll_interval_ms: Annotated[
        int, Meta(ge=100, le=3_600_000, description="The longest a due task waits when nobody announced it.")
    ] = 10_000
    timezone: Annotated[
        str, Meta(description="The IANA time zone of cron schedules and of the clock in sandboxes.")
    ] = "UTC"


class Assistant(Struct, frozen=True, kw_only=True):
    """Who the assistant is."""

    name: Annotated[
        str,
        Meta(
            pattern=r"\S",
            extra=_NOT_BLANK,
            description="Its name, and with @ before it the default trigger. "
            "The environment variable ASSISTANT_NAME wins over this.",
        ),
    ] = "Amtiskaw"


class LocalChannel(Struct, frozen=True, kw_only=True):
    """Chats in the terminal, through `intercomd chat`."""

    enabled: Annotated[bool, Meta(description="Take and deliver texts of local chats.")] = True
    auto_register: Annotated[
        bool, Meta(description="Register a local chat as a group when it is first written to.")
    ] = False


class TelegramChannel(Struct, frozen=True, kw_only=True):
    """Chats at Telegram: texts come in through the host and leave through the Bot API, when there is a token."""

    bot_token: Annotated[
        BotToken | None,
        Meta(
            description="The bot's token; without it the host delivers. The environment variable TELEGRAM_BOT_TOKEN "
            "wins over this and keeps the token out of the file; a file .env in the working directory may set it too.",
            examples=["123456:ABC-DEF"],
        ),
    ] = None
    api_url: Annotated[
        str,
        Meta(
            pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$",
            extra={"allowed": "must be https://HOST or http://HOST:PORT"},
            description="Where the Bot API answers; another one than Telegram's own is a server of yours.",
        ),
    ] = "https://api.telegram.org"


class Channels(Struct, frozen=True, kw_only=True):
    """Transports to people."""

    local: LocalChannel = LocalChannel()
    telegram: TelegramChannel = TelegramChannel()


class Outbox(Struct, frozen=True, kw_only=True):
    """Texts on their way to people."""

    expire_hours: Annotated[
        int, Meta(ge=1, le=8_760, description="A text that could not be delivered so long fails.")
    ] = 24
    resend_unknown: Annotated[
        bool,
        Meta(
            description="Send a text again, marked as a possible duplicate, when it is unknown whether it arrived. "
            "Without it such a text is given up.",
        ),
    ] = True


class Log(Struct, frozen=True, kw_only=True):
    """The log on standard error."""

    level: Annotated[LogLevel, Meta(description="The least severe event that is logged.")] = LogLevel.INFO


class Commands(Struct, frozen=True, kw_only=True):
    """Who may use which slash commands in a chat."""

    operators: Annotated[
        tuple[str, ...],
        Meta(
            description="Senders, as the channel numbers them, who may use the restricted commands; "
            "without any, everybody in a registered chat may.",
            examples=[["123456789"]],
        ),
    ] = ()
    restricted: Annotated[
        tuple[str, ...], Meta(description="The commands that are for operators, without the slash.")
    ] = ("model", "reset", "new", "network")


class Settings(Struct, frozen=True, kw_only=True):
    """Everything intercomd can be told, checked and complete."""

    server: Server = Server()
    storage: Storage = Storage()
    runtimes: Runtimes = Runtimes()
    demarch: Demarch = Demarch()
    events: Events = Events()
    orchestrator: Orchestrator = Orchestrator()
    scheduler: Scheduler = Scheduler()
    assistant: Assistant = Assistant()
    sandbox: Sandbox = Sandbox()
    gateway: Gateway = Gateway()
    channels: Channels = Channels()
    commands: Commands = Commands()
    outbox: Outbox = Outbox()
    retention: Retention = Retention()
    log: Log = Log()
