"""A grammar or a query that does not fit disables one language, with a reason."""

import pytest

from rlm_indexers.symbols import extract, parsing
from rlm_indexers.symbols.parsing import Source


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch):
    """Two languages that cannot work."""
    monkeypatch.setitem(parsing.GRAMMARS, "misfit", Source("tree_sitter_go", 1, ("python",)))
    monkeypatch.setitem(parsing.GRAMMARS, "absent", Source("tree_sitter_absent"))


@pytest.mark.usefixtures("broken")
def test_a_query_that_does_not_compile_disables_its_language_only():
    state = parsing.state_of("misfit")
    assert not state.enabled
    assert state.reason.startswith("query-does-not-compile: ")
    assert extract("misfit", b"x").reason == state.reason
    assert extract("python", b"def f(): pass").symbols


@pytest.mark.usefixtures("broken")
def test_a_grammar_that_is_not_installed_disables_its_language_only():
    assert parsing.state_of("absent").reason == "grammar-not-installed: tree_sitter_absent"
    assert extract("absent", b"x").state == "text-only"


def test_the_version_changes_with_a_query(monkeypatch: pytest.MonkeyPatch):
    before = parsing.version()
    monkeypatch.setattr(parsing, "_installed", lambda module: "another")
    parsing.version.cache_clear()
    assert parsing.version() != before
    parsing.version.cache_clear()
