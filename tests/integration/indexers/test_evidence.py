"""When and why something changed, asked of real histories."""

import time

import pytest

from rlm_indexers.errors import GitError, SourceError
from rlm_indexers.past.evidence import Change, Evidence
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


# Names and dates


def test_a_renamed_file_is_followed_and_each_commit_says_what_it_was_called(repo):
    first = repo.commit("Begin", old__py="one\ntwo\nthree\nfour\n", other__py="x\n")
    second = repo.commit("Change it under its old name", old__py="one\nTWO\nthree\nfour\n")
    (repo.root / "pkg").mkdir()
    repo.git("mv", "old.py", "pkg/new.py")
    third = repo.commit("Move it", **{"pkg/new__py": "one\nTWO\nthree\nFOUR\n"})
    evidence = Evidence(repo.root)
    assert [(c.sha, c.path) for c in evidence.log("pkg/new.py")] == [
        (third, "pkg/new.py"),
        (second, "old.py"),
        (first, "old.py"),
    ]
    assert [c.sha for c in evidence.log("pkg/new.py", grep="begin|nothing")] == [first]
    assert [c.sha for c in evidence.log("pkg/new.py", limit=2)] == [third, second]
    assert "rename from old.py" in evidence.commit(third, "pkg/new.py")
    assert "+TWO" in evidence.commit(second, "old.py")
    assert [(b.start, b.commit.path) for b in evidence.blame("pkg/new.py", 1, 4)] == [
        (1, "old.py"),
        (2, "old.py"),
        (3, "old.py"),
        (4, "pkg/new.py"),
    ]


def test_a_file_that_came_from_outside_of_the_folder_asked_about_is_followed_there(repo):
    repo.commit("Begin", **{"elsewhere/a__py": "one\ntwo\n"})
    (repo.root / "sub").mkdir()
    repo.git("mv", "elsewhere/a.py", "sub/a.py")
    repo.commit("Move")
    evidence = Evidence(repo.root / "sub")
    assert [c.path for c in evidence.log("a.py")] == ["a.py", "../elsewhere/a.py"]
    assert "+two" in evidence.commit("HEAD~1", "../elsewhere/a.py")


def test_names_that_are_no_plain_text_are_asked_about_by_their_documents(repo):
    for name in (b"new\nline.py", b"\xff.py", b'qu"ote\\.py', "\u00fc.py".encode(), b"*.py"):
        repo.write(name, b"a\n")
    repo.commit("Begin")
    evidence = Evidence(repo.root)
    names = [change.path for change in evidence.changed_since(repo.git("rev-parse", "HEAD"), "HEAD")]
    assert names == []
    for document in (r"new\x0aline.py", r"\xff.py", 'qu"ote\\.py', "\u00fc.py", "*.py"):
        assert [c.path for c in evidence.log(document)] == [document]
        assert [b.commit.path for b in evidence.blame(document, 1, 1)] == [document]
        assert "+a" in evidence.commit("HEAD", document)


def test_blame_and_log_say_the_same_of_a_commit(repo):
    """One first line, whoever is asked: the author's own day, the whole first paragraph, the name that was recorded."""
    repo.write(".mailmap", "Other <o@example.org> <a@example.org>\n")
    repo.write("a.py", "one\n")
    repo.git("add", "-A")
    repo.git("commit", "-qm", "Two lines\nof a subject\n\nBody", "--date=2024-03-02T00:30:00+05:00")
    evidence = Evidence(repo.root)
    (logged,) = evidence.log("a.py")
    (blamed,) = evidence.blame("a.py", 1, 1)
    assert str(blamed.commit) == str(logged) == evidence.commit("HEAD").split("\n")[0]
    assert str(logged)[13:] == "2024-03-02 A: Two lines of a subject"


@pytest.mark.parametrize(
    ("since", "kept"),
    [
        *[("2024", 1), ("2024-01", 1), ("2024-01-01", 1), ("2024-01-01T00:00", 1), ("2024-01-01T00:00:01Z", 0)],
        *[("2024-01-01T01:00+02:00", 1), ("2024-01-02", 0), ("yesterday", 0), ("3 weeks ago", 0), ("20 years ago", 1)],
    ],
)
def test_since_is_a_day_or_time_in_utc_wherever_we_are(repo, since, kept, monkeypatch):
    repo.commit("At midnight of the first")
    monkeypatch.setenv("TZ", "XXX+11")
    time.tzset()
    try:
        assert len(Evidence(repo.root).log(since=since)) == kept
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("since", ["soon", "v1.0", "2024-13-01", "HEAD", "--all", "1"])
def test_words_that_are_no_date_are_refused_with_ones_that_are(repo, since):
    """git itself would take each of them for this moment, and find nothing."""
    repo.commit()
    with pytest.raises(SourceError, match="pass one like 2024-05-01"):
        Evidence(repo.root).log(since=since)


