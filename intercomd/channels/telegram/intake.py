"""Takes in what people write on Telegram, as the host hands it over (`POST /v1/telegram/ingress`).

Everything is stored, whatever it is (hazard B-93): whether a text asks for an answer is decided with the store's one
rule (`domain/intake.py`), and the verdict for the host is read off the same rule (hazard B-103).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from intercomd.channels.port import ChannelStore, Mailbox
from intercomd.clock import Clock
from intercomd.domain.chat import Group, IncomingMessage, MessageKind
from intercomd.domain.ids import ChatJid
from intercomd.domain.mailbox import ChatStored, CommandStored
from intercomd.domain.trigger import matches_trigger, needs_trigger

UNREGISTERED = "unregistered_group"
TRIGGER_REQUIRED = "trigger_required"
_UNKNOWN_MODEL = "unknown"


@dataclass(frozen=True, slots=True)
class TelegramText:
    """A text as the host describes it; `chat_type` is Telegram's own word."""

    chat_jid: ChatJid
    chat_name: str | None
    chat_type: str | None
    message_id: str
    sender_id: str
    sender_name: str
    content: str
    sent_at: datetime


@dataclass(frozen=True, slots=True)
class AgentChoice:
    """The runtime and model that a group's next run takes, and how they were found."""

    runtime: str
    model: str
    is_fallback_runtime: bool
    is_fallback_model: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the host is told: `reason` is None when the text was accepted; `group` and `agent` are None in a chat that
    is not registered."""

    reason: str | None
    group: Group | None
    agent: AgentChoice | None
    is_trigger_required: bool
    is_trigger_present: bool


@dataclass(frozen=True, slots=True)
class IntakeRules:
    """`models`: the default model of every runtime profile."""

    assistant_name: str
    main_folder: str
    default_runtime: str
    models: Mapping[str, str]


class TelegramIntake:
    """Safe to use from any thread."""

    def __init__(
        self, store: ChannelStore, rules: IntakeRules, message_loop: Mailbox, commands: Mailbox, clock: Clock
    ) -> None:
        self._store = store
        self._rules = rules
        self._message_loop = message_loop
        self._commands = commands
        self._clock = clock

    def receive(self, text: TelegramText) -> Verdict:
        """Store it, hint whoever acts on it, and judge it. The same message id again stores nothing twice; raises
        `StoreUnavailable`, so that a broken store is never taken for a refusal (hazard B-94)."""
        stored = self._store.chats.ingest(
            IncomingMessage(
                chat_jid=text.chat_jid,
                external_id=text.message_id,
                sender=text.sender_id,
                sender_name=text.sender_name,
                content=text.content,
                sent_at=text.sent_at,
                chat_name=text.chat_name,
                is_group=text.chat_type != "private",
            ),
            self._clock.now(),
        )
        if stored.kind is MessageKind.COMMAND:
            self._commands.hint(CommandStored(text.chat_jid, stored.seq))
        else:
            self._message_loop.hint(ChatStored(text.chat_jid))
        progress = self._store.groups.find_by_jid(text.chat_jid)
        is_request = stored.kind is MessageKind.REQUEST
        return self._judge(None if progress is None else progress.group, text.content, is_request=is_request)

    def _judge(self, group: Group | None, content: str, *, is_request: bool) -> Verdict:
        """A request without the trigger answers the agent's question."""
        if group is None:
            return Verdict(UNREGISTERED, None, None, False, False)
        is_required = needs_trigger(group, self._rules.main_folder)
        is_present = not is_required or matches_trigger(group, content, self._rules.assistant_name)
        reason = None if is_present or is_request else TRIGGER_REQUIRED
        return Verdict(reason, group, self._choose(group), is_required, is_present)

    def _choose(self, group: Group) -> AgentChoice:
        rules = self._rules
        wanted = group.runtime or rules.default_runtime
        known = [name for name in (wanted, rules.default_runtime, *sorted(rules.models)) if name in rules.models]
        runtime = known[0] if known else wanted
        model = group.model or rules.models.get(runtime) or _UNKNOWN_MODEL
        return AgentChoice(runtime, model, runtime != wanted, group.model is None)
