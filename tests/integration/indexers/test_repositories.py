"""What of a repository becomes a document, what does not and why, in every state a repository can be in."""

import hashlib
import os
import socket

import pytest

from rlm_indexers.errors import SourceError
from tests.integration.indexers.conftest import flags, load, skipped, texts
from tests.support.repositories import made


def test_the_work_tree_is_indexed_as_it_is_on_disk(repo, store):
    repo.commit(a__py="a = 1\n", b__py="b = 1\n", gone__py="")
    repo.write("a.py", "a = 2\n")
    repo.write("new.py", "new = 1\n")
    repo.write("ignored.log", "no\n")
    repo.write(".gitignore", "*.log\n")
    (repo.root / "gone.py").unlink()
    corpus = load(store, repo.root)
    assert texts(corpus) == {"a.py": b"a = 2\n", "b.py": b"b = 1\n", "new.py": b"new = 1\n", ".gitignore": b"*.log\n"}
    assert skipped(corpus) == {"gone.py": "not-on-disk"}
    assert flags(corpus)["new.py"] == ("untracked",)
    assert corpus.facts == {
        "root": str(repo.root),
        "git": True,
        "revision": repo.git("rev-parse", "HEAD"),
        "branch": "main",
        "dirty": True,
    }


def test_a_clean_tree_is_not_dirty_whatever_its_line_ends(repo, store):
    repo.git("config", "core.autocrlf", "true")
    repo.commit(a__txt="one\r\ntwo\r\n", b__txt="x\n")
    corpus = load(store, repo.root)
    assert corpus.facts["dirty"] is False
    assert flags(corpus)["a.txt"] == ("crlf",)
    assert corpus.pack.line_count(0) == 2


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_index_flags_that_hide_a_change_do_not_hide_it_from_us(repo, store, flag):
    repo.commit(a__py="a = 1\n")
    repo.git("update-index", flag, "a.py")
    repo.write("a.py", "a = 2\n")
    assert repo.git("status", "--porcelain") == ""
    corpus = load(store, repo.root)
    assert texts(corpus) == {"a.py": b"a = 2\n"}
    assert corpus.facts["dirty"] is True


@pytest.mark.parametrize("change", ["staged", "untracked", "deleted", "renamed"])
def test_every_difference_from_the_commit_is_dirty(repo, store, change):
    repo.commit(a__py="a = 1\n")
    if change == "staged":
        repo.write("a.py", "a = 2\n")
        repo.git("add", "a.py")
    elif change == "untracked":
        repo.write("b.py")
    elif change == "deleted":
        (repo.root / "a.py").unlink()
    else:
        repo.git("mv", "a.py", "b.py")
    assert load(store, repo.root).facts["dirty"] is True


def test_a_path_inside_a_work_tree_gives_that_part_alone(repo, store):
    repo.commit(a__py="a = 1\n")
    repo.write("src/pkg/b.py", "b = 1\n")
    repo.write("src/c.py", "c = 1\n")
    repo.commit()
    corpus = load(store, repo.root / "src")
    assert (set(texts(corpus)), corpus.facts["dirty"]) == ({"c.py", "pkg/b.py"}, False)
    assert set(texts(load(store, f"{repo.root}/src@HEAD"))) == {"c.py", "pkg/b.py"}
    assert set(texts(load(store, repo.root / "src/c.py"))) == {"c.py"}


def test_an_ignored_folder_inside_a_work_tree_is_read_as_a_plain_folder(repo, store):
    repo.commit(gitignore="x")
    repo.write(".gitignore", "out/\n")
    repo.write("out/lib/m.py", "m = 1\n")
    corpus = load(store, repo.root / "out/lib")
    assert (set(texts(corpus)), corpus.facts["git"]) == ({"m.py"}, False)


def test_a_revision_is_what_was_committed(repo, store):
    first = repo.commit(a__py="a = 1\n")
    repo.git("tag", "v1")
    repo.git("checkout", "-qb", "feature/x")
    second = repo.commit(a__py="a = 2\n", b__py="b = 1\n")
    repo.write("a.py", "a = 3\n")
    assert texts(load(store, f"{repo.root}@v1")) == {"a.py": b"a = 1\n"}
    assert texts(load(store, f"{repo.root}@{first[:10]}")) == {"a.py": b"a = 1\n"}
    assert texts(load(store, f"{repo.root}@HEAD~1")) == {"a.py": b"a = 1\n"}
    corpus = load(store, f"{repo.root}@feature/x")
    assert texts(corpus) == {"a.py": b"a = 2\n", "b.py": b"b = 1\n"}
    assert (corpus.facts["revision"], corpus.facts["dirty"]) == (second, False)


