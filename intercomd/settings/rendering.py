"""Settings as text: JSON for `print-config` and the documented example file. Secrets stay hidden in both."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import msgspec
from msgspec import Struct

from intercomd.settings.model import Settings
from intercomd.settings.reading import describe_allowed, meta_of

_UNITS = {"_ms": "milliseconds", "_bytes": "bytes", "_mb": "megabytes", "_hours": "hours", "_days": "days"}

_HEADER = """\
# All settings of intercomd, with their defaults. Copy to config/intercom.toml and uncomment what differs.
# Checked at start: unknown names, wrong types and values out of range are errors. See docs/configuration.md.
# Made from intercomd/settings/model.py by `scripts/dev example`.
"""


@dataclass(frozen=True, slots=True)
class Key:
    """One setting as people meet it. `default` is what JSON would hold; None means unset."""

    section: str
    name: str
    meaning: str
    unit: str | None
    allowed: str
    default: Any
    example: Any


def render_json(settings: Settings) -> str:
    """All settings in the order of the model, for people and for `jq`."""
    return json.dumps(_plain(settings), indent=2, ensure_ascii=False)


def list_keys() -> list[Key]:
    """Every setting there is, in order; profiles are listed as they are by default."""
    return list(_walk(Settings(), ""))


def render_example() -> str:
    """The text of config/intercom.toml.example: every section, and every key commented out at its default."""
    lines = [_HEADER.rstrip()]
    descriptions = _describe_sections(Settings(), "")
    explained: set[str] = set()
    for section, keys in groupby(list_keys(), key=lambda key: key.section):
        lines += ["", *_comment(descriptions[section], explained)]
        lines.append(f"#[{section}]" if section.startswith("runtimes.profiles.") else f"[{section}]")
        for key in keys:
            lines += _comment(_explain(key), explained)
            lines.append(f"#{key.name} = {_toml(key.example if key.default is None else key.default)}")
    return "\n".join(lines) + "\n"


def _explain(key: Key) -> str:
    facts = [key.meaning]
    facts += [f"Unit: {key.unit}."] if key.unit else []
    facts += [f"M{key.allowed[1:]}."] if key.allowed != "must be text" else []
    facts += ["Unset by default."] if key.default is None else []
    return " ".join(facts)


def _comment(text: str, explained: set[str]) -> list[str]:
    """`text` as comment lines below a blank one; nothing when the file has said it before."""
    if text in explained:
        return []
    explained.add(text)
    return ["", *textwrap.wrap(text, 110, initial_indent="# ", subsequent_indent="# ")]


def _walk(section: Struct, path: str) -> Iterator[Key]:
    for field in msgspec.structs.fields(section):
        value = getattr(section, field.name)
        inner = f"{path}.{field.name}" if path else field.name
        if isinstance(value, Struct):
            yield from _walk(value, inner)
        elif isinstance(value, Mapping):
            for name, entry in value.items():
                yield from _walk(entry, f"{inner}.{name}")
        else:
            meta = meta_of(field.type)
            unit = next((unit for suffix, unit in _UNITS.items() if field.name.endswith(suffix)), None)
            yield Key(
                section=path,
                name=field.name,
                meaning=(meta and meta.description) or "",
                unit=unit,
                allowed=describe_allowed(field.type),
                default=_plain(value),
                example=meta.examples[0] if meta and meta.examples else None,
            )


def _describe_sections(section: Struct, path: str) -> dict[str, str]:
    found = {path: (type(section).__doc__ or "").strip()}
    for field in msgspec.structs.fields(section):
        value = getattr(section, field.name)
        entries = value if isinstance(value, Mapping) else {}
        inner = f"{path}.{field.name}" if path else field.name
        if isinstance(value, Struct):
            found |= _describe_sections(value, inner)
        for name, entry in entries.items():
            found |= _describe_sections(entry, f"{inner}.{name}")
    return found


def _plain(value: object) -> Any:
    return msgspec.to_builtins(value, enc_hook=_to_builtin)


def _to_builtin(value: object) -> Any:
    return dict(value) if isinstance(value, Mapping) else str(value)


def _toml(value: object) -> str:
    if isinstance(value, list | tuple) and len(value) > 2:
        return "[\n" + "".join(f"#    {json.dumps(item)},\n" for item in value) + "#]"
    return json.dumps(value, ensure_ascii=False)
