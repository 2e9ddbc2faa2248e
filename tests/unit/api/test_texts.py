"""What a service says reaches a terminal as plain text on one line."""

import pytest
from hypothesis import given, seed
from hypothesis import strategies as st

from providers.api.transport.errors import ApiError
from providers.api.transport.limits import LONGEST_REASON
from providers.api.transport.texts import clean


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text", "plain text"),
        ("Grüße, 中文, العربية, 🎉", "Grüße, 中文, العربية, 🎉"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9b2Jgone", "gone"),
        ("a\rb\nc\td\x08e\x00f", "a b c d e f"),
        ("<{%reset%}>markup<{%fg 1%}>", "markup"),
        ("<{%<{%reset%}>reset%}>", "reset%}>"),
        ("half \ud800 a pair", "half a pair"),
        ("turned \u202egnol\u202c", "turned gnol"),
        ("  many   spaces ", "many spaces"),
    ],
)
def test_orders_to_terminal_and_engine_are_taken_out(text: str, shown: str) -> None:
    assert clean(text) == shown


PIECES = ["\x1b", "[31m", "\x1b[", "]0;", "\x07", "<{%", "%}>", "\x1b\\", "\x9b", "\ud800", "\u202e", "a", "\n"]
PARTS = st.sampled_from(PIECES)


@seed(20261126)
@given(st.lists(PARTS | st.text(max_size=3), max_size=30).map("".join))
def test_no_text_of_a_service_is_an_order(text: str) -> None:
    error = ApiError(text, code=text, correlation_id=text, next_step=text)
    line = str(error)
    line.encode()
    assert not {"\x1b", "\x9b", "\x07", "\n", "\r", "\u202e"} & set(line)
    assert "<{%" not in error.reason or "%}>" not in error.reason.partition("<{%")[2]
    assert len(error.reason) <= LONGEST_REASON
    assert clean(error.reason) == error.reason
