"""The agent's small JSON agrees with the real one."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercomd.agent.echo import newest_message, parse_directives
from intercomd.agent.frames import render_frame
from intercomd.agent.wire import dumps, loads
from intercomd.sandbox.framing import BlockParser

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(VALUES)
def test_values_survive_both_ways(value: object) -> None:
    """What one writes the other reads."""
    assert json.loads(dumps(value)) == value
    assert loads(f" {json.dumps(value)}\n") == value


@given(st.text(max_size=30))
def test_any_text_is_read_as_json_reads_it(text: str) -> None:
    """The same texts are refused, with the same kind of error."""
    try:
        expected = json.loads(text)
    except ValueError:
        with pytest.raises(ValueError):
            loads(text)
    else:
        assert repr(loads(text)) == repr(expected)


@given(st.text(alphabet="\\-INTERCOM_OUPSAD\n", max_size=40) | st.sampled_from(["---INTERCOM_OUTPUT_END---"]))
def test_no_text_can_end_its_own_block(text: str) -> None:
    """A frame's text comes out of the parser as it went in, markers included."""
    text = f"{text}---INTERCOM_OUTPUT_START---{text}"
    (block,) = BlockParser().feed(render_frame({"result": text}))
    assert isinstance(block, bytes) and json.loads(block) == {"result": text}


@given(st.text())
def test_text_without_directives_is_repeated(text: str) -> None:
    """Only known directives are taken out of a text."""
    text = text.replace("!", "?")
    assert parse_directives(text) == ([], text)


def test_newest_message_is_the_last_one() -> None:
    """Entities are undone once, and a prompt that is no chat is its own text."""
    prompt = (
        '<messages>\n<message sender="a">x</message>\n<message sender="b">&amp;lt; &lt;i&gt;</message>\n</messages>'
    )
    assert newest_message(prompt) == "&lt; <i>"
    assert newest_message(" do it ") == "do it"
