"""Facts survive being kept."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_indexers.symbols import (
    Facts,
    ImportFact,
    ReferenceFact,
    SymbolFact,
    facts_from_json,
    facts_to_json,
    symbol_rows,
    text_only,
)

names = st.text(max_size=8)
lines = st.integers(1, 10**6)
symbols = st.builds(SymbolFact, names, names, names, lines, lines, lines, names, names, lines, lines)
references = st.builds(ReferenceFact, names, lines, st.sampled_from(["call", "type", "import", "name"]), names, names)
imports = st.builds(ImportFact, names, names, names, lines)
everything = st.builds(
    Facts,
    st.lists(symbols, max_size=5).map(tuple),
    st.lists(references, max_size=9).map(tuple),
    st.lists(imports, max_size=5).map(tuple),
    st.just("parsed"),
    names,
)


@given(everything)
def test_facts_come_back_from_json_as_they_were(facts: Facts):
    assert facts_from_json(facts_to_json(facts)) == facts


def test_text_only_facts_keep_their_reason():
    assert facts_from_json(facts_to_json(text_only("binary"))) == Facts(state="text-only", reason="binary")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"state":"odd"}', '{"symbols":[[1]]}', "null", '"x"'])
def test_anything_else_is_refused_with_a_value_error(text: str):
    with pytest.raises(ValueError):  # noqa: PT011 - json's own error is one
        facts_from_json(text)


@given(symbols, names)
def test_rows_of_a_pack_are_what_json_writes(symbol: SymbolFact, language: str):
    value = {**symbol._asdict(), "language": language}
    expected = json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"
    assert symbol_rows([symbol], language) == expected.encode()


def test_rows_of_a_pack_start_with_name_and_qualname():
    row = symbol_rows([SymbolFact('na"me', "q.na", "function", 3, 2, 5, "q", "def f")], "python")
    assert row.startswith(b'{"name":"na\\"me","qualname":"q.na",')
    assert row.endswith(b"\n")
    assert json.loads(row)["language"] == "python"
