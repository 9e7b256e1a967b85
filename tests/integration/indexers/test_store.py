"""The cache: what is reused, what is read again, what survives a kill and two loads at once."""

import json
import multiprocessing
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from rlm_indexers.errors import CorpusNotFound, SourceError
from rlm_indexers.repo import files, stat_cache
from rlm_indexers.repo.survey import Survey
from rlm_indexers.store import KEPT_SNAPSHOTS, Store
from tests.integration.indexers.conftest import load, texts
from tests.support.repositories import made


@pytest.fixture
def rested(monkeypatch):
    """Files count as settled at once; tests would otherwise wait two seconds."""
    monkeypatch.setattr(stat_cache, "RESTED_NS", -60_000_000_000)


@pytest.fixture
def reads(monkeypatch) -> list[bytes]:
    """The paths of all files whose content is read."""
    seen: list[bytes] = []
    original = files.Tree.read

    def read(self, path, limit):
        seen.append(path)
        return original(self, path, limit)

    monkeypatch.setattr(files.Tree, "read", read)
    return seen


def test_an_unchanged_repository_is_reused_whole(repo, store, rested, reads):
    repo.commit(a__py="a = 1\n", b__bin=b"\0")
    first = store.load(str(repo.root))
    reads.clear()
    second = store.load(str(repo.root))
    assert (first.reused, second.reused, second.corpus.id) == (False, True, first.corpus.id)
    assert reads == []


def test_an_edit_reads_only_what_changed(repo, store, rested, reads):
    repo.commit(**{f"f{n}__py": f"f = {n}\n" for n in range(20)})
    first = store.load(str(repo.root)).corpus
    reads.clear()
    repo.write("f7.py", "f = 'seven'\n")
    second = store.load(str(repo.root)).corpus
    assert set(reads) == {b"f7.py"}
    assert second.id != first.id
    assert texts(second) == {**texts(first), "f7.py": b"f = 'seven'\n"}


