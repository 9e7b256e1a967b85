"""A git directory that leads into another repository, or borrows its objects: nothing of the other one is shown."""

import subprocess
from pathlib import Path

import pytest

from rlm_indexers.errors import SourceError
from rlm_indexers.git import checkout
from rlm_indexers.store import Store
from tests.integration.indexers.conftest import load, texts
from tests.support.repositories import Repository, made


@pytest.fixture
def private(tmp_path: Path) -> Repository:
    made(tmp_path / "private").commit(secret__py="secret = 1\n")
    return Repository(tmp_path / "private")


@pytest.mark.parametrize("how", ["git-file", "commondir", "git-link", "worktree-commondir", "links-in-commondir"])
def test_a_git_directory_that_leads_into_another_repository_is_not_believed(how, tmp_path, private, store):
    root = tmp_path / "bait"
    root.mkdir()
    (root / "bait.py").write_text("bait = 1\n")
    theirs = private.root / ".git"
    if how == "git-file":
        (root / ".git").write_text(f"gitdir: {theirs}\n")
    elif how == "git-link":
        (root / ".git").symlink_to(theirs)
    elif how == "links-in-commondir":
        shared = root / "shared"
        (shared / "worktrees/x").mkdir(parents=True)
        (shared / "HEAD").write_text("ref: refs/heads/main\n")
        for part in ("objects", "refs"):
            (shared / part).symlink_to(theirs / part)
        (root / ".git").write_text("gitdir: shared/worktrees/x\n")
        for name, text in {"gitdir": f"{root}/.git", "commondir": "../..", "HEAD": "ref: refs/heads/main"}.items():
            (shared / "worktrees/x" / name).write_text(f"{text}\n")
    elif how == "worktree-commondir":
        (root / ".git").write_text("gitdir: fake\n")
        (root / "fake").mkdir()
        (root / "fake/gitdir").write_text(f"{root}/.git\n")
        (root / "fake/commondir").write_text(f"{theirs}\n")
        (root / "fake/HEAD").write_text("ref: refs/heads/main\n")
    else:
        Repository(root).git("init", "-q", "-b", "main")
        (root / ".git/commondir").write_text(f"{theirs}\n")
    assert_not_believed(root, store)


@pytest.mark.parametrize("parts", ["objects refs", "objects/pack", "index", "packed-refs"])
def test_a_git_directory_made_of_links_to_anothers_is_not_believed(parts, tmp_path, private, store):
    private.git("repack", "-adq")
    private.git("pack-refs", "--all")
    bait = made(tmp_path / "bait")
    bait.write("bait.py", "bait = 1\n")
    for part in parts.split():
        subprocess.run(["rm", "-rf", str(bait.root / ".git" / part)], check=True)
        (bait.root / ".git" / part).symlink_to(private.root / ".git" / part)
    assert_not_believed(bait.root, store)


def assert_not_believed(root: Path, store: Store) -> None:
    assert checkout.find(root) is None
    assert load(store, root, kind="repo").facts["git"] is False
    with pytest.raises(SourceError, match="no git repository"):
        load(store, f"{root}@HEAD")


def test_borrowed_objects_do_not_bring_foreign_text(private, repo, store):
    private.git("pack-refs", "--all")
    (repo.root / ".git/objects/info").mkdir(exist_ok=True)
    (repo.root / ".git/objects/info/alternates").write_text(f"{private.root}/.git/objects\n")
    (repo.root / ".git/packed-refs").write_bytes((private.root / ".git/packed-refs").read_bytes())
    assert repo.git("show", "HEAD:secret.py") == "secret = 1", "the control: git itself reads it"
    repo.write("a.py", "a = 1\n")
    assert set(texts(load(store, repo.root))) == {"a.py"}
    with pytest.raises(SourceError, match="borrows objects"):
        load(store, f"{repo.root}@HEAD")


def test_a_clone_that_borrows_its_objects_is_read_and_says_how_it_can_own_them(repo, store, tmp_path):
    repo.commit("Begin", a__py="a = 1\n")
    repo.git("clone", "-q", "--shared", str(repo.root), str(tmp_path / "shared"))
    shared = Repository(tmp_path / "shared")
    corpus = load(store, shared.root)
    assert (set(texts(corpus)), corpus.facts["dirty"]) == ({"a.py"}, None)
    with pytest.raises(SourceError, match="git repack -a -d && rm"):
        corpus.commits.log("a.py")
    shared.git("repack", "-adq")
    (shared.root / ".git/objects/info/alternates").unlink()
    assert [row.text[24:] for row in load(store, shared.root).commits.log("a.py")] == ["A: Begin"]
