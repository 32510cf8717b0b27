"""What differs between the two processes that run these parts, `intercomd serve` and `intercomd host`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from intercomd.clock import Clock
from intercomd.desk.tools import Toolbox
from intercomd.store.ports import Store
from intercomd.supervision.port import Address


@dataclass(frozen=True, slots=True)
class Running:
    """The started parts as a shape's own servers see them. `channels` are those that this process owns."""

    store: Store
    outbox: Address
    channels: frozenset[str]
    assistant_name: str
    main_folder: str
    toolbox: Toolbox
    new_id: Callable[[str], str]
    clock: Clock


@dataclass(frozen=True, slots=True)
class Shape:
    """`name` is that of the process and of its address file. `bridges_to_host`: texts of channels that live in the
    host are sent there. `attach` starts what only this shape has, and leaves its end to the stack."""

    name: str
    bridges_to_host: bool
    attach: Callable[[Running, ExitStack], None]


DAEMON = Shape("daemon", bridges_to_host=True, attach=lambda _running, _stack: None)
