"""The JSON of our own resources, for `/openapi.json`; the answers themselves are written by `views.py` and its kin.

Answers may have further fields. The shapes of `/v1/db/*` are in `wire/shapes.py`.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from intercomd.domain.chat import Network
from intercomd.supervision.snapshot import NodeSnapshot


class Problem(Struct):
    """What went wrong (RFC 9457). `field` names a wrong value, `error_id` finds a defect in the log, `error` is the
    operation's label in 5xx answers of `/v1/db/*`."""

    type: str
    title: str
    status: int
    detail: str | None = None
    field: str | None = None
    error_id: str | None = None
    error: str | None = None


class Live(Struct):
    """The process takes requests."""

    status: Literal["ok"]


class Health(Struct):
    """The process, and what the supervision tree complains about."""

    status: Literal["ok", "degraded"]
    service: str
    version: str
    uptime_seconds: int
    bind: str
    problems: list[str]


class Ready(Struct):
    """Whether the daemon does what it is set to do."""

    status: Literal["ready", "not_ready"]
    runtime_profiles: int
    demarch_writes_restricted_to_main: bool
    telegram_bridge_enabled: bool
    postgres_connected: bool
    orchestrator_enabled: bool
    registered_groups: int
    active_containers: int
    orchestrator_state: str


class Tree(Struct):
    """The supervision tree."""

    nodes: list[NodeSnapshot]
    zombies: list[str]
    progress_age_s: float


class OrchestratorStatus(Struct):
    """Wish and fact."""

    is_wanted: bool
    state: str
    reason: str | None


class SlotsStatus(Struct):
    """Slots, and how many groups wait for one: with requests, and with scheduled tasks."""

    limit: int
    used: int
    live: list[str]
    idle: list[str]
    waiting: int
    waiting_tasks: int
    oldest_waiting_since: str | None


class FailedRun(Struct):
    """A run that failed lately."""

    run_id: str
    folder: str
    outcome: str | None
    ended_at: str | None
    error: str | None


class Event(Struct):
    """A decision."""

    at: str
    code: str
    folder: str | None
    run_id: str | None
    detail: str


class StoreStatus(Struct):
    """What the store holds."""

    engine: str
    groups: int
    pending_groups: int
    outbox_waiting: int
    live_runs: int
    failed_runs: list[FailedRun]
    events: list[Event]


class GroupUsage(Struct):
    """What a group has asked of its model since the process started."""

    folder: str
    requests: int
    input_tokens: int
    output_tokens: int


class Status(Struct):
    """Everything on one screen; `store` is null, with the reason, while it is away."""

    service: str
    version: str
    uptime_seconds: int
    bind: str
    orchestrator: OrchestratorStatus
    duties: dict[str, str]
    slots: SlotsStatus
    model_usage: list[GroupUsage]
    problems: list[str]
    tree: Tree
    store: StoreStatus | None
    store_error: str | None


class HoldShape(Struct):
    """An operator's wish to keep the orchestrator idle."""

    who: str
    why: str
    placed_at: str
    drain_ms: int | None


class OwnerShape(Struct):
    """Who may dispatch."""

    pid: int
    is_this_daemon: bool


class OrchestratorShape(Struct):
    """Wanted, actual, and why they differ."""

    is_enabled: bool
    is_wanted: bool
    state: str
    reason: str | None
    state_age_s: float
    hold: HoldShape | None
    owner: OwnerShape | None
    runs: int


class FindingShape(Struct):
    """One check of the pre-flight."""

    name: str
    is_ok: bool
    evidence: str


class PreflightShape(Struct):
    """Whether the orchestrator could be switched on."""

    is_ok: bool
    checks: list[FindingShape]


class GroupShape(Struct):
    """A registered chat with its numbers."""

    jid: str
    name: str
    folder: str
    trigger: str
    requires_trigger: bool
    runtime: str | None
    model: str | None
    network: Network
    added_at: str | None
    last_seq: int
    last_request_seq: int
    settled_seq: int
    context_seq: int
    generation: int
    has_pending: bool
    attempts: int
    waiting_since: str | None
    not_before: str | None


class GroupList(Struct):
    """All groups."""

    groups: list[GroupShape]


class SandboxShape(Struct):
    """The process of a run."""

    engine: str
    name: str
    pid: int


class RunShape(Struct):
    """One run; without `outcome` it is live."""

    run_id: str
    folder: str
    chat_jid: str
    outcome: str | None
    error: str | None
    attempt: int
    has_effects: bool
    epoch: int
    generation: int
    runtime: str | None
    model: str | None
    opened_at: str
    started_at: str | None
    first_frame_at: str | None
    ended_at: str | None
    sandbox: SandboxShape | None
    log_path: str | None


class RunList(Struct):
    """Runs, newest first."""

    runs: list[RunShape]


class AttachmentShape(Struct):
    """A file that a text stands for; `size` is in bytes."""

    name: str
    size: int


class OutboxText(Struct):
    """A text on its way, or with an `attachment` the file that it names."""

    outbox_id: str
    chat_jid: str
    channel: str
    position: int
    kind: str
    text: str
    state: Literal["pending", "sending", "sent", "failed", "unknown"]
    attempts: int
    is_repeat: bool
    run_id: str | None
    created_at: str
    not_before: str | None
    expires_at: str
    channel_ids: list[str]
    attachment: AttachmentShape | None
    error: str | None


class OutboxList(Struct):
    """Texts, newest first."""

    texts: list[OutboxText]


class SwitchModelFields(Struct):
    """The agent from now on."""

    model_id: str
    runtime: str


class SwitchModelEffect(Struct):
    """Another model was chosen."""

    SwitchModel: SwitchModelFields


class CommandAnswer(Struct):
    """What a slash command says and what it did."""

    text: str
    parse_mode: str | None = None
    effects: list[Literal["KillContainer", "ClearSession", "RetryLast"] | SwitchModelEffect] = []


class Profiles(Struct):
    """Which runtimes are configured."""

    default_runtime: str
    profiles: list[str]


class ChatShape(Struct):
    """A local chat."""

    jid: str
    name: str
    last_seq: int
    last_message_at: str | None


class ChatList(Struct):
    """Local chats, newest message first."""

    chats: list[ChatShape]


class Stored(Struct):
    """What was made of a text."""

    jid: str
    seq: int
    kind: Literal["request", "context", "command", "bot"]
    is_new: bool
    folder: str | None


class MessageShape(Struct):
    """A message of a local chat."""

    seq: int
    id: str
    sender_name: str
    text: str
    kind: str
    sent_at: str
    stored_at: str


class LiveShape(Struct):
    """A reply that is being written."""

    text: str
    tool: str | None


class UpdatesShape(Struct):
    """News of a chat."""

    messages: list[MessageShape]
    live: LiveShape | None
    live_version: int
    last_seq: int
