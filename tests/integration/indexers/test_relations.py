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


def many(count):
    return {f"m{n:03}.py": "def f(x):\n    x.get()\n    x.get(1)\n" for n in range(count)}


def test_a_limit_cuts_the_edges_and_the_total_stays_true(repo, store):
    repo.commit("many", **{name.replace(".", "__"): text for name, text in many(30).items()})
    corpus = load(store, repo.root)
    found = corpus.relations.references("get", limit=7)
    assert (len(found), found.total, found.complete) == (7, 60, True)


def test_what_is_kept_of_many_edges_is_what_is_sure(repo, store):
    texts = many(10) | {"zoo.py": "class Z:\n    def get(self): ...\n    def f(self):\n        self.get()\n"}
    repo.commit("many", **{name.replace(".", "__"): text for name, text in texts.items()})
    found = load(store, repo.root).relations.callers("Z.get", limit=1)
    assert edges(found) == [("zoo.py", 4, "Z.f", "resolved", 1)]


def test_more_documents_than_are_read_make_the_total_a_lower_bound(repo, store, monkeypatch):
    monkeypatch.setattr("rlm_indexers.relations.questions.READ", 5)
    texts = many(9) | {"zoo.py": "class Z:\n    def get(self): ...\n", "zee.py": "class Y:\n    def get(self): ...\n"}
    repo.commit("many", **{name.replace(".", "__"): text for name, text in texts.items()})
    relations = load(store, repo.root).relations
    found = relations.callers("Z.get")
    assert (len(found), found.total, found.complete) == (10, 10, False)
    assert relations.references("get").total == 18


def test_a_question_that_nobody_waits_for_any_more_ends(corpus):
    found = corpus.relations.references("work", stop=lambda: True)
    assert (list(found), found.complete) == ([], False)
    assert corpus.relations.references("work").complete


def test_the_index_of_names_is_the_same_after_an_edit_as_after_a_clean_build(repo, store, tmp_path, corpus):
    from rlm_indexers.store import Store

    corpus.relations.references("work")
    repo.write("app/core.py", "def work(n):\n    return other(n)\n")
    refreshed, clean = load(store, repo.root), load(Store(tmp_path / "clean"), repo.root)
    for each in (refreshed, clean):
        each.relations.references("work")
    assert refreshed.path.with_name("names").read_bytes() == clean.path.with_name("names").read_bytes()


def test_a_broken_index_of_names_is_made_anew(corpus):
    expected = corpus.relations.references("work")
    file = corpus.path.with_name("names")
    file.write_bytes(file.read_bytes()[:-3])
    assert corpus.named("again").relations.references("work") == expected
