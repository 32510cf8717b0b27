"""What a provider quotes of the credential does not reach the agent."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercomd.gateway.redaction import Redactor
from tests.gateway.conftest import Stubs
from tests.gateway.doors import KEYS, PATHS, Household, ask, asking
from tests.gateway.provider_stub import Visit
from tests.support.waiting import wait_for

SECRET = "abcabd"


@pytest.mark.parametrize(("runtime", "name"), list(zip(PATHS, KEYS, strict=True)))
def test_key_that_a_provider_quotes_is_covered(provider: Stubs, household: Household, runtime: str, name: str) -> None:
    """An error of the provider with the key in it, in text and headers, comes without it (B-51)."""
    key = KEYS[name]

    def script(visit: Visit) -> None:
        visit.answer(403, f'{{"message": "Consumer api_key:{key} has been suspended"}}'.encode(), x_consumer=key)

    answer = ask(household.door(provider(script).url, runtime), path=PATHS[runtime])

    assert answer.status == 403
    assert answer.body == f'{{"message": "Consumer api_key:{"*" * len(key)} has been suspended"}}'.encode()
    assert answer.headers["x-consumer"] == "*" * len(key)


def test_stream_is_held_back_only_where_a_key_may_begin(provider: Stubs, household: Household) -> None:
    """A piece that ends like nothing secret passes at once; a key in two pieces is covered."""
    key = KEYS["ANTHROPIC_API_KEY"]
    first_was_read = threading.Event()

    def script(visit: Visit) -> None:
        visit.start_stream()
        visit.send_piece(b"data: 1\n" + key[:5].encode())
        wait_for(first_was_read, "the agent read the first line")
        visit.send_piece(key[5:].encode() + b"\n" + key[:3].encode())
        visit.send_piece(b"")

    with asking(household.door(provider(script).url)) as response:
        assert response.readline() == b"data: 1\n"
        first_was_read.set()
        assert response.read().decode() == "*" * len(key) + "\n" + key[:3]


@given(st.lists(st.text(alphabet="abcd", max_size=8).map(str.encode)))
def test_no_division_into_pieces_lets_a_secret_through(pieces: list[bytes]) -> None:
    """However the bytes arrive, what leaves is what came with every secret covered."""
    redactor = Redactor({"authorization": f"Bearer {SECRET}", "anthropic-beta": "b"})

    passed = b"".join([*map(redactor.feed, pieces), redactor.finish()])

    assert passed == b"".join(pieces).replace(SECRET.encode(), b"*" * len(SECRET))
