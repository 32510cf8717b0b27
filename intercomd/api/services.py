"""What the API is given by the daemon: the store, addresses, and facts to be read without waiting."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from intercomd.api.telegram import TelegramServices
from intercomd.channels.local import LocalChannel
from intercomd.clock import Clock
from intercomd.demarch.tools import DemarchTools
from intercomd.desk.tasks import TaskDesk
from intercomd.desk.why import WhyDesk
from intercomd.domain.leases import Holder
from intercomd.domain.orchestrator import OrchestratorView
from intercomd.domain.preflight import Finding
from intercomd.store.ports import Store
from intercomd.supervision.port import Address
from intercomd.supervision.snapshot import TreeSnapshot


class OrchestratorFacts(Protocol):
    """What the daemon publishes about the orchestrator. `state`: idle, standby, starting, active, draining, failed."""

    @property
    def is_wanted(self) -> bool: ...

    @property
    def state(self) -> str: ...

    @property
    def reason(self) -> str | None: ...


class OperatorDesk(Protocol):
    """Where operators' wishes about the orchestrator are taken. The methods raise `StoreUnavailable`."""

    @property
    def view(self) -> OrchestratorView: ...

    @property
    def owner(self) -> Holder | None:
        """The process that owns the duty by the last look at the store."""
        ...

    @property
    def is_owner(self) -> bool: ...

    def disable(self, who: str, why: str, grace: timedelta | None) -> None:
        """Place a hold, and see it followed; runs in flight may still be finishing."""
        ...

    def enable(self, who: str) -> None:
        """Lift the hold, forget failed starts, and see that followed."""
        ...

    def wait_until_settled(self, timeout_s: float) -> None: ...


class SlotsFacts(Protocol):
    """What the Dispatcher publishes about its slots."""

    @property
    def limit(self) -> int: ...

    @property
    def used(self) -> int: ...

    @property
    def live(self) -> tuple[str, ...]: ...

    @property
    def idle(self) -> tuple[str, ...]: ...

    @property
    def waiting(self) -> int: ...

    @property
    def waiting_tasks(self) -> int: ...

    @property
    def oldest_waiting_since(self) -> datetime | None: ...


class ModelUsage(Protocol):
    """Requests to a model provider, and the tokens they took."""

    @property
    def requests(self) -> int: ...

    @property
    def input_tokens(self) -> int: ...

    @property
    def output_tokens(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Facts:
    """Read on every status request, so none of the callables may block."""

    orchestrator: Callable[[], OrchestratorFacts]
    slots: Callable[[], SlotsFacts]
    is_telegram_enabled: Callable[[], bool]
    runtime_profiles: tuple[str, ...]
    default_runtime: str
    restricts_demarch_writes: bool
    is_scheduler_active: Callable[[], bool]
    model_usage: Callable[[], Mapping[str, ModelUsage]] = dict
    """What each group has asked of models since the process started, by folder."""
    duties: Callable[[], Mapping[str, str]] = dict
    """Each duty that this process can own: `held`, `suspended` or `not held`."""


@dataclass(frozen=True, slots=True)
class Services:
    """`leaves` always run; `orchestrator_leaves` only while the orchestrator is active. Readiness asks both for a
    heartbeat. `started_at` is in seconds of the monotonic clock."""

    store: Store
    commands: Address
    message_loop: Address
    dispatcher: Address
    leaves: Mapping[str, Address]
    orchestrator_leaves: Mapping[str, Address]
    snapshot: Callable[[], TreeSnapshot]
    local: LocalChannel | None
    facts: Facts
    on_groups_changed: Callable[[], None]
    clock: Clock
    started_at: float
    version: str
    bind: str
    desk: OperatorDesk
    preflight: Callable[[], Sequence[Finding]]
    tasks: TaskDesk
    why: WhyDesk
    telegram: TelegramServices | None = None
    demarch: DemarchTools | None = None
    main_folder: str = "main"
