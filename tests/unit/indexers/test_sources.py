"""What a person types, and which source it means."""

from pathlib import Path

import pytest

from rlm_indexers.errors import SourceError
from rlm_indexers.languages import language_of
from rlm_indexers.repo.listing import document_id
from rlm_indexers.search.words import asked, words
from rlm_indexers.sources import resolve


def meant(source: str, cwd: Path, kind: str = "auto") -> tuple[str, str, str, str]:
    found = resolve(source, kind, cwd=cwd)
    return found.kind, found.form, found.location, found.revision


@pytest.mark.parametrize(
    ("url", "location", "revision", "name"),
    [
        ("https://h.example/o/r", "https://h.example/o/r", "", "r"),
        ("https://h.example/o/r.git@v1", "https://h.example/o/r.git", "v1", "r@v1"),
        ("https://u@h.example/o/r@feature/x", "https://u@h.example/o/r", "feature/x", "r@feature/x"),
        ("ssh://git@h.example:22/o/r", "ssh://git@h.example:22/o/r", "", "r"),
        ("ssh://git@h.example/o/r@main", "ssh://git@h.example/o/r", "main", "r@main"),
        ("git@h.example:o/r.git", "git@h.example:o/r.git", "", "r"),
        ("git@h.example:o/r.git@v2.0", "git@h.example:o/r.git", "v2.0", "r@v2.0"),
        ("file:///x/y.git@HEAD~1", "file:///x/y.git", "HEAD~1", "y@HEAD~1"),
    ],
)
def test_a_git_url_is_split_from_its_revision(url, location, revision, name, tmp_path):
    assert meant(url, tmp_path) == ("repo", "url", location, revision)
    assert resolve(url, cwd=tmp_path).name == name
    assert resolve(str(resolve(url, cwd=tmp_path)), cwd=Path("/")) == resolve(url, cwd=Path("/"))


def test_a_history_keeps_what_stands_after_the_colon_and_where_it_was_asked(tmp_path):
    assert meant("history:", tmp_path) == ("history", "history", "", "")
    assert meant("history:claude-code", tmp_path)[2] == "claude-code"
    assert resolve("history:", cwd=tmp_path).key != resolve("history:", cwd=tmp_path.parent).key


def test_a_folder_is_documents_or_code_by_what_it_mostly_holds(tmp_path):
    for name in ("a.pdf", "b.md", "c.txt", "d.py"):
        (tmp_path / name).write_text("x")
    assert meant(str(tmp_path), tmp_path)[:2] == ("folder", "documents")
    for n in range(5):
        (tmp_path / f"m{n}.py").write_text("x")
    assert meant(str(tmp_path), tmp_path)[:2] == ("repo", "plain")
    assert meant(str(tmp_path), tmp_path, "folder")[:2] == ("folder", "documents")
    assert meant(str(tmp_path / "a.pdf"), tmp_path)[:2] == ("folder", "documents")
    assert meant(str(tmp_path / "d.py"), tmp_path)[:2] == ("repo", "plain")


def files(root, **counts):
    """A folder with so many files per suffix in folders of their own."""
    for place, count in counts.items():
        folder, _, suffix = place.rpartition("__")
        (root / folder).mkdir(parents=True, exist_ok=True)
        for n in range(count):
            (root / folder / f"f{n}.{suffix}").write_text("x")
    return root


def test_installed_packages_are_code_however_many_texts_lie_before_it(tmp_path):
    tree = files(tmp_path, a_licences__txt=4100, z__py=300, z_more__py=300)
    assert meant(str(tree), tmp_path)[:2] == ("repo", "plain")
    (tree / "z-1.0.dist-info").mkdir()
    assert meant(str(files(tree, notes__md=700)), tmp_path)[:2] == ("repo", "plain")


def test_a_project_with_more_documentation_than_code_is_code(tmp_path):
    tree = files(tmp_path, docs__rst=30, src__js=10)
    assert meant(str(tree), tmp_path)[:2] == ("folder", "documents")
    (tree / "package.json").write_text("{}")
    assert meant(str(tree), tmp_path)[:2] == ("repo", "plain")
    assert meant(str(files(tree, papers__pdf=20)), tmp_path)[:2] == ("folder", "documents")


def test_a_relative_path_means_what_it_means_from_there(tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "x/a.py").write_text("x")
    assert meant("x", tmp_path)[2] == meant("./x/", tmp_path)[2] == meant(".", tmp_path / "x")[2] == str(tmp_path / "x")


@pytest.mark.parametrize("bad", ["", "  ", "nosuch", "a\0b", "nosuch@main", "~nosuchuser/x", "svn://h/x", "x" * 5000])
def test_what_means_nothing_is_refused(bad, tmp_path):
    with pytest.raises(SourceError):
        resolve(bad, cwd=tmp_path)


def test_a_revision_of_what_is_no_repository_is_refused(tmp_path):
    with pytest.raises(SourceError, match="no git repository"):
        resolve(f"{tmp_path}@main", cwd=tmp_path)
    with pytest.raises(SourceError, match="git URL"):
        resolve("https://h.example/o/r", "folder", cwd=tmp_path)


@pytest.mark.parametrize(
    ("name", "head", "language"),
    [
        ("a/b.py", b"", "python"),
        ("x.tsx", b"", "tsx"),
        ("CMakeLists.txt", b"", "cmake"),
        ("Dockerfile", b"", "dockerfile"),
        ("run", b"#!/usr/bin/env python3\n", "python"),
        ("run", b"#!/bin/sh -e\n", "bash"),
        ("README", b"", ""),
        (".py", b"", ""),
        ("notes.txt", b"#!/bin/sh\n", ""),
    ],
)
def test_a_language_is_known_by_name_or_first_line(name, head, language):
    assert language_of(name, head) == language


def test_no_two_paths_have_the_same_id():
    odd = [
        b"a\nb",
        rb"a\x0ab",
        rb"a\x5cx0ab",
        b"a\\nb",
        b"\xff",
        rb"\xff",
        "ü".encode(),
        b"a\xc2\x85b",
        "\u202eevil".encode(),
    ]
    ids = [document_id(path) for path in odd]
    assert len(set(ids)) == len(odd)
    assert all(name.isprintable() for name in ids)


def test_identifiers_and_questions_become_the_same_words():
    assert words("getUserName get_user_name HTTPServer2 x") == [*["get", "user", "name"] * 2, "http", "server2", "x"]
    assert asked("Where is the user name set?") == ["user", "name", "set"]
    assert asked("What is it?") == ["what", "is", "it"]
