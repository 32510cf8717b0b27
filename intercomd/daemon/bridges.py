"""What the API needs for Telegram and for the Demarch tools, made from the settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

from intercomd.api.gate_desk import GateDesk
from intercomd.api.telegram import Outgoing, TelegramServices
from intercomd.channels.telegram.bot_api import BotApi, HttpBotApi
from intercomd.channels.telegram.intake import IntakeRules, TelegramIntake
from intercomd.channels.telegram.presses import QuestionPresses
from intercomd.channels.telegram.relay import TelegramRelay
from intercomd.daemon.parts import Addresses, Parts
from intercomd.demarch.tools import DemarchPolicy, DemarchTools
from intercomd.domain.ids import ChatJid
from intercomd.settings.model import Settings
from intercomd.store.ports import Groups


def open_bot(settings: Settings, stack: ExitStack) -> BotApi | None:
    """The Bot API client, closed by the stack; None without a token."""
    telegram = settings.channels.telegram
    if telegram.bot_token is None:
        return None
    bot = HttpBotApi(telegram.bot_token.reveal(), telegram.api_url)
    stack.callback(bot.close)
    return bot


def demarch_tools(settings: Settings, environment: Mapping[str, str]) -> DemarchTools:
    demarch = settings.demarch
    policy = DemarchPolicy(
        is_enabled=demarch.enabled,
        writes_need_main=demarch.require_main_group_for_writes,
        reads=frozenset(demarch.read_allowlist),
        writes=frozenset(demarch.write_allowlist),
    )
    return DemarchTools(policy, Path.cwd(), environment)


def telegram_services(parts: Parts, to: Addresses, tools: DemarchTools, stack: ExitStack) -> TelegramServices:
    """The intake, and with a bot what goes out; the stack waits for approvals under way."""
    settings, clock = parts.settings, parts.clock
    rules = IntakeRules(
        assistant_name=settings.assistant.name,
        main_folder=settings.orchestrator.main_group_folder,
        default_runtime=settings.runtimes.default_runtime,
        models={name: profile.default_model for name, profile in settings.runtimes.profiles.items()},
    )
    intake = TelegramIntake(parts.store, rules, to.message_loop, to.commands, clock)
    if parts.bot is None:
        return TelegramServices(intake, None)
    waiters = max(1, settings.server.threads // 2)
    relay = TelegramRelay(parts.store.outbox, to.outbox, parts.live_board, parts.new_id, clock, waiters=waiters)
    gates = GateDesk(parts.bot, tools, _may_approve(parts.store.groups, settings), clock)
    stack.callback(gates.close)
    presses = QuestionPresses(parts.store, to.message_loop, parts.bot, clock)
    return TelegramServices(intake, Outgoing(parts.bot, relay, gates, presses))


def _may_approve(groups: Groups, settings: Settings) -> Callable[[ChatJid], bool]:
    """Gates are approved in the main group and in the chat that is told about them (hazard B-50)."""

    def may_approve(chat_jid: ChatJid) -> bool:
        if chat_jid == settings.events.notification_jid:
            return True
        progress = groups.find_by_jid(chat_jid)
        return progress is not None and progress.group.folder == settings.orchestrator.main_group_folder

    return may_approve