def test_a_path_with_an_at_sign_is_a_path(tmp_path, store):
    repo = made(tmp_path / "a@b")
    repo.commit(x__py="x = 1\n")
    assert set(texts(load(store, repo.root))) == {"x.py"}
    assert set(texts(load(store, f"{repo.root}@main"))) == {"x.py"}


def test_binary_large_and_pointer_files_are_skipped_with_their_reason(repo, store):
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'a' * 64}\nsize 12345\n"
    repo.commit(a__bin=b"\x7fELF\0\0\1", model__safetensors=pointer, b__py="b = 1\n")
    with (repo.root / "huge.csv").open("wb") as file:
        file.truncate(300 << 20)
    corpus = load(store, repo.root)
    assert skipped(corpus) == {
        "a.bin": "binary",
        "model.safetensors": "lfs-pointer: 12345 bytes are not here",
        "huge.csv": "too-large: 314572800 bytes",
    }


def test_a_smudged_lfs_file_does_not_make_the_tree_dirty(repo, store):
    real = b"real content of a large file\n" * 100
    digest = hashlib.sha256(real).hexdigest()
    repo.commit(a__txt=f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {len(real)}\n")
    repo.write("a.txt", real)
    assert load(store, repo.root).facts["dirty"] is False


def test_generated_vendored_minified_and_large_text_is_kept_and_flagged(repo, store):
    repo.write("api_pb2.py", "# Generated by the protocol buffer compiler.  DO NOT EDIT!\nx = 1\n")
    repo.write("vendor/lib.go", "package lib\n")
    repo.write("app.min.js", "var a=1;" * 2000)
    repo.write("big.py", "x = 1  # padding\n" * 70_000)
    repo.write("prose.md", "a long paragraph " * 1000)
    repo.commit()
    corpus = load(store, repo.root)
    assert flags(corpus) == {
        "api_pb2.py": ("generated",),
        "app.min.js": ("generated", "minified"),
        "big.py": ("large",),
        "prose.md": (),
        "vendor/lib.go": ("vendored",),
    }
    assert list(corpus.symbols("big.py")) == []
    assert {s.id: s.reason for s in corpus.coverage.without_symbols}["big.py"] == "too-large-for-symbols"
    assert corpus.coverage.indexed + corpus.coverage.text_only == 5


def test_encodings_are_decoded_flagged_and_hashed_raw(repo, store):
    raw = {
        "bom.py": b"\xef\xbb\xbfx = 1\n",
        "latin.py": "# -*- coding: latin-1 -*-\nname = 'é'\n".encode("latin-1"),
        "utf16.txt": "\ufeffhallo\n".encode("utf-16-le"),
        "cr.txt": b"one\rtwo\rthree",
        "crlf.txt": b"one\r\ntwo\r\n",
        "formfeed.py": b"x = 1\x0c\ny = 2\n",
    }
    for name, data in raw.items():
        repo.write(name, data)
    corpus = load(store, repo.root)
    found = texts(corpus)
    assert found["bom.py"] == b"x = 1\n"
    assert "é" in found["latin.py"].decode()
    assert found["utf16.txt"] == b"hallo\n"
    assert flags(corpus) == {
        "bom.py": ("bom", "untracked"),
        "latin.py": ("encoding:iso8859-1", "untracked"),
        "utf16.txt": ("bom", "encoding:utf-16", "untracked"),
        "cr.txt": ("cr", "untracked"),
        "crlf.txt": ("crlf", "untracked"),
        "formfeed.py": ("untracked",),
    }
    lines = {d.id: d.lines for d in corpus.pack.documents()}
    assert (lines["cr.txt"], lines["crlf.txt"], lines["formfeed.py"]) == (1, 2, 2)
    assert {d.id: d.sha256 for d in corpus.pack.documents()} == {
        n: hashlib.sha256(d).hexdigest() for n, d in raw.items()
    }


def test_names_that_are_no_text_or_span_lines_are_written_so_that_they_fit(repo, store):
    names = [
        b"new\nline.py",
        b"\xff\xfe.py",
        b"tab\t.py",
        b"esc\x1b[31m.py",
        b"a\\x0ab.py",
        b"a\nb.py",
        "ü.py".encode(),
    ]
    for number, name in enumerate(names):
        repo.write(name, f"{number}\n")
    repo.commit()
    corpus = load(store, repo.root)
    expected = [
        r"new\x0aline.py",
        r"\xff\xfe.py",
        r"tab\x09.py",
        r"esc\x1b[31m.py",
        r"a\x5cx0ab.py",
        r"a\x0ab.py",
        "ü.py",
    ]
    assert texts(corpus) == {name: f"{number}\n".encode() for number, name in enumerate(expected)}
    assert texts(load(store, f"{repo.root}@HEAD")) == texts(corpus)


def test_symbolic_links_are_listed_and_never_followed(repo, store, tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret.py").write_text("secret\n")
    repo.write("dir/a.py", "a = 1\n")
    (repo.root / "link.py").symlink_to(tmp_path / "outside/secret.py")
    (repo.root / "folder").symlink_to(tmp_path / "outside")
    (repo.root / "loop").symlink_to(".")
    repo.commit()
    corpus = load(store, repo.root)
    assert set(texts(corpus)) == {"dir/a.py"}
    assert skipped(corpus) == {"link.py": "symlink", "folder": "symlink", "loop": "symlink"}
    assert set(texts(load(store, f"{repo.root}@HEAD"))) == {"dir/a.py"}


def test_a_tracked_folder_that_became_a_link_is_not_followed(repo, store, tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/a.py").write_text("secret = 1\n")
    repo.write("dir/a.py", "a = 1\n")
    repo.commit(b__py="b = 1\n")
    (repo.root / "dir/a.py").unlink()
    (repo.root / "dir").rmdir()
    (repo.root / "dir").symlink_to(tmp_path / "outside")
    corpus = load(store, repo.root)
    assert texts(corpus) == {"b.py": b"b = 1\n"}
    assert skipped(corpus)["dir/a.py"] == "symlink"


def test_what_is_no_file_is_not_opened(repo, store):
    repo.commit(a__py="a = 1\n")
    for name in ("pipe", "a.py2"):
        os.mkfifo(repo.root / name)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(repo.root / "sock"))
        (repo.root / "a.py").unlink()
        os.mkfifo(repo.root / "a.py")
        corpus = load(store, repo.root)
    assert texts(corpus) == {}
    assert skipped(corpus)["a.py"] == "not-a-file"


def test_a_nested_repository_is_listed_and_not_entered(repo, store):
    repo.commit(a__py="a = 1\n")
    made(repo.root / "nested").commit(n__py="n = 1\n")
    corpus = load(store, repo.root)
    assert (set(texts(corpus)), skipped(corpus)) == ({"a.py"}, {"nested/": "nested-repository"})


def test_a_repository_without_a_commit_has_no_revision(repo, store):
    assert texts(load(store, repo.root, kind="repo")) == {}
    repo.write("a.py", "a = 1\n")
    corpus = load(store, repo.root)
    assert (set(texts(corpus)), corpus.facts["revision"], corpus.facts["dirty"]) == ({"a.py"}, None, True)
    with pytest.raises(SourceError, match="no commit"):
        load(store, f"{repo.root}@HEAD")


def test_a_bare_repository_gives_what_its_head_names(repo, store, tmp_path):
    revision = repo.commit(a__py="a = 1\n")
    repo.git("clone", "-q", "--bare", str(repo.root), str(tmp_path / "bare.git"))
    corpus = load(store, tmp_path / "bare.git")
    assert (set(texts(corpus)), corpus.facts["revision"]) == ({"a.py"}, revision)


def test_a_linked_worktree_is_a_work_tree_of_its_own(repo, store, tmp_path):
    repo.commit(a__py="a = 1\n")
    repo.git("worktree", "add", "-q", str(tmp_path / "linked"), "-b", "side")
    (tmp_path / "linked/a.py").write_text("a = 2\n")
    corpus = load(store, tmp_path / "linked")
    assert (texts(corpus), corpus.facts["branch"]) == ({"a.py": b"a = 2\n"}, "side")
    assert texts(load(store, repo.root)) == {"a.py": b"a = 1\n"}


def test_a_detached_head_has_a_revision_and_no_branch(repo, store):
    revision = repo.commit(a__py="a = 1\n")
    repo.git("checkout", "-q", "--detach")
    facts = load(store, repo.root).facts
    assert (facts["revision"], facts["branch"], facts["dirty"]) == (revision, None, False)


def test_a_shallow_clone_is_read_and_says_so(repo, store, tmp_path):
    repo.commit(a__py="a = 1\n")
    repo.commit(a__py="a = 2\n")
    repo.git("clone", "-q", "--depth", "1", f"file://{repo.root}", str(tmp_path / "shallow"))
    corpus = load(store, tmp_path / "shallow")
    assert (texts(corpus), corpus.facts["shallow"]) == ({"a.py": b"a = 2\n"}, True)


def test_a_sparse_checkout_says_what_is_not_there_and_is_clean(repo, store):
    repo.write("in/a.py", "a = 1\n")
    repo.write("out/b.py", "b = 1\n")
    repo.commit()
    repo.git("sparse-checkout", "set", "in")
    corpus = load(store, repo.root)
    assert (set(texts(corpus)), skipped(corpus)) == ({"in/a.py"}, {"out/b.py": "not-on-disk"})
    assert corpus.facts["dirty"] is False


def test_a_repository_with_sha256_names_is_read(tmp_path, store):
    repo = made(tmp_path / "new", "--object-format=sha256")
    repo.commit(a__py="a = 1\n")
    corpus = load(store, repo.root)
    assert (set(texts(corpus)), corpus.facts["dirty"], len(corpus.facts["revision"])) == ({"a.py"}, False, 64)


def test_files_in_conflict_are_indexed_once_as_they_are(repo, store):
    repo.commit(a__py="a = 1\n")
    repo.git("checkout", "-qb", "side")
    repo.commit(a__py="a = 2\n")
    repo.git("checkout", "-q", "main")
    repo.commit(a__py="a = 3\n")
    repo.git("merge", "side", check=False)
    corpus = load(store, repo.root)
    assert b"<<<<<<<" in texts(corpus)["a.py"]
    assert corpus.facts["dirty"] is True


def test_a_plain_folder_of_code_honours_its_ignore_files(tmp_path, store):
    root = tmp_path / "plain"
    for name in ("a.py", "b.log", "keep/b.log", "node_modules/x.js", ".venv/y.py", "sub/gen.py", "sub/real.py"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x = 1\n")
    (root / ".gitignore").write_text("*.log\n")
    (root / "keep/.gitignore").write_text("!b.log\n")
    (root / "sub/.gitignore").write_text("/gen.py\n")
    corpus = load(store, root)
    kept = {n for n in texts(corpus) if not n.endswith(".gitignore")}
    assert kept == {"a.py", "keep/b.log", "sub/real.py"}
    assert skipped(corpus) == {
        "b.log": "gitignored",
        "sub/gen.py": "gitignored",
        "node_modules/": "ignored-folder",
        ".venv/": "ignored-folder",
    }
    assert corpus.facts == {"root": str(root), "git": False}


def test_empty_files_are_documents_without_lines(repo, store):
    repo.commit(empty__py="")
    corpus = load(store, repo.root)
    assert texts(corpus) == {"empty.py": b""}
    assert corpus.pack.line_count(0) == 0


def test_random_bytes_named_py_are_binary(repo, store):
    repo.commit(noise__py=os.urandom(1 << 20))
    assert skipped(load(store, repo.root)) == {"noise.py": "binary"}


def test_deep_nesting_costs_its_file_at_most(repo, store):
    repo.commit(deep__py="(" * 200_000 + "\n", fine__py="def fine(): pass\n")
    corpus = load(store, repo.root)
    assert set(texts(corpus)) == {"deep.py", "fine.py"}
    assert [s.name for s in corpus.symbols(name="fine")] == ["fine"]


def test_unreadable_files_are_listed_when_we_are_not_root(repo, store):
    if os.geteuid() == 0:
        pytest.skip("root reads everything")
    repo.commit(a__py="a = 1\n")
    (repo.root / "a.py").chmod(0)
    assert skipped(load(store, repo.root)) == {"a.py": "unreadable: permission denied"}
