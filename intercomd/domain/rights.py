"""Who asks for something, and what they may act on: a group on what is its own, the main group on everything."""

from __future__ import annotations

from dataclasses import dataclass

from intercomd.domain.ids import Folder


@dataclass(frozen=True, slots=True)
class Requester:
    """A group (its agent, or people in its chat), or with `folder` None the operator. `name` is for the record."""

    folder: Folder | None
    is_main: bool
    name: str

    def may_act_on(self, folder: Folder) -> bool:
        return self.folder is None or self.is_main or folder == self.folder


@dataclass(frozen=True, slots=True)
class CommandPolicy:
    """The commands in `restricted` are for the senders in `operators`; without any operator they are for everybody."""

    operators: frozenset[str] = frozenset()
    restricted: frozenset[str] = frozenset()

    def allows(self, command: str, sender: str) -> bool:
        return not self.operators or command not in self.restricted or sender in self.operators


OPERATOR = Requester(None, True, "operator")
