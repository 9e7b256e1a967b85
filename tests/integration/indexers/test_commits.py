"""Commits as documents: what a citation into the history stands for."""

import contextlib

import pytest

from rlm_indexers.corpus import Span
from rlm_indexers.errors import GitError, IndexerError, SourceError
from tests.integration.indexers.conftest import load


@pytest.fixture
def history(repo):
    return [
        repo.commit("Begin", a__py="one\ntwo\nthree\n", b__py="b\n"),
        repo.commit("Say it louder\n\nBecause nobody heard it.", a__py="one\nTWO\nthree\n"),
        repo.commit("Leave a.py alone", b__py="c\n"),
    ]


def test_the_history_of_a_file_is_one_citable_line_per_commit(repo, store, history):
    commits = load(store, repo.root).commits
    rows = commits.log("a.py")
    assert [row.document for row in rows] == [f"commit:{sha[:12]}:a.py" for sha in (history[1], history[0])]
    assert rows[0].text == f"{history[1][:12]} 2024-01-01 A: Say it louder"


def test_a_commit_as_a_document_says_when_who_why_and_what(repo, store, history):
    commits = load(store, repo.root).commits
    row = commits.log("a.py", limit=1)[0]
    lines = commits.text(row.document).decode().split("\n")
    assert lines[:3] == [row.text, "", "Because nobody heard it."]
    assert "-two" in lines
    assert "+TWO" in lines


def test_the_first_commit_shows_what_it_began_with(repo, store, history):
    text = load(store, repo.root).commits.text(f"commit:{history[0][:12]}:a.py").decode()
    assert text.startswith(f"{history[0][:12]} 2024-01-01 A: Begin\n")
    assert "+three" in text


def test_a_commit_that_does_not_touch_a_path_is_no_document_of_it(repo, store, history):
    commits = load(store, repo.root).commits
    with pytest.raises(SourceError, match="does not touch"):
        commits.text(f"commit:{history[2]}:a.py")
    with pytest.raises(GitError, match="names no commit"):
        commits.text("commit:0123456789ab")


@pytest.mark.parametrize("name", ["commit:HEAD", "commit:main:a.py", "commit:--all", "a.py", "commit:abc", "diff:HEAD"])
def test_what_is_no_name_of_a_commit_names_no_document(repo, store, history, name):
    assert load(store, repo.root).commits.text(name) is None


def test_blame_follows_lines_into_a_work_tree_that_was_edited_since(repo, store, history):
    repo.write("a.py", "zero\none\nTWO\nthree\n")
    rows = load(store, repo.root).commits.blame("a.py", 1, 4)
    assert [(row.start, row.end, row.document[7:19]) for row in rows] == [
        (2, 2, history[0][:12]),
        (3, 3, history[1][:12]),
        (4, 4, history[0][:12]),
    ]


def test_a_file_that_nobody_committed_has_no_blame(repo, store, history):
    repo.write("new.py", "x\n")
    with pytest.raises(SourceError, match="nobody has committed"):
        load(store, repo.root).commits.blame("new.py", 1, 1)


def test_a_difference_is_a_document_with_the_paths_first(repo, store, history):
    commits = load(store, repo.root).commits
    document = commits.diff(history[0])
    assert document == f"diff:{history[0][:12]}..{history[2][:12]}"
    lines = commits.text(document).decode().split("\n")
    assert lines[:3] == ["2 paths differ", "M a.py", "M b.py"]
    assert "+TWO" in lines
    assert "+c" in lines


def test_history_is_that_of_the_revision_which_was_loaded(repo, store, history):
    then = load(store, f"{repo.root}@{history[0]}").commits
    assert [row.text[13:] for row in then.log("a.py")] == ["2024-01-01 A: Begin"]


def test_a_folder_inside_a_repository_knows_the_history_of_its_files(repo, store, history):
    sha = repo.commit("Inside", **{"sub/c__py": "1\n"})
    commits = load(store, repo.root / "sub").commits
    assert [row.document for row in commits.log("c.py")] == [f"commit:{sha[:12]}:c.py"]
    assert "+1" in commits.text(f"commit:{sha[:12]}:c.py").decode()
    assert commits.text(commits.diff(history[0])).decode().startswith("1 path differs\nA c.py\n")


def test_a_clone_is_asked_through_its_mirror(repo, store, history):
    commits = load(store, f"file://{repo.root}").commits
    assert len(commits.log("a.py")) == 2
    assert commits.blame("a.py", 2, 2)[0].document == f"commit:{history[1][:12]}:a.py"


def test_a_corpus_without_git_has_no_history(store, tmp_path):
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain/a.py").write_text("a = 1\n")
    with pytest.raises(SourceError, match="no history"):
        load(store, tmp_path / "plain").commits.log()


@pytest.mark.parametrize("word", ["--output=x", "-p", "a\nb", "../../x", "/etc/passwd", "$(id)"])
def test_words_of_a_model_are_words(repo, store, history, word):
    commits = load(store, repo.root).commits
    for asked in (
        lambda: commits.log(word),
        lambda: commits.log(grep=word, author=word, since=word),
        lambda: commits.diff(word),
        lambda: commits.commit(word, word),
        lambda: commits.blame(word, 1, 1),
    ):
        with contextlib.suppress(IndexerError):
            asked()
    assert not (repo.root / "x").exists()


def test_a_citation_of_a_commit_says_that_it_was_made_from_git(repo, store, history):
    corpus = load(store, repo.root)
    document = corpus.commits.log("a.py")[0].document
    assert corpus.origin(Span(document, 1, 1)) == {"document": document, "made_from": "git"}


def test_earlier_names_of_a_file_are_documents_too(repo, store):
    first = repo.commit("Begin", old__py="one\ntwo\n")
    repo.git("mv", "old.py", "new.py")
    second = repo.commit("Rename")
    commits = load(store, repo.root).commits
    rows = commits.log("new.py")
    assert [row.document for row in rows] == [f"commit:{second[:12]}:new.py", f"commit:{first[:12]}:old.py"]
    assert commits.blame("new.py", 1, 1)[0].document == rows[1].document
    assert [commits.text(row.document).decode().split("\n")[0] for row in rows] == [row.text for row in rows]


def test_a_path_that_no_commit_touches_is_refused(repo, store, history):
    with pytest.raises(SourceError, match=r"no commit touches 'nowhere\.py'"):
        load(store, repo.root).commits.log("nowhere.py")


def test_head_is_what_was_loaded_whatever_is_checked_out_by_now(repo, store, history):
    commits = load(store, repo.root).commits
    repo.commit("Later", a__py="later\n")
    assert commits.commit("HEAD") == f"commit:{history[2][:12]}"
    assert commits.diff("HEAD~1") == commits.diff("@^") == f"diff:{history[1][:12]}..{history[2][:12]}"


def test_a_commits_document_stands_for_its_commit(repo, store, history):
    commits = load(store, repo.root).commits
    row = commits.log("a.py")[0]
    assert commits.commit(row.document) == row.document
    assert commits.commit(row.document, "b.py") == f"commit:{history[1][:12]}:b.py"
    assert commits.diff(row.document) == f"diff:{history[1][:12]}..{history[2][:12]}"


def test_blame_reads_what_was_committed_in_another_encoding(repo, store):
    sha = repo.commit("Latin", a__txt="caf\u00e9 au lait\nth\u00e9\n".encode("latin-1"))
    repo.commit("Again", a__txt="caf\u00e9 au lait\nth\u00e9 vert\n".encode("latin-1"))
    assert load(store, repo.root).commits.blame("a.txt", 1, 1)[0].document == f"commit:{sha[:12]}:a.txt"
