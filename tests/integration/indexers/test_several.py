"""Several sources loaded as one corpus."""

import pytest

from rlm_indexers.corpus import Span
from rlm_indexers.errors import SourceError
from tests.integration.indexers.conftest import load, skipped, texts
from tests.support.repositories import made


@pytest.fixture
def two(tmp_path):
    shop, bank = made(tmp_path / "all/shop"), made(tmp_path / "all/bank")
    shop.commit("Shop", a__py="def buy():\n    return 1\n")
    bank.commit("Bank", a__py="def pay():\n    return 2\n", b__py="b = 1\n")
    (tmp_path / "all/notes.txt").write_text("loose\n")
    return tmp_path / "all", shop, bank


def test_a_folder_of_repositories_is_one_corpus_of_them_all(two, store):
    folder, shop, _bank = two
    corpus = load(store, folder)
    assert list(texts(corpus)) == ["bank/a.py", "bank/b.py", "shop/a.py"]
    assert skipped(corpus) == {"notes.txt": "beside-repositories"}
    assert corpus.facts["sources"]["shop"]["revision"] == shop.git("rev-parse", "HEAD")
    assert corpus.origin(Span("shop/a.py", 1, 1))["file"] == str(shop.root / "a.py")


def test_sources_separated_by_commas_are_one_corpus(two, store, tmp_path):
    _, shop, bank = two
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers/rules.md").write_text("# Rules\n")
    corpus = load(store, f"{shop.root}, {bank.root},{tmp_path / 'papers'}")
    assert list(texts(corpus)) == ["bank/a.py", "bank/b.py", "papers/rules.md", "shop/a.py"]
    assert corpus.kind == "repo"
    assert load(store, corpus.info.source, kind=corpus.kind).id == corpus.id


def test_two_sources_of_one_name_are_kept_apart(store, tmp_path):
    for where in ("x", "y"):
        made(tmp_path / where / "app").commit(a__py=f"{where} = 1\n")
    corpus = load(store, f"{tmp_path}/x/app,{tmp_path}/y/app")
    assert texts(corpus) == {"app-2/a.py": b"y = 1\n", "app/a.py": b"x = 1\n"}


def test_a_change_in_one_refreshes_the_whole_like_a_clean_build(two, store, tmp_path):
    from rlm_indexers.store import Store

    folder, shop, _ = two
    before = load(store, folder)
    assert store.load(str(folder), cwd=folder).reused
    shop.write("a.py", "def buy():\n    return 3\n")
    after = load(store, folder)
    assert (after.id != before.id, after.facts["dirty"]) == (True, True)
    assert texts(after)["shop/a.py"].endswith(b"3\n")
    assert load(Store(tmp_path / "clean"), folder).id == after.id


def test_the_history_of_each_is_asked_by_its_name(two, store):
    folder, _shop, bank = two
    commits = load(store, folder).commits
    sha = bank.git("rev-parse", "HEAD")[:12]
    assert [row.document for row in commits.log("bank/a.py")] == [f"commit:{sha}:bank/a.py"]
    assert b"+def pay" in commits.text(f"commit:{sha}:bank/a.py")
    assert {row.document.rpartition(":")[2] for row in commits.log()} == {"bank", "shop"}
    assert b"+b = 1" in commits.text(f"commit:{sha}:bank")
    assert commits.blame("shop/a.py", 1, 1)[0].text.endswith("A: Shop")


def test_what_cannot_be_loaded_together_is_refused(two, store):
    for source in (f"{two[1].root},history:", f"history:all, {two[1].root}", "history:claude-code,history:codex"):
        with pytest.raises(SourceError, match="past sessions are loaded by themselves"):
            load(store, source)
    with pytest.raises(SourceError, match="only repositories and folders"):
        load(store, f"{two[1].root},{two[0]}")
    with pytest.raises(SourceError, match="there is no"):
        load(store, f"{two[1].root},nowhere")


def test_a_whole_repository_of_several_has_a_history_under_its_name(two, store):
    folder, shop, bank = two
    commits = load(store, folder).commits
    assert [row.document for row in commits.log("shop")] == [f"commit:{shop.git('rev-parse', 'HEAD')[:12]}:shop"]
    assert [row.document for row in commits.log("bank/")] == [f"commit:{bank.git('rev-parse', 'HEAD')[:12]}:bank"]


def test_the_commits_of_several_come_in_order_of_time_whatever_their_zone(two, store):
    folder, shop, bank = two
    for repo, when in ((shop, "2024-05-01T23:00:00-05:00"), (bank, "2024-05-02T01:00:00+09:00")):
        repo.write("a.py", when)
        repo.git("commit", "-qam", "Later", f"--date={when}")
    rows = load(store, folder).commits.log(limit=2)
    assert [(row.document.rpartition(":")[2], row.text[13:23]) for row in rows] == [
        ("shop", "2024-05-01"),
        ("bank", "2024-05-02"),
    ]


def test_a_commit_of_several_is_found_in_the_one_that_has_it(two, store):
    folder, shop, bank = two
    commits = load(store, folder).commits
    for name, repo in (("shop", shop), ("bank", bank)):
        sha = repo.git("rev-parse", "HEAD")
        assert commits.commit(sha) == f"commit:{sha[:12]}:{name}"
        assert commits.text(f"commit:{sha[:12]}") == commits.text(f"commit:{sha[:12]}:{name}")
        assert f"{name.capitalize()}".encode() in commits.text(f"commit:{sha[:12]}")
    shop.commit("Second", a__py="s = 2\n")
    again = load(store, folder).commits
    assert b"+s = 2" in again.text(again.diff("HEAD~1", path="shop"))


def test_a_revision_that_each_of_several_has_is_refused_until_a_path_says_which(two, store):
    folder, _shop, bank = two
    commits = load(store, folder).commits
    for ask in (lambda: commits.commit("HEAD"), lambda: commits.diff("main"), lambda: commits.diff("")):
        with pytest.raises(SourceError, match="in each of bank, shop: pass a path in one"):
            ask()
    assert commits.commit("HEAD", "bank/b.py") == f"commit:{bank.git('rev-parse', 'HEAD')[:12]}:bank/b.py"
    with pytest.raises(SourceError, match="names no commit"):
        commits.commit("nowhere")
    with pytest.raises(SourceError, match="is in none of bank/, shop/"):
        commits.log("elsewhere/a.py")
