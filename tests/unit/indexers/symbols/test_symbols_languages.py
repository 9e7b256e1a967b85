"""Each language in one small file: what is defined, as what, on which lines, inside what; what is used and imported."""

from pathlib import Path

import pytest

from rlm_indexers.symbols import LANGUAGES, SymbolFact, extract, supported

SAMPLES = Path(__file__).with_name("samples")


def described(language: str, data: bytes) -> str:
    facts = extract(language, data)
    parts = [
        [f"{facts.state} {facts.reason}".strip()],
        [symbol_line(each) for each in facts.symbols],
        [f"{r.role} {r.receiver or '-'} {r.name} @{r.line} in {r.enclosing or '-'}" for r in facts.references],
        [f"import {i.module} {i.name or '-'} {i.alias or '-'} @{i.line}" for i in facts.imports],
    ]
    return "\n\n".join("\n".join(part) for part in parts).rstrip() + "\n"


def symbol_line(symbol: SymbolFact) -> str:
    doc = f" doc {symbol.doc_start}-{symbol.doc_end}" if symbol.doc_start else ""
    return f"{symbol.kind} {symbol.qualname} @{symbol.line} {symbol.start_line}-{symbol.end_line}{doc}"


@pytest.mark.parametrize("sample", sorted(SAMPLES.glob("*.txt")), ids=lambda path: path.name)
def test_a_sample_gives_the_facts_written_down_beside_it(sample: Path):
    language = sample.name.split(".")[0]
    expected = sample.with_suffix(".facts").read_text("utf-8")
    assert described(language, sample.read_bytes()) == expected


def test_every_language_whose_grammar_we_depend_on_is_enabled():
    optional = {"dart", "elixir", "fortran", "ocaml"}
    disabled = {name: state.reason for name, state in supported().items() if not state.enabled}
    assert set(disabled) <= optional


def test_every_tier_one_language_has_a_sample():
    tier_one = {name for name, state in supported().items() if state.tier == 1 and name != "python"}
    assert tier_one <= {path.name.split(".")[0] for path in SAMPLES.glob("*.txt")}


def test_languages_are_those_that_are_said_to_be_supported():
    assert set(supported()) == LANGUAGES
