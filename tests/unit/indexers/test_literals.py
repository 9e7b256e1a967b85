"""What a search can skip to: chosen so that no line is lost."""

import pytest

from rlm_indexers.search.literals import alternatives, from_literal


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (r"\w+_handler\(", r"_handler\("),
        (r"_(?:set|get)\(", r"_(?:set|get)\("),
        (r"def \w+_one(a|b)", r"def \w+_one(a|b)"),
        (r"^\s*return nil$", "return nil$"),
        (r"[a-z]{2,}\bfoo\b", r"foo\b"),
        (r"(?:foo|bar)+baz", "baz"),
        (r"x*y?z+wor{2}tends", "tends"),
        (r"(?i)\w+foo", "(?i)foo"),
        (r"a\.b\x41cd", r"a\.b\x41cd"),
        (r"\p{Greek}\pL[]x]word", "word"),
        (r"[[:alpha:]_]{3}tail", "tail"),
        ("é+ça", "ça"),
    ],
)
def test_a_pattern_is_looked_for_from_its_longest_plain_text_on(pattern, expected):
    assert from_literal(pattern) == expected


@pytest.mark.parametrize("pattern", ["", r"\w+", "foo|bar", "(?:foo)", r"\Qa+b\E", "a?b*", "[abc]"])
def test_where_no_text_must_stand_there_nothing_is_skipped_to(pattern):
    assert from_literal(pattern) == ""


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("TODO|FIX(ME|ED)", ["TODO", "FIX(ME|ED)"]),
        (r"a\|b|[|]c|", [r"a\|b", "[|]c", ""]),
        ("plain", ["plain"]),
        ("(?i)one|two", ["(?i)one|two"]),
    ],
)
def test_alternatives_are_told_apart_outside_groups_and_classes(pattern, expected):
    assert alternatives(pattern) == expected
