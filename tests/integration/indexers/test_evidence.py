"""When and why something changed, asked of real histories."""

import pytest

from rlm_indexers.errors import GitError, SourceError
from rlm_indexers.evidence import Change, Evidence
from tests.support.repositories import Repository


@pytest.fixture
def history(repo: Repository) -> tuple[Repository, list[str]]:
    commits = [
        repo.commit("Begin", a__py="one\ntwo\nthree\n", b__py="b\n" * 30),
        repo.commit("Fix the second line", a__py="one\nTWO\nthree\n"),
    ]
    repo.git("mv", "b.py", "c.py")
    commits.append(repo.commit("Rename b"))
    return repo, commits


def test_the_log_of_a_path_names_the_commits_that_touched_it(history):
    repo, commits = history
    found = Evidence(repo.root).log("a.py")
    assert [(c.sha, c.subject, c.author) for c in found] == [
        (commits[1], "Fix the second line", "A"),
        (commits[0], "Begin", "A"),
    ]


def test_the_log_can_be_held_to_words_authors_dates_and_numbers(history):
    repo, commits = history
    evidence = Evidence(repo.root)
    assert [c.sha for c in evidence.log(grep="second LINE")] == [commits[1]]
    assert evidence.log(author="nobody") == evidence.log(since="2030-01-01") == []
    assert [c.sha for c in evidence.log(limit=1)] == [commits[2]]
    assert [c.sha for c in evidence.log(revision="HEAD~2")] == [commits[0]]


def test_blame_gives_each_run_of_lines_its_commit(history):
    repo, commits = history
    found = Evidence(repo.root).blame("a.py", 1, 3)
    assert [(b.start, b.end, b.commit.sha) for b in found] == [
        (1, 1, commits[0]),
        (2, 2, commits[1]),
        (3, 3, commits[0]),
    ]
    assert found[0].commit.date.startswith("2024-01-01")


def test_what_changed_between_two_commits_is_listed_and_shown(history):
    repo, commits = history
    evidence = Evidence(repo.root)
    assert evidence.changed_since(commits[0]) == [Change("M", "a.py"), Change("R", "c.py", "b.py")]
    assert "+TWO" in evidence.diff(commits[0], path="a.py")
    assert "rename from b.py" in evidence.diff(commits[0])


def test_what_is_not_there_is_an_error_that_says_so(history, tmp_path):
    repo, _ = history
    with pytest.raises(GitError, match="names no commit"):
        Evidence(repo.root).log(revision="--all")
    with pytest.raises(GitError):
        Evidence(repo.root).blame("a.py", 50, 99)
    with pytest.raises(SourceError, match="no git repository"):
        Evidence(tmp_path / "elsewhere")


def test_words_of_a_model_never_become_options(history, tmp_path):
    repo, _ = history
    target = tmp_path / "written"
    for word in (f"--output={target}", "-p", "--all"):
        Evidence(repo.root).log(word)
        Evidence(repo.root).log(grep=word, author=word)
        Evidence(repo.root).diff("HEAD~1", path=word)
    assert not target.exists()
