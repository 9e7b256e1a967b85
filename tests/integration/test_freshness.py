"""A corpus asked about again: brought up to date first, or said not to be."""

import asyncio
import shutil
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from rlm_indexers.store import Store
from rlm_mcp.errors import LowerError
from rlm_mcp.library import Library, Opened
from rlm_mcp.reading import Page
from tests.support.repositories import Repository, made


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    repo = made(tmp_path / "shop")
    repo.commit("Begin", a__py="a = 1\n", b__py="b = 1\n")
    return repo


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(Store(tmp_path / "cache"), tmp_path)


def asked(library: Library, corpus: str) -> Opened:
    return asyncio.run(library.resolve(corpus))


def text(opened: Opened, document: str = "a.py") -> str:
    pack = opened.corpus.pack
    return pack.text(opened.corpus.document(document))


def used(opened: Opened) -> tuple[str, bool]:
    return opened.info["revision"], opened.info["dirty"]


def test_a_name_means_the_present_state_of_its_source(repo: Repository, library: Library):
    first = repo.git("rev-parse", "HEAD")
    assert used(asked(library, "shop")) == (first, False)
    repo.write("a.py", "a = 2\n")
    edited = asked(library, "shop")
    assert (text(edited), used(edited), edited.stale) == ("a = 2\n", (first, True), "")
    repo.git("checkout", "-qb", "side")
    second = repo.commit("Edit")
    repo.git("checkout", "-q", "main")
    assert (text(asked(library, "shop")), used(asked(library, "shop"))) == ("a = 1\n", (first, False))
    repo.git("checkout", "-q", "side")
    assert (text(asked(library, "shop")), used(asked(library, "shop"))) == ("a = 2\n", (second, False))


def test_a_name_given_with_a_source_means_that_source_from_then_on(repo: Repository, library: Library):
    asked(library, str(repo.root))
    asyncio.run(library.load(str(repo.root), name="mine"))
    repo.write("a.py", "a = 2\n")
    assert (text(asked(library, "mine")), asked(library, "mine").corpus.name) == ("a = 2\n", "mine")


def test_of_two_sources_with_one_name_the_first_keeps_it(repo: Repository, library: Library, tmp_path: Path):
    asked(library, str(repo.root))
    other = made(tmp_path / "elsewhere" / "shop")
    other.commit("Begin", a__py="other = 1\n")
    second = asked(library, str(other.root)).corpus.name
    library = Library(Store(tmp_path / "cache"), tmp_path / "elsewhere" / "nowhere")
    assert second.startswith("shop-")
    assert [text(asked(library, name)) for name in ("shop", second)] == ["a = 1\n", "other = 1\n"]


def test_an_id_means_one_state_for_ever_and_says_so(repo: Repository, library: Library):
    before = asked(library, "shop")
    repo.write("a.py", "a = 2\n")
    again = asked(library, before.corpus.id)
    assert text(again) == "a = 1\n"
    assert "an id names one state for ever" in again.stale


@pytest.mark.parametrize("how", ["name", "path", "path@revision"])
def test_a_source_that_is_gone_is_answered_from_what_was_loaded_and_says_so(
    repo: Repository, library: Library, how: str
):
    source = {"name": "shop", "path": str(repo.root), "path@revision": f"{repo.root}@main"}[how]
    before = asked(library, source)
    shutil.rmtree(repo.root)
    after = asked(library, source)
    assert after.corpus.id == before.corpus.id
    assert "its source could not be read again: " in after.stale


def test_what_is_read_of_a_source_that_is_gone_says_so(repo: Repository, library: Library):
    asked(library, "shop")
    shutil.rmtree(repo.root)
    _, found = asyncio.run(library.read("shop", "a.py", Page(10)))
    assert (found.texts, "could not be read again" in found.caveat) == (("1| a = 1",), True)


