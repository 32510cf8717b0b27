"""From raw tables to typed sections, with every problem found on the way."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar, get_args, get_origin

import msgspec
from msgspec import Meta, Struct, inspect
from msgspec.structs import FieldInfo

from intercomd.settings.values import BindAddress, BotToken, PostgresDsn, redact

S = TypeVar("S", bound=Struct)
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
"""What TOML lets stand without quotes; other keys are shown as text, on one line."""


def _parse_path(text: str) -> Path:
    if not text.strip():
        raise ValueError("must be a path")
    return Path(text)


_PARSERS: Mapping[type, Callable[[str], object]] = {
    Path: _parse_path,
    BindAddress: BindAddress.parse,
    PostgresDsn: PostgresDsn.parse,
    BotToken: BotToken.parse,
}


class SettingsReader:
    """Reads one configuration; `problems` grows, and a key with a bad value gets its default.

    `origins` says for a dotted key where its value came from when that was not the file.
    """

    def __init__(self, origins: Mapping[str, str]) -> None:
        self.problems: list[str] = []
        self._origins = origins

    def read(self, kind: type[S], table: object, path: str = "") -> S:
        """The section `kind` from its raw table."""
        if not isinstance(table, dict):
            self.problems.append(f"{path}: must be a section, written as [{path}]")
            return kind()
        fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
        for name in [name for name in table if name not in fields]:
            noun = "section" if isinstance(table[name], dict) else "key"
            self.problems.append(f"{_join(path, name)}: unknown {noun}; {suggest(name, fields)}")
        values = {}
        for name, field in fields.items():
            value = self._read_field(field, table[name], _join(path, name)) if name in table else msgspec.UNSET
            if value is not msgspec.UNSET:
                values[name] = value
        return kind(**values)

    def complain(self, key: str, value: object, allowed: str) -> None:
        """Note that `key` has a value it may not have."""
        origin = f" (from {self._origins[key]})" if key in self._origins else ""
        shown = "(hidden)" if key.endswith(("_dsn", "_token")) else _show(value)
        self.problems.append(f"{key} = {shown}{origin}: {allowed}")

    def _read_field(self, field: FieldInfo, value: object, path: str) -> object:
        kind = _bare_type(field.type)
        if get_origin(kind) is Mapping:
            return self._read_map(get_args(kind)[1], value, path)
        if isinstance(kind, type) and issubclass(kind, Struct):
            return self.read(kind, value, path)
        if field.default is None and isinstance(value, str) and not value.strip():
            return None
        try:
            return msgspec.convert(value, field.type, dec_hook=_parse)
        except msgspec.ValidationError:
            self.complain(path, value, describe_allowed(field.type, value))
            return msgspec.UNSET

    def _read_map(self, kind: type[Struct], value: object, path: str) -> object:
        if not isinstance(value, dict):
            self.problems.append(f"{path}: must be a section, written as [{path}.NAME]")
            return msgspec.UNSET
        entries = {name: self.read(kind, value[name], _join(path, name)) for name in sorted(value)}
        return MappingProxyType(entries)


def describe_allowed(annotation: object, value: object = None) -> str:
    """What a key of this type may hold, as "must be …"; with a wrong `value`, also what it may have meant."""
    meta = meta_of(annotation)
    if meta and meta.extra and "allowed" in meta.extra:
        return str(meta.extra["allowed"])
    kind = inspect.type_info(annotation)
    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    if isinstance(kind, inspect.UnionType):
        kind = next(part for part in kind.types if not isinstance(part, inspect.NoneType))
    match kind:
        case inspect.BoolType():
            return "must be true or false"
        case inspect.IntType():
            return f"must be a whole number from {kind.ge} to {kind.le}"
        case inspect.VarTupleType():
            return "must be a list of texts"
        case inspect.EnumType():
            members = [str(member) for member in kind.cls]
            return "; ".join(filter(None, [f"must be one of {', '.join(members)}", did_you_mean(value, members)]))
        case inspect.CustomType(cls=cls) if isinstance(value, str):
            return _parse_error(cls, value)
        case _:
            return "must be text"


def meta_of(annotation: object) -> Meta | None:
    """The metadata of an annotated type."""
    return next((part for part in get_args(annotation)[1:] if isinstance(part, Meta)), None)


def suggest(name: str, known: Collection[str]) -> str:
    """What an unknown name may have meant, else which names there are."""
    return did_you_mean(name, known) or f"known are {', '.join(sorted(known))}"


def did_you_mean(value: object, known: Collection[str]) -> str:
    """A question that names what is closest to `value`; empty when nothing is close."""
    close = difflib.get_close_matches(value, known, n=1) if isinstance(value, str) else []
    return f"did you mean {close[0]}?" if close else ""


def _bare_type(annotation: Any) -> Any:
    return get_args(annotation)[0] if meta_of(annotation) else annotation


def _parse(kind: type, value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("must be text")
    return _PARSERS[kind](value)


def _parse_error(kind: type, value: str) -> str:
    try:
        _PARSERS[kind](value)
    except ValueError as error:
        return str(error)
    return "must be text"


def _show(value: object) -> str:
    return redact(json.dumps(value, ensure_ascii=False, default=str))


def _join(path: str, name: str) -> str:
    shown = name if _BARE_KEY.fullmatch(name) else _show(name)
    return f"{path}.{shown}" if path else shown
