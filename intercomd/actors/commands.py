"""Slash commands: reads the chat's facts, answers, and applies the effects before the answer goes out.

Owns:      nothing that matters: a command is in the store until its reply is.
Never:     touches a sandbox (it tells the Dispatcher), asks anybody but SessionStore.
Talks to:  SessionStore (ask), Dispatcher, MessageLoop, Outbox, Scheduler (hint); asked by the API.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from intercomd.actors.group_commands import network_reply
from intercomd.actors.task_commands import TaskCommands, TaskReply
from intercomd.clock import Clock
from intercomd.desk.groups import GroupDesk
from intercomd.desk.why import WhyDesk
from intercomd.domain.chat import ChatMessage, GroupProgress, IncomingMessage
from intercomd.domain.commands import (
    NETWORK,
    NOT_REGISTERED,
    TASK_NAMES,
    WHY,
    ChatFacts,
    ClearSession,
    CommandResult,
    KillContainer,
    RetryLast,
    SwitchModel,
    answer,
    parse_command,
)
from intercomd.domain.ids import ChatJid, Folder, OutboxId, Seq
from intercomd.domain.mailbox import (
    CancelGroup,
    ChatStored,
    CommandReply,
    CommandStored,
    GroupCancelled,
    Heartbeat,
    OutboxFilled,
    Poll,
    RetryGroup,
    SessionOf,
)
from intercomd.domain.markdown import MARKDOWN
from intercomd.domain.outbox import NewText, TextKind
from intercomd.domain.rights import CommandPolicy, Requester
from intercomd.errors import ActorUnavailable, AskTimeout, MailboxFull, NotFound, StoreUnavailable
from intercomd.logs import EventLog
from intercomd.store.ports import Session, Store
from intercomd.store.task_ports import Answer
from intercomd.supervision.port import Address, Context

_ASK = timedelta(seconds=1.5)
_SWEEP_INTERVAL = timedelta(seconds=30)
_SWEEP_SOON = timedelta(seconds=1)
_SWEEP_LIMIT = 100
_API = "API"
_NOTHING_TO_RETRY = CommandResult("There is nothing to retry.")
_log = EventLog("commands")


@dataclass(frozen=True, slots=True)
class CommandParts:
    """What Commands is given. `is_orchestrating`: whether this process runs the agents at this moment."""

    store: Store
    sessions: Address
    dispatcher: Address
    message_loop: Address
    outbox: Address
    assistant_name: str
    default_model: str
    new_id: Callable[[str], str]
    clock: Clock
    tasks: TaskCommands
    groups: GroupDesk
    main_folder: str
    policy: CommandPolicy
    why: WhyDesk
    is_orchestrating: Callable[[], bool] = lambda: True


class Commands:
    """See the module's text. A sweep at start and twice a minute answers commands whose hint was lost."""

    def __init__(self, parts: CommandParts, context: Context) -> None:
        self._parts = parts
        self._context = context
        self._started = parts.clock.monotonic()

    def on_start(self) -> None:
        self._context.timers.every(_SWEEP_INTERVAL, Poll())
        self._context.address.hint(Poll())

    def handle(self, item: object) -> object:
        match item:
            case CommandReply():
                return self._reply_to_api(item)
            case CommandStored(chat_jid, seq):
                self._answer_stored([(chat_jid, seq)])
            case Poll():
                self._sweep()
            case Heartbeat():
                return "ok"
            case _:
                raise TypeError(f"Commands does not take {item!r}")
        return None

    # -- commands written in a chat -------------------------------------------------------------------

    def _sweep(self) -> None:
        try:
            waiting = self._parts.store.chats.list_unhandled_commands(_SWEEP_LIMIT)
        except StoreUnavailable:
            self._context.timers.after(_SWEEP_SOON, Poll())
            return
        self._answer_stored([(message.chat_jid, message.seq) for message in waiting])

    def _answer_stored(self, messages: list[tuple[ChatJid, Seq]]) -> None:
        try:
            for chat_jid, seq in messages:
                self._answer_message(self._parts.store.chats.get_message(chat_jid, seq))
        except (StoreUnavailable, AskTimeout, ActorUnavailable, MailboxFull, NotFound) as error:
            _log.warning("command.postponed", error=error)
            self._context.timers.after(_SWEEP_SOON, Poll())

    def _answer_message(self, message: ChatMessage) -> None:
        handled = (message.chat_jid, message.seq)
        parsed = parse_command(message.content)
        if parsed is None:  # edited into ordinary text before it was answered
            self._parts.store.outbox.enqueue([], handled=handled, now=self._parts.clock.now())
            return
        progress = self._parts.store.groups.find_by_jid(message.chat_jid)
        key = f"cmd:{message.chat_jid}:{message.seq}"
        if not self._parts.policy.allows(parsed[0], message.sender):
            self._refuse(parsed[0], message, OutboxId(key))
            return
        if parsed[0] in TASK_NAMES:
            self._answer_about_tasks(message, parsed, progress, OutboxId(key))
            return
        if parsed[0] == WHY and progress is not None:
            result = CommandResult(self._parts.why.chat_text(message.chat_jid, message.seq))
        elif parsed[0] == NETWORK and progress is not None:
            result = self._set_network(parsed[1], progress, message.sender_name)
        else:
            result = answer(*parsed, self._facts(message.chat_jid, progress))
        reply = NewText(OutboxId(key), message.chat_jid, TextKind.COMMAND, result.text)
        if progress is not None and RetryLast() in result.effects:
            if self._ask(RetryGroup(progress.group.folder, message.seq, reply)):
                self._parts.message_loop.hint(ChatStored(message.chat_jid))
                self._parts.outbox.hint(OutboxFilled())
                return
            reply = replace(reply, text=_NOTHING_TO_RETRY.text)
        if progress is not None and _cancels(result):
            self._cancel(progress.group.folder, key, result, reply, handled)
        else:
            self._parts.store.outbox.enqueue([reply], handled=handled, now=self._parts.clock.now())
        self._parts.outbox.hint(OutboxFilled())

    def _refuse(self, command: str, message: ChatMessage, key: OutboxId) -> None:
        """Members of a chat are not all its owners (hazard B-56)."""
        _log.info("command.refused", command=command, chat_jid=message.chat_jid, sender=message.sender)
        text = f"Only an operator may use /{command} here."
        reply = NewText(key, message.chat_jid, TextKind.COMMAND, text)
        handled = (message.chat_jid, message.seq)
        self._parts.store.outbox.enqueue([reply], handled=handled, now=self._parts.clock.now())
        self._parts.outbox.hint(OutboxFilled())

    def _answer_about_tasks(
        self, message: ChatMessage, parsed: tuple[str, str], progress: GroupProgress | None, key: OutboxId
    ) -> None:
        handled = (message.chat_jid, message.seq)

        def place(text: str) -> Answer:
            return Answer(NewText(key, message.chat_jid, TextKind.COMMAND, text), handled)

        if progress is None:
            reply = TaskReply(NOT_REGISTERED)
        else:
            reply = self._parts.tasks.reply(*parsed, progress.group.folder, message.sender_name, place)
        if not reply.is_stored:
            self._parts.store.outbox.enqueue([place(reply.text).reply], handled=handled, now=self._parts.clock.now())
        self._parts.outbox.hint(OutboxFilled())

    # -- commands over HTTP ---------------------------------------------------------------------------

    def _reply_to_api(self, request: CommandReply) -> CommandResult:
        """The store says which group the chat is; the caller's fields only fill in for chats it does not know."""
        progress = self._parts.store.groups.find_by_jid(request.chat_jid)
        if progress is not None and request.command in TASK_NAMES:
            reply = self._parts.tasks.reply(request.command, request.args, progress.group.folder, _API, None)
            return CommandResult(reply.text, MARKDOWN)
        if progress is not None and request.command == WHY:
            return CommandResult(self._parts.why.chat_text(request.chat_jid, None), MARKDOWN)
        if progress is not None and request.command == NETWORK:
            return self._set_network(request.args, progress, _API)
        facts = self._facts(request.chat_jid, progress)
        if progress is None:
            facts = ChatFacts(
                request.chat_jid,
                request.group_name,
                request.group_folder,
                request.current_model,
                request.session_id,
                request.is_container_active,
                facts.assistant_name,
                facts.uptime,
            )
        elif request.is_container_active and not self._parts.is_orchestrating():
            facts = replace(facts, is_active=True)  # it is the caller who runs the agents
        result = answer(request.command, request.args, facts)
        if progress is not None and RetryLast() in result.effects and not self._retry(progress):
            return _NOTHING_TO_RETRY
        if progress is not None and _cancels(result):
            self._cancel(progress.group.folder, self._parts.new_id("c"), result, None, None)
        return result

    def _retry(self, progress: GroupProgress) -> bool:
        """A retry needs a place in the chat, so the command is stored there as if somebody had written it."""
        group, now = progress.group, self._parts.clock.now()
        key = self._parts.new_id("c")
        stored = self._parts.store.chats.ingest(IncomingMessage(group.jid, key, "api", _API, "/retry", now), now)
        if not self._ask(RetryGroup(group.folder, stored.seq, None)):
            self._parts.store.outbox.enqueue([], handled=(group.jid, stored.seq), now=now)
            return False
        self._parts.message_loop.hint(ChatStored(group.jid))
        return True

    # -- both -----------------------------------------------------------------------------------------

    def _set_network(self, arguments: str, progress: GroupProgress, who: str) -> CommandResult:
        folder = progress.group.folder
        requester = Requester(folder, folder == self._parts.main_folder, who)
        return CommandResult(network_reply(self._parts.groups, arguments, requester), MARKDOWN)

    def _facts(self, chat_jid: ChatJid, progress: GroupProgress | None) -> ChatFacts:
        session: Session | None = None
        is_active = False
        if progress is not None:
            answered = self._ask(SessionOf(progress.group.folder))
            assert isinstance(answered, Session)
            session = answered
            is_active = bool(self._parts.store.runs.list_live(progress.group.folder))
        return ChatFacts(
            chat_jid,
            progress.group.name if progress else None,
            progress.group.folder if progress else None,
            (session.model if session else None) or self._parts.default_model,
            session.session_id if session else None,
            is_active,
            self._parts.assistant_name,
            timedelta(seconds=self._parts.clock.monotonic() - self._started),
        )

    def _cancel(
        self,
        folder: Folder,
        key: str,
        result: CommandResult,
        reply: NewText | None,
        handled: tuple[ChatJid, Seq] | None,
    ) -> None:
        switch = next((effect for effect in result.effects if isinstance(effect, SwitchModel)), None)
        self._ask(
            CancelGroup(
                folder,
                key,
                ClearSession() in result.effects,
                switch.runtime if switch else None,
                switch.model_id if switch else None,
                reply,
                handled,
            )
        )
        self._parts.dispatcher.hint(GroupCancelled(folder))

    def _ask(self, item: object) -> object:
        return self._parts.sessions.ask(item, _ASK)


def _cancels(result: CommandResult) -> bool:
    return any(isinstance(effect, KillContainer | ClearSession | SwitchModel) for effect in result.effects)