def test_a_pattern_that_is_none_is_refused_with_what_to_write(repo):
    repo.commit("Call f(x)")
    evidence = Evidence(repo.root)
    with pytest.raises(SourceError, match=r"Write a backslash before \("):
        evidence.log(grep="f(")
    assert len(evidence.log(grep=r"f\(|g\(")) == 1


def test_messages_and_authors_are_text_on_their_lines(repo):
    tree = repo.git("write-tree")
    raw = (
        f"tree {tree}\nauthor E\x1b[31mve <e@x> 1700000000 +0000\ncommitter E <e@x> 1700000000 +0000\n"
        "encoding ISO-8859-1\n\n"
    ).encode() + b"caf\xe9 \x1b[2J\x07 red\n\nb\x1bc \xff\rd\n\te\n"
    repo.write("raw", raw)
    sha = repo.git("hash-object", "-t", "commit", "-w", "--literally", "raw")
    lines = Evidence(repo.root).commit(sha).split("\n")
    assert lines[0] == rf"{sha[:12]} 2023-11-14 E\x1b[31mve: café \x1b[2J\x07 red"
    assert lines[2:4] == ["b\\x1bc \u00ff\\x0dd", "\te"]


# What a commit changed


def test_a_merge_is_compared_with_its_first_parent_and_says_so(repo):
    base = repo.commit("Base", a__py="a\n", b__py="b\n")
    repo.git("checkout", "-qb", "side")
    repo.commit("Side", b__py="side\n")
    repo.git("checkout", "-q", "main")
    main = repo.commit("Main", a__py="main\n")
    repo.git("merge", "-q", "--no-ff", "-m", "Bring side in", "side")
    evidence = Evidence(repo.root)
    text = evidence.commit("HEAD")
    assert f"[a merge of {main[:12]} and " in text
    assert f"below is how it differs from the first, {main[:12]}]" in text
    assert "+side" in text
    assert "+main" not in text
    assert "+side" in evidence.commit("HEAD", "b.py")
    with pytest.raises(SourceError, match=f"does not touch 'a.py' against its first parent, {main[:12]}"):
        evidence.commit("HEAD", "a.py")
    assert base in [c.sha for c in evidence.log()]


def test_the_first_commit_of_all_is_compared_with_nothing(repo):
    repo.commit("Begin", a__py="one\n")
    assert evidence_lines(repo, "HEAD")[1:4] == ["", "diff --git a/a.py b/a.py", "new file mode 100644"]


def test_a_binary_file_is_said_to_differ_and_not_shown(repo):
    repo.commit("Begin", a__bin=b"\0one", a__txt="t\n")
    repo.commit("Change", a__bin=b"\0two")
    lines = evidence_lines(repo, "HEAD")
    assert lines[-2:] == ["Binary files a/a.bin and b/a.bin differ", ""]


def test_a_patch_too_long_to_show_ends_with_a_whole_line_and_its_true_size(repo):
    repo.commit("Begin", a__txt="")
    repo.commit("Much", a__txt="".join(f"line {n}\n" for n in range(60_000)), b__txt="b\n")
    *lines, last, end = evidence_lines(repo, "HEAD")
    assert (end, lines[-1].startswith("+line ")) == ("", True)
    left, total = (int(part.replace(",", "")) for part in last.split() if part.replace(",", "").isdigit())
    patch = repo.git("diff-tree", "-p", "-M", "--abbrev=12", "HEAD~1", "HEAD") + "\n"
    assert total == len(patch)
    shown = "\n".join(lines).partition("diff --git")[2]
    assert left == total - len(shown) - len("diff --git") - 1
    assert "+b" in Evidence(repo.root).commit("HEAD", "b.txt")


def evidence_lines(repo: Repository, revision: str) -> list[str]:
    return Evidence(repo.root).commit(revision).split("\n")


# Names of commits


def test_what_names_no_commit_is_refused_with_what_would(repo):
    repo.commit("One", a__py="1\n")
    repo.commit("Two", a__py="2\n")
    evidence = Evidence(repo.root)
    for revision, advice in {
        "--all": "names no commit",
        "-n1": "names no commit",
        "": "names no commit",
        "nowhere": "a branch, tag or commit that exists",
        "HEAD~1..HEAD": "it is a range; pass its two ends",
        "HEAD@{99}": "names no commit",
        "HEAD:a.py": "names no commit",
        "0123456789abcdef": "names no commit",
    }.items():
        with pytest.raises(GitError, match=advice) as raised:
            evidence.name(revision)
        assert repr(revision) in str(raised.value)
    assert evidence.name("HEAD@{1}") == evidence.name("HEAD~1") == evidence.name("main^")


def test_a_name_that_is_short_for_several_commits_is_refused_as_such(repo):
    seen: set[str] = set()
    tree = repo.git("write-tree")
    while True:
        sha = repo.git("commit-tree", tree, "-m", str(len(seen)))
        if any(sha[:4] == other[:4] for other in seen):
            break
        seen.add(sha)
        assert len(seen) < 2_000
    with pytest.raises(GitError, match="short for several objects: write more"):
        Evidence(repo.root).name(sha[:4])
