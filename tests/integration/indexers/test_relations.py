"""Who calls what, over real loaded corpora: each edge with its line, its enclosing symbol and how sure it is."""

import pytest

from tests.integration.indexers.conftest import load

FILES = {
    "app/__init__.py": "from .core import work\n",
    "app/core.py": "def work(n):\n    return helper(n)\n\n\ndef helper(n):\n    return n\n",
    "app/cli.py": (
        "from app.core import work as run\nimport app.core\n\n\ndef main():\n    run(1)\n    app.core.helper(2)\n"
    ),
    "app/other.py": "class Box:\n    def put(self):\n        self.check()\n\n    def check(self):\n        return 1\n",
    "app/more.py": "class Bag:\n    def check(self):\n        return 2\n\n\ndef use(thing):\n    thing.check()\n",
    "notes.md": "Call work and helper.\n",
}


@pytest.fixture
def corpus(repo, store):
    for path, text in FILES.items():
        repo.write(path, text)
    repo.commit()
    return load(store, repo.root)


def edges(found):
    return [(e.document, e.line, e.enclosing, e.confidence, e.candidates) for e in found]


def test_a_caller_is_found_through_an_import_under_another_name(corpus):
    assert edges(corpus.relations.callers("work")) == [("app/cli.py", 6, "main", "resolved", 1)]


def test_a_caller_is_found_through_the_module_it_is_called_on(corpus):
    assert edges(corpus.relations.callers("app/core.py:helper")) == [
        ("app/cli.py", 7, "main", "resolved", 1),
        ("app/core.py", 2, "work", "resolved", 1),
    ]


def test_a_call_that_may_mean_several_definitions_says_how_many(corpus):
    assert edges(corpus.relations.callers("Box.check")) == [
        ("app/more.py", 7, "use", "ambiguous", 2),
        ("app/other.py", 3, "Box.put", "resolved", 1),
    ]


def test_references_hold_the_imports_too(corpus):
    lines = {(e.document, e.line, e.role) for e in corpus.relations.references("work")}
    assert {("app/__init__.py", 1, "import"), ("app/cli.py", 1, "import"), ("app/cli.py", 6, "call")} <= lines


def test_callees_name_what_they_mean(corpus):
    found = corpus.relations.callees("main")
    meant = {(e.line, e.target.document, e.target.symbol.qualname) for e in found if e.target}
    assert meant == {(6, "app/core.py", "work"), (7, "app/core.py", "helper")}


def test_importers_of_a_file_are_found_with_the_line(corpus):
    found = corpus.relations.importers("app/core.py")
    assert [(e.document, e.line) for e in found] == [("app/__init__.py", 1), ("app/cli.py", 1), ("app/cli.py", 2)]


def test_a_symbol_that_is_not_there_has_no_callers(corpus):
    assert corpus.relations.callers("nowhere") == []
    assert corpus.relations.importers("nowhere.py") == []


def test_answers_are_the_same_after_an_edit_as_after_a_clean_build(repo, store, tmp_path, corpus):
    from rlm_indexers.store import Store

    repo.write("app/core.py", "def work(n):\n    return 1\n\n\ndef helper(n):\n    return work(n)\n")
    refreshed, clean = load(store, repo.root), load(Store(tmp_path / "clean"), repo.root)
    for name in ("work", "helper", "check"):
        assert refreshed.relations.references(name) == clean.relations.references(name)
    assert edges(refreshed.relations.callers("work")) != edges(corpus.relations.callers("work"))


def test_a_lost_cache_of_facts_costs_time_and_nothing_else(store, tmp_path, corpus):
    expected = corpus.relations.callers("helper")
    for file in (tmp_path / "cache").glob("facts.sqlite*"):
        file.unlink()
    assert corpus.named("again").relations.callers("helper") == expected
