"""The states a repository can be in, and what its history then answers: each decided, and said."""

import shutil
from pathlib import Path

import pytest

from rlm_indexers.errors import GitError, SourceError
from rlm_indexers.past.evidence import Evidence
from tests.integration.indexers.conftest import load, skipped, texts
from tests.support.repositories import Repository, made


@pytest.fixture
def told(repo: Repository) -> list[str]:
    """Three commits of one file."""
    return [repo.commit(f"Say {n}", a__py=f"first\nsecond {n}\n") for n in (1, 2, 3)]


def cloned(repo: Repository, target: Path, *options: str) -> Repository:
    repo.git("clone", "-q", *options, f"file://{repo.root}", str(target))
    return Repository(target)


def test_a_shallow_history_says_where_it_is_cut(repo, told, tmp_path):
    evidence = Evidence(cloned(repo, tmp_path / "shallow", "--depth", "2").root)
    rows = [str(commit) for commit in evidence.log("a.py")]
    cut = f"{told[1][:12]} 2024-01-01 A: Say 2 (history is cut here: shallow clone)"
    assert rows == [f"{told[2][:12]} 2024-01-01 A: Say 3", cut]
    assert str(evidence.blame("a.py", 1, 1)[0].commit) == cut
    for path in ("", "a.py"):
        lines = evidence.commit(told[1], path).split("\n")
        assert (lines[0], lines[2][:41]) == (cut, "[what it changed is not known here: the c")
        assert "+first" not in lines, "all that is there would else look like its work"
    with pytest.raises(GitError, match=r"shallow clone.*git fetch --unshallow"):
        evidence.changed_since(told[0])


def test_a_shallow_history_is_whole_again_once_it_was_fetched(repo, told, tmp_path):
    shallow = cloned(repo, tmp_path / "shallow", "--depth", "1")
    evidence = Evidence(shallow.root)
    assert len(evidence.log("a.py")) == 1
    shallow.git("fetch", "-q", "--unshallow")
    assert [commit.cut for commit in evidence.log("a.py")] == [False] * 3


@pytest.mark.parametrize("left_out", ["blob:none", "tree:0"])
def test_a_partial_clone_fetches_nothing_and_says_what_is_not_here(repo, told, tmp_path, left_out, store):
    repo.git("config", "uploadpack.allowFilter", "true")
    partial = cloned(repo, tmp_path / "partial", f"--filter={left_out}")
    before = sorted((partial.root / ".git/objects").rglob("*"))
    evidence = Evidence(partial.root)
    assert [commit.subject for commit in evidence.log()] == ["Say 3", "Say 2", "Say 1"]
    text = evidence.commit(told[1])
    assert text.startswith(f"{told[1][:12]} 2024-01-01 A: Say 2\n")
    missing = [repo.git("rev-parse", f"{sha}:a.py") if left_out == "blob:none" else sha for sha in told[:2]]
    assert "[what it changed cannot be shown: " in text
    assert "git fetch --refetch --no-filter" in text
    assert [sha for sha in missing if sha in text], text
    with pytest.raises(GitError, match="partial clone"):
        evidence.diff(told[0])
    if left_out == "blob:none":
        assert [commit.subject for commit in evidence.log("a.py")] == ["Say 3", "Say 2", "Say 1"]
    else:
        with pytest.raises(GitError, match="partial clone"):
            evidence.log("a.py")
    assert texts(load(store, partial.root)) == {"a.py": b"first\nsecond 3\n"}
    assert sorted((partial.root / ".git/objects").rglob("*")) == before


def test_a_linked_worktree_has_the_history_of_its_own_branch(repo, told, tmp_path):
    repo.git("worktree", "add", "-q", str(tmp_path / "linked"), "-b", "side", told[0])
    linked = Repository(tmp_path / "linked")
    linked.commit("Aside", a__py="first\naside\n")
    evidence = Evidence(linked.root)
    assert [commit.subject for commit in evidence.log("a.py")] == ["Aside", "Say 1"]
    assert "+aside" in evidence.commit("HEAD", "a.py")
    assert evidence.name("main") == told[2]


def test_a_detached_head_has_the_history_of_what_is_checked_out(repo, told):
    repo.git("checkout", "-q", "--detach", told[1])
    assert [commit.subject for commit in Evidence(repo.root).log("a.py")] == ["Say 2", "Say 1"]


def test_a_bare_repository_has_a_history(repo, told, tmp_path, store):
    bare = cloned(repo, tmp_path / "bare.git", "--bare")
    commits = load(store, bare.root).commits
    assert [row.text[24:] for row in commits.log("a.py")] == ["A: Say 3", "A: Say 2", "A: Say 1"]
    assert commits.blame("a.py", 2, 2)[0].document == f"commit:{told[2][:12]}:a.py"


def test_a_repository_without_a_commit_has_no_history_yet(repo, store):
    repo.write("a.py", "a = 1\n")
    with pytest.raises(SourceError, match="no history"):
        load(store, repo.root).commits.log()
    with pytest.raises(GitError, match="'HEAD' names no commit"):
        Evidence(repo.root).log()


def test_a_submodule_changes_as_a_name_and_has_its_own_history(repo, tmp_path):
    inner = made(tmp_path / "inner")
    then = inner.commit("Inner one", i__py="1\n")
    repo.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner.root), "sub")
    repo.commit("Add it")
    now = inner.commit("Inner two", i__py="2\n")
    Repository(repo.root / "sub").git("pull", "-q", "origin", "main")
    repo.commit("Move it on")
    patch = Evidence(repo.root).commit("HEAD", "sub")
    assert f"-Subproject commit {then}" in patch
    assert f"+Subproject commit {now}" in patch
    assert [commit.subject for commit in Evidence(repo.root / "sub").log("i.py")] == ["Inner two", "Inner one"]


def test_a_large_file_kept_elsewhere_changes_as_the_pointer_that_was_committed(repo, store):
    for oid in "ab":
        pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid * 64}\nsize 5\n"
        repo.write(".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n")
        repo.commit(f"Model {oid}", m__bin=pointer)
    corpus = load(store, repo.root)
    assert skipped(corpus) == {"m.bin": "lfs-pointer: 5 bytes are not here"}
    assert f"+oid sha256:{'b' * 64}" in corpus.commits.text(corpus.commits.log("m.bin")[0].document).decode()


def test_a_rebase_that_has_stopped_is_read_as_it_lies_there(repo, told, store):
    repo.git("checkout", "-qb", "side", told[0])
    repo.commit("Contrary", a__py="first\ncontrary\n")
    repo.git("rebase", "main", check=False)
    (repo.root / ".git/index.lock").touch()
    assert (repo.root / ".git/rebase-merge").exists()
    corpus = load(store, repo.root)
    assert (corpus.facts["revision"], corpus.facts["branch"], corpus.facts["dirty"]) == (told[2], None, True)
    assert b"<<<<<<<" in texts(corpus)["a.py"]
    assert [row.text[24:] for row in corpus.commits.log("a.py")] == ["A: Say 3", "A: Say 2", "A: Say 1"]


def test_a_history_that_was_taken_away_is_missed_in_words(repo, told, store):
    corpus = load(store, repo.root)
    commits = corpus.commits
    shutil.rmtree(repo.root)
    with pytest.raises(SourceError):
        commits.log("a.py")
    assert texts(corpus) == {"a.py": b"first\nsecond 3\n"}
