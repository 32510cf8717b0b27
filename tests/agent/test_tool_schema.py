"""Schemas of the tools, and the check of arguments against them, with an independent validator as the judge."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercomd.agent.tool_schema import find_problems
from intercomd.agent.tools import TOOL_BY_NAME, TOOLS, Tool
from intercomd.desk import history, messages
from intercomd.domain import questions
from intercomd.domain.task_rules import MAX_PROMPT

KEYWORDS = {
    "object": {"properties", "required", "additionalProperties", "minProperties"},
    "array": {"items", "minItems", "maxItems", "uniqueItems"},
    "string": {"enum", "minLength", "maxLength", "pattern"},
    "integer": {"minimum", "maximum"},
    "boolean": set[str](),
}


def check_keywords(schema: dict[str, Any]) -> None:
    """Fail at a keyword that the check does not know, at any depth."""
    assert set(schema) <= {"type", "description"} | KEYWORDS[schema["type"]]
    for field in (*schema.get("properties", {}).values(), *([schema["items"]] if "items" in schema else [])):
        check_keywords(field)


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_schema_is_valid_and_fully_checked(tool: Tool) -> None:
    """Every schema is one of JSON Schema 2020-12, says what each field is for, and uses no keyword we do not check."""
    jsonschema_rs.meta.validate(dict(tool.schema))
    check_keywords(dict(tool.schema))
    assert all(field["description"] for field in tool.schema["properties"].values())
    assert set(tool.schema["required"]) <= set(tool.schema["properties"])


@pytest.mark.parametrize("name", ["send_message", "schedule_task"])
def test_rule_of_the_final_answer_is_told_where_it_matters(name: str) -> None:
    """An agent that sends a text or plans one is told that the final answer goes out by itself (B-79)."""
    told = f"{TOOL_BY_NAME[name].description} {TOOL_BY_NAME[name].schema['properties'].get('prompt', {})}"
    assert "final answer" in told and "by itself" in told


def test_limits_are_the_hosts() -> None:
    """What the schema lets through is not refused by the host for its size, and the other way round."""
    fields = {(tool.name, name): field for tool in TOOLS for name, field in tool.schema["properties"].items()}
    files, choices = fields["send_message", "files"], fields["ask_user", "choices"]
    assert fields["send_message", "text"]["maxLength"] == messages.MOST_CHARACTERS
    assert files["maxItems"] == messages.MOST_FILES
    assert {fields[name, "prompt"]["maxLength"] for name in ("schedule_task", "update_task")} == {MAX_PROMPT}
    assert fields["search_history", "limit"]["maximum"] == history.MOST_FOUND
    assert fields["ask_user", "question"]["maxLength"] == questions.MOST_QUESTION_CHARACTERS
    assert (choices["minItems"], choices["maxItems"]) == (questions.LEAST_CHOICES, questions.MOST_CHOICES)
    assert choices["items"]["maxLength"] == questions.MOST_CHOICE_CHARACTERS


LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 105),
    st.floats(allow_nan=False, allow_infinity=False).filter(lambda number: not number.is_integer()),
    st.sampled_from(["", "a", "cron", "group", "run_once", "skip", "f-1", "-f", "x" * 81, "x" * 201]),
)
VALUES = st.one_of(LEAVES, st.lists(LEAVES, max_size=11), st.dictionaries(st.sampled_from(["a", "b"]), LEAVES))


@given(data=st.data(), tool=st.sampled_from(TOOLS))
def test_check_agrees_with_a_full_validator(data: st.DataObject, tool: Tool) -> None:
    """For any arguments, ours finds problems exactly where an independent validator does."""
    names = st.sampled_from([*tool.schema["properties"], "unheard_of"])
    arguments = data.draw(st.dictionaries(names, VALUES))
    problems = find_problems(tool.schema, arguments)
    assert bool(problems) == (not jsonschema_rs.is_valid(dict(tool.schema), arguments)), problems


@pytest.mark.parametrize(
    ("tool", "arguments", "problems"),
    [
        ("list_tasks", {"a": 1}, ["a: unknown field; allowed are none"]),
        ("send_message", {"text": None}, ["text: must be text, is null"]),
        ("send_message", {"text": ["x"]}, ["text: must be text, is a list"]),
        ("send_message", {"text": "x" * 100_001}, ["text: must have 1 to 100000 characters, here 100001"]),
        ("send_message", {"text": "x", "files": ["a", "a"]}, ["files: must not have an entry twice"]),
        ("send_message", {"text": "x", "files": ["a", 1]}, ["files[1]: must be text, is a whole number"]),
        ("send_message", {"text": "x", "files": [""] * 1000}, ["files: must have 1 to 10 entries, here 1000"]),
        ("search_history", {"limit": 0}, ["limit: must be 1 to 100, here 0"]),
        ("search_history", {"limit": True}, ["limit: must be a whole number, is true or false"]),
        ("search_history", {"limit": 2.5}, ["limit: must be a whole number, is a number"]),
        ("update_task", {"task_id": "t"}, ["arguments: must have 2 fields or more, here 1"]),
        (
            "schedule_task",
            {"schedule_type": "weekly", "schedule_value": 5},
            [
                "prompt: is missing",
                "schedule_type: must be cron or interval or once, is 'weekly'",
                "schedule_value: must be text, is a whole number",
            ],
        ),
    ],
)
def test_problems_name_field_and_what_is_allowed(tool: str, arguments: object, problems: list[str]) -> None:
    """All problems come at once, each with the field, what is allowed and what was found."""
    assert find_problems(TOOL_BY_NAME[tool].schema, arguments) == problems


def test_many_unknown_fields_are_not_all_listed() -> None:
    """A thousand unknown fields with long names give a text an agent can read."""
    problems = find_problems(TOOL_BY_NAME["list_tasks"].schema, {f"{number}" + "x" * 1000: 1 for number in range(1000)})
    assert sum(map(len, problems)) < 2000
