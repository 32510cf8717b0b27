"""Checks a tool's arguments against its JSON Schema, for the keywords our schemas use.

Only what can be said without knowing the group: types, lengths, allowed values. Whether a chat, a task or a schedule is
allowed is decided on the host.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:  # not from `typing`: its import takes as long as all the rest
    from collections.abc import Iterator, Mapping
    from typing import Any

    Schema = Mapping[str, Any]

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "boolean": (bool,),
}
_NAMES = {
    dict: "an object",
    list: "a list",
    str: "text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
}
_BOUNDS = {
    list: ("minItems", "maxItems", "have {} entries"),
    str: ("minLength", "maxLength", "have {} characters"),
    int: ("minimum", "maximum", "be {}"),
}
_SHOWN_CHARACTERS = 60
_SHOWN_NAMES = 10


def find_problems(schema: Schema, value: object, path: str = "arguments") -> list[str]:
    """What is wrong with `value`, all of it: one line per field, saying what is allowed. None wrong gives none."""
    return list(_problems(schema, value, path))


def _problems(schema: Schema, value: object, path: str) -> Iterator[str]:
    wanted = _TYPES[schema["type"]]
    if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
        yield f"{path}: must be {_NAMES[wanted[0]]}, is {_describe(value)}"
    elif isinstance(value, dict):
        yield from _object_problems(schema, value, path)
    elif isinstance(value, list):
        yield from _list_problems(schema, value, path)
    elif isinstance(value, str):
        yield from _text_problems(schema, value, path)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield from _bound_problems(schema, value, value, path)


def _object_problems(schema: Schema, value: dict[str, object], path: str) -> Iterator[str]:
    fields: dict[str, Schema] = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{name}: is missing"
    unknown = [] if schema.get("additionalProperties", True) else [name for name in value if name not in fields]
    for name in unknown[:_SHOWN_NAMES]:
        yield f"{_shorten(name)}: unknown field; allowed are {', '.join(fields) or 'none'}"
    if len(value) < schema.get("minProperties", 0):
        yield f"{path}: must have {schema['minProperties']} fields or more, here {len(value)}"
    for name, field in fields.items():
        if name in value:
            yield from _problems(field, value[name], name)


def _list_problems(schema: Schema, value: list[object], path: str) -> Iterator[str]:
    unfit = list(_bound_problems(schema, value, len(value), path))
    if unfit:
        yield from unfit  # and no more: a list of a million entries has a million other problems
        return
    if schema.get("uniqueItems") and any(entry in value[:index] for index, entry in enumerate(value)):
        yield f"{path}: must not have an entry twice"
    for index, entry in enumerate(value):
        yield from _problems(schema["items"], entry, f"{path}[{index}]")


def _text_problems(schema: Schema, value: str, path: str) -> Iterator[str]:
    yield from _bound_problems(schema, value, len(value), path)
    allowed = schema.get("enum")
    if allowed is not None and value not in allowed:
        yield f"{path}: must be {' or '.join(allowed)}, is {_describe(value)}"
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{path}: must match {schema['pattern']}, is {_describe(value)}"


def _bound_problems(schema: Schema, value: object, amount: int, path: str) -> Iterator[str]:
    least_word, most_word, rule = _BOUNDS[type(value)]
    least, most = schema.get(least_word), schema.get(most_word)
    if (least is not None and amount < least) or (most is not None and amount > most):
        if most is None:
            allowed = f"{least} or more"
        else:
            allowed = f"{least} to {most}" if least is not None else f"at most {most}"
        yield f"{path}: must {rule.format(allowed)}, here {amount}"


def _describe(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, str):
        return repr(_shorten(value))
    return _NAMES[type(value)]


def _shorten(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"
