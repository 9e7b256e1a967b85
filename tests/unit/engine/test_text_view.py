"""`context` beyond what is decoded whole: offsets count bytes, and everything agrees with everything."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_mcp.engine.repl import text_view
from rlm_mcp.engine.repl.text_view import Lines, Match, Text, re_module, view_of


@pytest.fixture
def mapped(monkeypatch):
    """A text that is treated as too long to be decoded."""
    monkeypatch.setattr(text_view, "EXACT", 0)
    monkeypatch.setattr(text_view, "CHUNK", 16)
    return lambda text: Text(memoryview(text.encode()))


def small(text):
    return Text(memoryview(text.encode()))


@given(st.text(max_size=60), st.integers(-70, 70), st.integers(-70, 70))
def test_a_decoded_text_behaves_as_its_str(text, a, b):
    view = small(text)
    assert view[a:b] == text[a:b]
    assert view[a:b:2] == text[a:b:2]
    assert len(view) == len(text)
    assert view.find("a", a, b) == text.find("a", a, b)
    assert list(view) == list(text)
    assert view == text
    assert f"{view}" == text
    assert view.upper() == text.upper()


def test_a_short_text_is_simply_a_str():
    assert type(view_of(memoryview(b"short"))) is str
    assert isinstance(view_of(memoryview(b"x" * 2_000_001)), Text)


def test_offsets_found_in_a_mapped_text_are_those_that_slice_it(mapped):
    text = mapped("ä" * 30 + "needle" + "ö" * 30 + "needle")
    at = text.find("needle")
    assert text[at : at + 6] == "needle"
    assert text.rfind("needle") > at
    assert text[text.rfind("needle") :] == "needle"
    assert text.index("needle", at + 1) == text.rfind("needle")
    assert text.count("needle") == 2
    assert "needle" in text
    assert "nadel" not in text
    assert text.find("nadel") == -1
    with pytest.raises(ValueError, match="not found"):
        text.index("nadel")


def test_a_character_cut_by_a_slice_is_dropped(mapped):
    assert mapped("aäb")[0:2] == "a"
    assert mapped("aäb")[0] == "a"


def test_a_huge_slice_stays_a_view(mapped, monkeypatch):
    monkeypatch.setattr(text_view, "SLICE", 4)
    part = mapped("0123456789")[2:9]
    assert isinstance(part, Text)
    assert part[0:3] == "234"


def test_a_mapped_text_refuses_to_be_copied_whole_and_says_what_to_do(mapped):
    for use in (str, lambda text: text.lower(), lambda text: text + "x"):
        with pytest.raises(ValueError, match=r"corpus\.docs"):
            use(mapped("text"))


def test_lines_of_a_mapped_text_come_one_by_one(mapped):
    lines = mapped("a\n\x0cb\r\nc").splitlines()
    assert isinstance(lines, Lines)
    assert list(lines) == ["a", "\x0cb\r", "c"]
    assert len(lines) == 3
    assert list(mapped("a\nb").split("\n")) == ["a", "b"]


def test_re_takes_a_mapped_text_and_gives_str(mapped):
    shim = re_module()
    text = mapped("key=wért\nother=2\n")
    found = shim.search(r"(?P<k>\w+)=(\S+)", text)
    assert isinstance(found, Match)
    assert (found.group(1), found[2], found.groupdict()) == ("key", "wért", {"k": "key"})
    assert text[found.start() : found.end()] == "key=wért"
    assert shim.findall(r"^(\w+)=", text, shim.M) == ["key", "other"]
    assert [m.group() for m in shim.compile("O.HER", shim.I).finditer(text)] == ["other"]
    assert shim.split("\n", text) == ["key=wért", "other=2", ""]
    assert shim.match("nothing", text) is None


def test_re_is_otherwise_the_real_one():
    shim = re_module()
    assert shim.sub("a", "b", "banana") == "bbnbnb"
    assert shim.sub(shim.compile("A"), "b", "aA", 1) == "ab"
    assert shim.search("N", "banana", shim.IGNORECASE).start() == 2
    assert shim.escape("a.b") == re.escape("a.b")
    assert shim.findall(r"\d", small("a1b2")) == ["1", "2"]
    with pytest.raises(shim.error):
        shim.compile("(")