def test_a_commit_that_an_answer_cites_is_read_like_any_document(repo: Repository, library: Library):
    sha = repo.commit("Raise a\n\nIt was too low.", a__py="a = 2\n")[:12]
    for query, texts in {
        f"commit:{sha}:a.py:1-3": f"1| {sha} 2024-01-01 A: Raise a\n2| \n3| It was too low.",
        f"commit:{sha}:3": "3| It was too low.",
        f"commit:{sha[:8]}:a.py:1": f"1| {sha} 2024-01-01 A: Raise a",
    }.items():
        _, found = asyncio.run(library.read("shop", query, Page(10)))
        assert (found.kind, found.texts) == ("lines", (texts,)), query
    assert asyncio.run(library.read("shop", f"commit:{sha}:a.py", Page(50)))[1].texts[0].endswith("\n11| +a = 2")
    with pytest.raises(LowerError, match="does not touch"):
        asyncio.run(library.read("shop", f"commit:{sha}:b.py", Page(10)))


def test_a_remote_that_is_gone_is_answered_from_what_was_loaded(repo: Repository, library: Library):
    url = f"file://{repo.root}@main"
    before = asked(library, url)
    assert asked(library, before.corpus.name).stale == ""
    repo.root.rename(repo.root.with_name("elsewhere"))
    for name in (url, before.corpus.name):
        after = asked(library, name)
        assert (after.corpus.id, "could not be read again" in after.stale) == (before.corpus.id, True)


def test_a_branch_that_moved_upstream_is_followed(repo: Repository, library: Library):
    url = f"file://{repo.root}@main"
    assert text(asked(library, url)) == "a = 1\n"
    moved = repo.commit("Move on", a__py="a = 2\n")
    after = asked(library, url)
    assert (text(after), used(after)) == ("a = 2\n", (moved, False))


def test_a_source_that_was_never_loaded_is_an_error(library: Library, tmp_path: Path):
    with pytest.raises(LowerError, match="Loaded: nothing"):
        asked(library, str(tmp_path / "nowhere"))


def test_each_of_several_sources_says_its_own_state(repo: Repository, library: Library, tmp_path: Path):
    other = made(tmp_path / "bank")
    other.commit("Begin", c__py="c = 1\n")
    both = f"{repo.root},{other.root}"
    asked(library, both)
    other.write("c.py", "c = 2\n")
    after = asked(library, both)
    assert text(after, "bank/c.py") == "c = 2\n"
    assert after.info["sources"] == {
        "bank": {"revision": other.git("rev-parse", "HEAD"), "dirty": True},
        "shop": {"revision": repo.git("rev-parse", "HEAD"), "dirty": False},
    }
    assert (after.info["revision"], after.info["dirty"]) == (None, True)


class Counting(ThreadPoolExecutor):
    """An executor that keeps what it was given to do."""

    def __init__(self) -> None:
        super().__init__(1)
        self.given: list[Any] = []

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.given.append((fn, args, kwargs))
        return super().submit(fn, *args, **kwargs)


def test_what_branches_worktrees_and_clones_share_is_parsed_once(repo: Repository, tmp_path: Path):
    with Counting() as executor:
        store = Store(tmp_path / "cache", executor)

        def loaded(source: object) -> str:
            executor.given.clear()
            store.load(str(source), cwd=tmp_path)
            return repr(executor.given)

        assert "b = 1" in loaded(repo.root)
        repo.git("worktree", "add", "-q", str(tmp_path / "linked"), "-b", "side")
        repo.git("clone", "-q", str(repo.root), str(tmp_path / "clone"))
        (tmp_path / "copy").mkdir()
        (tmp_path / "copy/other_name.py").write_text("b = 1\n")
        sources = [tmp_path / "linked", tmp_path / "clone", tmp_path / "copy", f"{repo.root}@main"]
        sources += [f"file://{repo.root}", f"{repo.root},{tmp_path}/clone"]
        assert [loaded(source) for source in sources] == ["[]"] * len(sources)
        Repository(tmp_path / "linked").commit("Change one", a__py="a = 'new'\n")
        told = loaded(tmp_path / "linked")
        assert ("'new'" in told, "b = 1" in told) == (True, False)
