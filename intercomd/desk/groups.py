"""Groups as agents see and make them: the main group sees every chat and registers them, others see themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from intercomd.clock import Clock
from intercomd.desk.jids import parse_jid
from intercomd.domain.chat import Chat, Group, Network
from intercomd.domain.container_config import parse_container_config
from intercomd.domain.folder import parse_folder
from intercomd.domain.ids import Folder
from intercomd.domain.rights import Requester
from intercomd.errors import InvalidInput, PolicyRefused
from intercomd.store.ports import Store

SYNC_MARK = "__group_sync__"
"""A row of the existing system's host among the chats; no conversation."""
_MOST_CHATS = 500
_MOST_CHARACTERS = 256
_MOST_DEPTH = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupDraft:
    """A group as somebody asks for it, unchecked."""

    jid: str
    name: str
    folder: str
    trigger: str
    requires_trigger: bool = True
    container_config: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class SeenChat:
    """A chat and, where it is registered, its group's folder."""

    chat: Chat
    folder: Folder | None


class GroupDesk:
    """Every method may raise `StoreUnavailable`. `on_change` is called after a group was written; it must not block."""

    def __init__(self, store: Store, main_folder: str, on_change: Callable[[], None], clock: Clock) -> None:
        self._store = store
        self._main_folder = main_folder
        self._on_change = on_change
        self._clock = clock

    def list_chats(self, requester: Requester) -> list[SeenChat]:
        """What `requester` may know of, the newest first and at most 500."""
        folders = {group.jid: group.folder for group in self._store.groups.list_all()}
        seen = [
            SeenChat(chat, folders.get(chat.jid)) for chat in self._store.chats.list_chats() if chat.jid != SYNC_MARK
        ]
        return [one for one in seen if requester.is_main or one.folder == requester.folder][:_MOST_CHATS]

    def register(self, requester: Requester, draft: GroupDraft) -> Group:
        """Make a chat a group or change it; model and runtime of a known one stay. Takes effect at once (hazard B-31).

        Raises `PolicyRefused` for anybody but the main group and the operator, `InvalidInput`, and `StoreConflict` for
        a folder that another chat has."""
        if not requester.is_main:
            raise PolicyRefused("only the main group may register groups")
        group = self._parse(draft)
        known = self._store.groups.find_by_jid(group.jid)
        if known is not None:
            if self._main_folder == known.group.folder != group.folder:
                raise PolicyRefused(f"the main group's folder stays {self._main_folder}")
            group = replace(group, runtime=known.group.runtime, model=known.group.model)
        added = self._store.groups.add(group, self._clock.now())
        self._on_change()
        return added

    def set_network(self, requester: Requester, folder: Folder, network: Network) -> bool:
        """What a group's sandboxes may reach from the next one on; False when it is so already.

        Raises `PolicyRefused` for anybody but the main group and the operator, and `NotFound`."""
        if not requester.is_main:
            raise PolicyRefused("only the main group decides what a group's sandboxes may reach")
        is_changed = self._store.groups.set_network(folder, network, requester.name, self._clock.now())
        if is_changed:
            self._on_change()
        return is_changed

    def _parse(self, draft: GroupDraft) -> Group:
        for field, text in (("name", draft.name), ("trigger", draft.trigger)):
            if not text.strip() or len(text) > _MOST_CHARACTERS:
                raise InvalidInput(field, f"must have 1 to {_MOST_CHARACTERS} characters")
        check_container_config(draft.container_config)
        parse_container_config(draft.container_config)
        return Group(
            jid=parse_jid(draft.jid, "jid"),
            name=draft.name.strip(),
            folder=parse_folder(draft.folder),
            trigger=draft.trigger.strip(),
            requires_trigger=draft.requires_trigger,
            container_config=draft.container_config,
        )


def check_container_config(config: object) -> None:
    """Readers of JSON give up at different depths; nobody nests settings so deep. Raises `InvalidInput`."""
    level = [config]
    for _ in range(_MOST_DEPTH):
        level = [inner for outer in level for inner in _parts(outer)]
        if not level:
            return
    raise InvalidInput("container_config", f"is nested deeper than {_MOST_DEPTH} levels")


def _parts(value: object) -> list[object]:
    if isinstance(value, Mapping):
        return list(value.values())
    return value if isinstance(value, list) else []
