"""Which definition is which, and which lines are its own: read from a loaded repository, as a user sees it."""

from pathlib import Path

import pytest

from rlm_indexers.snapshot import Corpus
from rlm_indexers.store import Store
from rlm_indexers.symbols import workers
from tests.support.repositories import made

PYTHON = b'''from typing import overload

class Shop:
    @property
    # between
    def price(self):
        """In cents."""
        return self._price
        # about the price

    @price.setter
    def price(self, value):
        self._price = value

    @overload
    def find(self, key: int): ...
    @overload
    def find(self, key: str): ...
    def find(self, key):
        return key
    # the end of the shop


def closed():
    pass
'''
TYPESCRIPT = b"""/** Finds by number. */
export function find(key: number): void;
/** Finds by name. */
export function find(key: string): void;
export function find(key: any): void {
  void key;
}
// about nothing

export function last() {}
"""
SOURCES = {
    "shop.py": PYTHON,
    "shop.ts": TYPESCRIPT,
    "crlf.py": PYTHON.replace(b"\n", b"\r\n"),
    "feed.py": b"a = 1\n\x0c\ndef f():\n    pass\n\x0c\ndef g():\n    return '\x0c'\n",
    "cr.py": b"a = 1\rb = 2\ndef f():\n    pass\r    # same line\n\ndef g():\n    pass\n",
    "latin.py": "# -*- coding: latin-1 -*-\n# caf\u00e9\ndef caf\u00e9(x='\u00e9'):\n    return x\n".encode("latin-1"),
    "refused.py": b"from __future__ import *\n\n@first\n\ndef f():\n    pass\n    # after\n\ndef g():\n    pass\n",
}
"""Lines that end in many ways, a name in another encoding, and what Python accepts and tree-sitter does not."""


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return _loaded(tmp_path_factory.mktemp("identity"), SOURCES)


def _loaded(folder: Path, files: dict[str, bytes]) -> Corpus:
    repository = made(folder / "repo")
    repository.commit(**{name.replace(".", "__"): data for name, data in files.items()})
    return Store(folder / "cache").load(str(repository.root), cwd=folder).corpus


def places(corpus: Corpus, path: str, name: str = "*") -> list[tuple[str, int, int, int]]:
    found = corpus.symbols(path, name)
    return [(each.qualname, each.line, each.start_line, each.end_line) for each in found]


def test_a_property_and_its_setter_are_two_with_decorators_in_their_spans_and_later_comments_not(corpus: Corpus):
    assert places(corpus, "shop.py", "price") == [("Shop.price", 6, 4, 8), ("Shop.price", 12, 11, 13)]


def test_overloads_are_as_many_as_are_written_in_their_order(corpus: Corpus):
    assert places(corpus, "shop.py", "find") == [
        ("Shop.find", 16, 15, 16),
        ("Shop.find", 18, 17, 18),
        ("Shop.find", 19, 19, 20),
    ]
    assert places(corpus, "shop.ts", "find") == [("find", 2, 1, 2), ("find", 4, 3, 4), ("find", 5, 5, 7)]


def test_a_class_ends_with_its_last_statement(corpus: Corpus):
    assert places(corpus, "shop.py", "Shop") == [("Shop", 3, 3, 20)]
    assert places(corpus, "shop.py", "closed") == [("closed", 24, 24, 25)]


def test_lines_that_end_in_two_characters_are_the_same_lines(corpus: Corpus):
    assert places(corpus, "crlf.py") == places(corpus, "shop.py")


def test_neither_form_feeds_nor_lone_carriage_returns_end_a_line(corpus: Corpus):
    assert places(corpus, "feed.py") == [("a", 1, 1, 1), ("f", 3, 3, 4), ("g", 6, 6, 7)]
    assert [each for each in places(corpus, "cr.py") if each[0] in "fg"] == [("f", 2, 2, 3), ("g", 5, 5, 6)]


def test_a_source_in_another_encoding_has_the_names_its_author_wrote(corpus: Corpus):
    assert places(corpus, "latin.py") == [("caf\u00e9", 3, 3, 4)]


def test_what_python_accepts_and_tree_sitter_does_not_has_the_spans_of_all_python(corpus: Corpus):
    assert places(corpus, "refused.py") == [("f", 5, 3, 6), ("g", 9, 9, 10)]


def test_every_line_said_of_a_symbol_is_one_where_its_name_stands(corpus: Corpus):
    symbols = list(corpus.symbols())
    assert {each.document for each in symbols} == set(SOURCES)
    for each in symbols:
        line = corpus.pack.lines(corpus.document(each.document), each.line, each.line)
        assert each.name in line.decode()


def test_a_query_that_does_not_fit_its_grammar_costs_its_language_alone_and_the_load_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """As after a release of the Go grammar that renamed what our query asks for."""
    newer = (
        "import sys; sys.path.insert(0, sys.argv[1]);"
        "from rlm_indexers.symbols import child, parsing; of = parsing.query_text;"
        "parsing.query_text = lambda source: of(source).replace('function_declaration', 'renamed')"
        " if source.queries == ('go',) else of(source);"
        "child.main(sys.argv[2:])"
    )
    monkeypatch.setattr(workers, "_START", newer)
    corpus = _loaded(tmp_path, {"a.go": b"package a\n\nfunc f() {}\n", "b.py": b"def f(): pass\n"})
    (failed,) = corpus.coverage.without_symbols
    assert failed.id == "a.go"
    assert failed.reason.startswith("query-does-not-compile: ")
    assert "renamed" in failed.reason
    assert corpus.coverage.as_json()["text_only_by_reason"] == {"query-does-not-compile": 1}
    assert [(each.document, each.name) for each in corpus.symbols()] == [("b.py", "f")]