def test_a_change_within_the_grain_of_the_clock_is_seen(repo, store):
    repo.commit(a__py="a = 1\n")
    load(store, repo.root)
    before = (repo.root / "a.py").stat()
    repo.write("a.py", "a = 2\n")
    os.utime(repo.root / "a.py", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert texts(load(store, repo.root)) == {"a.py": b"a = 2\n"}


def test_a_touched_file_is_read_again_and_changes_nothing(repo, store, rested):
    repo.commit(a__py="a = 1\n")
    first = store.load(str(repo.root))
    os.utime(repo.root / "a.py", (1, 1))
    assert store.load(str(repo.root)).corpus.id == first.corpus.id


def test_a_new_commit_of_the_same_text_is_another_corpus_with_its_revision(repo, store, rested):
    repo.commit(a__py="a = 1\n")
    first = load(store, repo.root)
    revision = repo.commit("empty")
    second = load(store, repo.root)
    assert (second.facts["revision"], texts(second)) == (revision, texts(first))
    assert first.id != second.id


def test_a_refreshed_corpus_equals_one_loaded_anew(repo, store, tmp_path, rested):
    repo.commit(**{f"f{n}__py": f"def f{n}():\n    return {n}\n" for n in range(12)})
    for n in range(8):
        repo.write(f"f{n}.py", f"def g{n}():\n    return 'edited'\n")
        if n % 3 == 0:
            repo.write(f"new{n}.py", "def new(): pass\n")
        if n % 3 == 1:
            (repo.root / f"f{n + 4}.py").unlink()
        refreshed = load(store, repo.root)
        clean = load(Store(tmp_path / f"clean{n}"), repo.root)
        assert refreshed.id == clean.id
        assert refreshed.path.read_bytes() == clean.path.read_bytes()
        assert refreshed.coverage == clean.coverage
        for question in ("edited return", "new", "f3", "g2 return"):
            assert refreshed.search(question, 20) == clean.search(question, 20)


def test_a_url_is_cloned_fetched_and_pinned(repo, store, tmp_path):
    first = repo.commit(a__py="a = 1\n")
    repo.git("tag", "v1")
    url = f"file://{repo.root}"
    corpus = load(store, url)
    assert (texts(corpus), corpus.facts["revision"]) == ({"a.py": b"a = 1\n"}, first)
    second = repo.commit(a__py="a = 2\n")
    moved = load(store, url)
    assert (texts(moved), moved.facts["revision"], moved.facts["url"]) == ({"a.py": b"a = 2\n"}, second, url)
    assert texts(load(store, f"{url}@v1")) == {"a.py": b"a = 1\n"}
    assert texts(load(store, f"{url}@{first}")) == {"a.py": b"a = 1\n"}
    repo.root.rename(tmp_path / "moved-away")
    assert texts(load(store, f"{url}@{first}")) == {"a.py": b"a = 1\n"}
    with pytest.raises(SourceError, match="could not fetch"):
        load(store, url)


def test_a_branch_that_was_rewritten_is_followed(repo, store):
    repo.commit(a__py="a = 1\n")
    load(store, f"file://{repo.root}@main")
    repo.git("commit", "-q", "--amend", "-m", "other")
    revision = repo.git("rev-parse", "HEAD")
    assert load(store, f"file://{repo.root}@main").facts["revision"] == revision


def test_an_unknown_source_says_what_was_looked_for_and_what_would_work(store, tmp_path):
    with pytest.raises(SourceError, match=r"there is no 'nosuch' .*a path that exists"):
        store.load("nosuch", cwd=tmp_path)
    with pytest.raises(SourceError, match="is no kind"):
        store.load(".", kind="repository", cwd=tmp_path)
    with pytest.raises(SourceError, match="could not clone"):
        store.load("file:///nonexistent/x.git", cwd=tmp_path)


def test_relative_paths_are_seen_from_the_given_folder(repo, store):
    repo.commit(a__py="a = 1\n")
    assert store.load(".", cwd=repo.root).corpus.name == "repo"
    assert store.load("repo", cwd=repo.root.parent).corpus.name == "repo"


def test_a_corpus_is_opened_by_name_and_id_and_listed(repo, store):
    repo.commit(a__py="a = 1\n")
    corpus = load(store, repo.root, name="mine")
    assert store.open("mine").id == store.open(corpus.id).id == corpus.id
    assert [(info.id, info.source, info.documents) for info in store.list()] == [(corpus.id, str(repo.root), 1)]
    with pytest.raises(CorpusNotFound, match="Loaded: "):
        store.open("other")
    for odd in ("", "..", "../x", "a/b", "."):
        with pytest.raises(CorpusNotFound):
            store.open(odd)


def test_a_name_taken_by_another_source_is_not_taken_over(repo, store, tmp_path):
    repo.commit(a__py="a = 1\n")
    other = made(tmp_path / "x/repo")
    other.commit(b__py="b = 1\n")
    first, second = load(store, repo.root), load(store, other.root)
    assert first.name == "repo"
    assert second.name.startswith("repo-")
    assert store.open("repo").id == first.id


def test_an_evicted_corpus_is_gone_and_those_who_have_it_open_read_on(repo, store):
    repo.commit(a__py="a = 1\n")
    corpus = load(store, repo.root)
    store.evict(corpus.id)
    assert store.list() == []
    assert texts(corpus) == {"a.py": b"a = 1\n"}
    with pytest.raises(CorpusNotFound):
        store.open(corpus.id)
    assert load(store, repo.root).id == corpus.id


def test_old_states_of_a_source_are_cleared_but_not_those_in_use(repo, store, rested):
    repo.commit(a__py="a = 0\n")
    held = load(store, repo.root)
    for n in range(1, KEPT_SNAPSHOTS + 4):
        repo.write("a.py", f"a = {n}\n")
        load(store, repo.root)
    kept = [info.id for info in store.list()]
    assert len(kept) == KEPT_SNAPSHOTS + 2
    assert held.id in kept


def test_the_cache_is_private(repo, store, tmp_path):
    repo.commit(a__py="a = 1\n")
    load(store, repo.root)
    for folder, _, names in os.walk(tmp_path / "cache"):
        if Path(folder) != tmp_path / "cache":
            assert stat.S_IMODE(Path(folder).stat().st_mode) == 0o700, folder
        if "corpora" in folder or "names" in folder or "sources" in folder:
            assert all(stat.S_IMODE((Path(folder) / n).stat().st_mode) == 0o600 for n in names), folder


@pytest.mark.parametrize("damage", ["empty", "truncated", "gone", "manifest", "search"])
def test_a_damaged_cache_entry_is_built_again(repo, store, damage):
    repo.commit(a__py="def a(): pass\n")
    corpus = load(store, repo.root)
    folder = corpus.path.parent
    if damage == "empty":
        corpus.path.write_bytes(b"")
    elif damage == "truncated":
        corpus.path.write_bytes(corpus.path.read_bytes()[:5000])
    elif damage == "gone":
        corpus.path.unlink()
    elif damage == "search":
        (folder / "search.sqlite").unlink()
    else:
        (folder / "manifest.json").write_text("{")
    again = load(store, repo.root)
    assert texts(again) == {"a.py": b"def a(): pass\n"}
    assert again.search("a")


def test_a_broken_helper_database_costs_time_and_nothing_else(repo, store, tmp_path):
    repo.commit(a__py="def a(): pass\n")
    for name in ("files.sqlite", "facts.sqlite"):
        (tmp_path / "cache" / name).write_bytes(b"this is no database" * 100)
    assert [s.name for s in load(store, repo.root).symbols()] == ["a"]


def _load_in_process(cache: str, source: str, results) -> None:
    results.put(Store(Path(cache)).load(source).corpus.id)


def test_two_processes_that_load_at_once_agree(repo, tmp_path):
    repo.commit(**{f"f{n}__py": f"f = {n}\n" for n in range(50)})
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    workers = [
        context.Process(target=_load_in_process, args=(str(tmp_path / "cache"), str(repo.root), results))
        for _ in range(3)
    ]
    for worker in workers:
        worker.start()
    ids = {results.get(timeout=60) for _ in workers}
    for worker in workers:
        worker.join(30)
    assert len(ids) == 1
    assert len(Store(tmp_path / "cache").list()) == 1


def test_threads_that_load_different_sources_at_once_do_not_disturb_each_other(tmp_path, store):
    repos = [made(tmp_path / f"r{n}") for n in range(4)]
    for n, each in enumerate(repos):
        each.commit(a__py=f"a = {n}\n")
    found: dict[int, bytes] = {}
    threads = [
        threading.Thread(target=lambda n=n: found.setdefault(n, texts(load(store, repos[n].root))["a.py"]))
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == {n: f"a = {n}\n".encode() for n in range(4)}


KILLED = """
import os, sys
from pathlib import Path
from rlm_indexers import building, cache
from rlm_indexers.store import Store
where = sys.argv[3]
def die(*_, **__):
    os.kill(os.getpid(), 9)
if where == "publish": building.publish = die
elif where == "search": building._add_search = die
elif where == "documents": building._add_symbols = die
elif where == "named": Store._named = die
Store(Path(sys.argv[1])).load(sys.argv[2])
"""


@pytest.mark.parametrize("where", ["documents", "search", "publish", "named"])
def test_a_killed_load_leaves_nothing_half_done(repo, store, tmp_path, where):
    repo.commit(a__py="def a(): pass\n")
    command = [sys.executable, "-c", KILLED, str(tmp_path / "cache"), str(repo.root), where]
    assert subprocess.run(command, check=False, capture_output=True).returncode == -signal.SIGKILL
    corpus = load(store, repo.root)
    assert texts(corpus) == {"a.py": b"def a(): pass\n"}
    assert corpus.search("a")
    assert [s.name for s in corpus.symbols()] == ["a"]
    assert list((tmp_path / "cache/building").iterdir()) == []


def test_a_repository_deleted_while_it_is_read_is_an_error_that_says_so(repo, store, monkeypatch):
    repo.commit(**{f"f{n}__py": f"f = {n}\n" for n in range(5)})
    original = Survey.read

    def read(survey, file):
        if file.id == "f3.py":
            subprocess.run(["rm", "-rf", str(repo.root)], check=True)
        return original(survey, file)

    monkeypatch.setattr(Survey, "read", read)
    monkeypatch.setattr("rlm_indexers.repo.survey.READ_AHEAD_BYTES", -1)
    with pytest.raises(SourceError, match="deleted while it was read"):
        load(store, repo.root)
    assert store.list() == []


def test_a_file_that_vanishes_while_it_is_read_is_listed(repo, store, monkeypatch):
    repo.commit(a__py="a = 1\n", b__py="b = 1\n")
    original = files.Tree.read

    def read(self, path, limit):
        (repo.root / "b.py").unlink(missing_ok=True)
        return original(self, path, limit)

    monkeypatch.setattr(files.Tree, "read", read)
    corpus = load(store, repo.root)
    assert texts(corpus) == {"a.py": b"a = 1\n"}
    assert [(s.id, s.reason) for s in corpus.coverage.skipped] == [("b.py", "not-on-disk")]


def test_a_file_that_never_holds_still_is_flagged_and_read_again(repo, store, monkeypatch):
    repo.commit(a__py="a = 1\n")
    original = files._read_all

    def read_all(descriptor, limit):
        data = original(descriptor, limit)
        with (repo.root / "a.py").open("ab") as file:
            file.write(b"#\n")
        return data

    monkeypatch.setattr(files, "_read_all", read_all)
    corpus = load(store, repo.root)
    assert "changed-while-read" in corpus.pack.document(0).flags
    monkeypatch.undo()
    assert texts(load(store, repo.root))["a.py"] == (repo.root / "a.py").read_bytes()


def test_no_descriptor_is_left_open(repo, store, rested):
    repo.commit(a__py="a = 1\n")
    load(store, repo.root)

    def count() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    before = count()
    for n in range(5):
        repo.write("a.py", f"a = {n}\n")
        load(store, repo.root)
        load(store, repo.root)
    assert count() <= before + 2


def test_progress_is_told(repo, store):
    repo.commit(a__py="a = 1\n")
    said: list[str] = []
    store.load(str(repo.root), progress=said.append)
    assert said


def test_the_manifest_names_everything_that_was_skipped(repo, store):
    repo.commit(**{f"f{n}__bin": b"\0" for n in range(80)})
    corpus = load(store, repo.root, kind="repo")
    assert len(corpus.coverage.skipped) == 80
    assert corpus.pack.meta["coverage"]["skipped_total"] == 80
    assert len(corpus.pack.meta["coverage"]["skipped"]) == 50
    assert json.dumps(corpus.coverage.as_json(5)).count('"reason"') == 5


def test_loading_is_dated(repo, store):
    repo.commit(a__py="a = 1\n")
    load(store, repo.root)
    assert abs(store.list()[0].loaded_at - time.time()) < 60


def test_a_cache_can_be_entered_by_its_owner_alone(tmp_path):
    Store(tmp_path / "new" / "cache")
    assert (tmp_path / "new" / "cache").stat().st_mode & 0o777 == 0o700
