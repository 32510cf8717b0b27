"""Texts, questions, groups and history as tools of agents. The rules are the desks'; here are arguments and words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from intercomd.clock import Clock
from intercomd.desk.groups import GroupDesk, GroupDraft, SeenChat
from intercomd.desk.history import DEFAULT_LIMIT, HistoryDesk
from intercomd.desk.messages import MessageDesk, MessageDraft
from intercomd.desk.params import Params
from intercomd.desk.snapshots import Snapshots
from intercomd.desk.tools import Caller, Effect, Tool, Toolbox, always
from intercomd.domain.chat import ChatMessage
from intercomd.domain.ids import ChatJid, QuestionId
from intercomd.domain.instants import iso_ms
from intercomd.domain.questions import NewQuestion, check_question
from intercomd.domain.text import cut
from intercomd.errors import PolicyRefused
from intercomd.store.question_ports import Questions

_MOST_SHOWN_CHARACTERS = 1_500


@dataclass(frozen=True, slots=True)
class ChatTools:
    """The desks behind the tools."""

    messages: MessageDesk
    groups: GroupDesk
    history: HistoryDesk
    snapshots: Snapshots
    questions: Questions
    clock: Clock

    def toolbox(self) -> Toolbox:
        """The tools of chats and groups."""
        return {
            "send_message": Tool(self._send, takes_long=_has_files),
            "ask_user": Tool(self._ask),
            "list_groups": Tool(self._list_groups, Effect.NOTHING),
            "register_group": Tool(self._register),
            "refresh_groups": Tool(self._refresh, Effect.NOTHING),
            "search_history": Tool(self._search, Effect.NOTHING, takes_long=always),
        }

    def _send(self, caller: Caller, params: Params) -> str:
        target = params.find_text("target_jid")
        draft = MessageDraft(
            key=caller.key,
            text=params.text("text"),
            target=None if target is None else ChatJid(target),
            files=params.texts("files"),
            sender=params.find_text("sender"),
            run_id=caller.run_id,
        )
        sent_to = self.messages.send(caller.requester, caller.folder, draft)
        what = "The text and its files are" if draft.files else "The text is"
        return f"{what} on the way to {'this chat' if sent_to == caller.chat_jid else sent_to}."

    def _ask(self, caller: Caller, params: Params) -> str:
        text, choices = params.text("question"), params.texts("choices")
        check_question(text, choices)
        question = NewQuestion(QuestionId(caller.key), caller.folder, text, choices, caller.run_id)
        self.questions.ask(question, self.clock.now())
        self.messages.announce()
        return "The question is asked. The answer comes as a later message: end your turn if you need it."

    def _list_groups(self, caller: Caller, _params: Params) -> str:
        chats = self.groups.list_chats(caller.requester)
        return json.dumps([_shown_chat(seen) for seen in chats], ensure_ascii=False, indent=1)

    def _register(self, caller: Caller, params: Params) -> str:
        draft = GroupDraft(
            jid=params.text("jid"),
            name=params.text("name"),
            folder=params.text("folder"),
            trigger=params.text("trigger"),
            requires_trigger=params.flag("requires_trigger", default=True),
            container_config=params.find_table("container_config"),
        )
        group = self.groups.register(caller.requester, draft)
        return f"{group.jid} is registered as {group.name}, with the folder {group.folder}."

    def _refresh(self, caller: Caller, _params: Params) -> str:
        """There is no list of chats elsewhere to fetch: channels tell of a chat when somebody writes in it."""
        if not caller.requester.is_main:
            raise PolicyRefused("only the main group may refresh the list of chats")
        self.snapshots.write_groups(caller.requester, caller.folder)
        return "available_groups.json is up to date."

    def _search(self, caller: Caller, params: Params) -> str:
        text, before = params.find_text("text") or "", params.find_instant("before")
        found = self.history.search(caller.folder, text, before, params.number("limit", DEFAULT_LIMIT))
        return json.dumps([_shown_message(message) for message in found], ensure_ascii=False, indent=1)


def _has_files(params: Mapping[str, object]) -> bool:
    """Copying them may take seconds."""
    return bool(params.get("files"))


def _shown_chat(seen: SeenChat) -> dict[str, object]:
    newest = seen.chat.last_message_at
    return {
        "jid": seen.chat.jid,
        "name": seen.chat.name,
        "folder": seen.folder,
        "last_activity": None if newest is None else iso_ms(newest),
    }


def _shown_message(message: ChatMessage) -> dict[str, str]:
    return {
        "time": iso_ms(message.sent_at),
        "sender": message.sender_name,
        "text": cut(message.content, _MOST_SHOWN_CHARACTERS),
    }
