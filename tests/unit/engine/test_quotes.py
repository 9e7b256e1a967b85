"""Quotes are found wherever they stand, mapped back to their bytes, in linear time."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_mcp.engine import quotes

TEXT = st.text(alphabet="ab \n\r\t", max_size=80)


def found(places, text, low=0, high=None):
    data = text.encode()
    return list(places(memoryview(data), low, len(data) if high is None else high))


@given(TEXT, TEXT.filter(bool))
def test_exact_occurrences_are_those_that_differ_in_line_endings_only(text, quote):
    def plain(part):
        return re.sub(r"\r\n|\r", "\n", part)

    for start, end in found(quotes.exact(quote), text):
        assert plain(text[start:end]) == plain(quote)
    assert bool(found(quotes.exact(quote), text)) == (plain(quote) in plain(text))


@given(TEXT, st.lists(st.text(alphabet="ab", min_size=1, max_size=4), min_size=1, max_size=4))
def test_loose_occurrences_are_those_that_differ_in_white_space_only(text, words):
    quote = "  ".join(words)
    for start, end in found(quotes.loose(quote), text):
        assert text[start:end].split() == words
    assert bool(found(quotes.loose(quote), text)) == (" ".join(words) in " ".join(re.split(r"\s+", text)))


@pytest.mark.parametrize("kind", [quotes.exact, quotes.loose])
def test_chunks_hide_nothing_and_double_nothing(monkeypatch, kind):
    monkeypatch.setattr(quotes, "CHUNK", 7)
    text = "xx needle one xx needle two xx needle"
    assert [text[a:b] for a, b in found(kind("needle"), text)] == ["needle"] * 3
    assert found(kind("needle"), text, 4, 20) == []
    assert len(found(kind("needle"), text, 3, 9)) == 1


def test_hostile_repetitions_are_searched_in_linear_time():
    text = "a " * 2_000_000
    assert found(quotes.loose("a " * 30_000 + "b"), text) == []
    assert found(quotes.loose("a " * 30_000 + "aa"), text) == []
    assert found(quotes.exact("a\n" * 30_000 + "b"), text.replace(" ", "\n")) == []
