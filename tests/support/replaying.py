"""A real history gone through commit by commit: what is refreshed must be what is built anew, byte for byte."""

import contextlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rlm_indexers.extraction import FactsReader
from rlm_indexers.search.index import open_index
from rlm_indexers.snapshot import Corpus
from rlm_indexers.store import Store

QUERIES = ("how is a file read", "git commit", "error message", "parse the text of a document")
NAMES = 8
WAYS = ("straight", "hopping", "structural")
"""Through a history: one branch as it grew, a merge being one step; every commit by date, from branch to branch and
back; only those of these that add, delete or rename a file, or change what kind of thing it is or its mode."""


@dataclass(frozen=True, slots=True)
class Step:
    """One commit: the corpus as it was refreshed from the last, and as it is when nothing is known before."""

    commit: str
    refreshed: Corpus
    clean: Corpus
    seconds: tuple[float, float]

    def differences(self) -> list[str]:
        """What is not the same; nothing when all is well."""
        one, other = self.refreshed, self.clean
        checks = {
            "the pack": one.path.read_bytes() == other.path.read_bytes(),
            "the coverage": one.coverage == other.coverage,
            "the facts": _facts(one) == _facts(other),
            "the search rows": _search_rows(one) == _search_rows(other),
            "a search": all(one.search(query) == other.search(query) for query in QUERIES),
            "the outline": one.outline(question=QUERIES[0]) == other.outline(question=QUERIES[0]),
            "an edge": all(
                one.relations.references(name) == other.relations.references(name)
                and one.relations.callers(name) == other.relations.callers(name)
                for name in _names(other)
            ),
        }
        return [what for what, same in checks.items() if not same]


def replay(repository: Path, count: int, below: str = "", way: str = "straight") -> Iterator[Step]:
    """The last `count` commits that touch a folder of a repository, the oldest first; a copy of it is worked on.

    A step holds until the next is asked for.
    """
    with tempfile.TemporaryDirectory() as folder:
        copy, store = Path(folder) / "copy", Store(Path(folder) / "kept")
        _git(repository, "clone", "-q", "--no-checkout", "--no-hardlinks", ".", str(copy))
        for commit in reversed(_commits(copy, count, below, way)):
            if not _checked_out(copy, commit) or not (copy / below).exists():
                continue
            refreshed = store.load(str(copy / below), cwd=copy)
            clean = Store(Path(folder) / "clean").load(str(copy / below), cwd=copy)
            yield Step(commit, refreshed.corpus, clean.corpus, (refreshed.seconds, clean.seconds))
            shutil.rmtree(Path(folder) / "clean")


def _checked_out(copy: Path, commit: str) -> bool:
    """Whether git has all files of a commit: copies of great repositories may lack the greatest."""
    with contextlib.suppress(RuntimeError):
        _git(copy, "checkout", "-q", "--force", commit)
        return True
    return False


def _commits(repository: Path, count: int, below: str, way: str) -> list[str]:
    """The newest first."""
    line = ("--first-parent", "-m") if way == "straight" else ("--date-order",)
    most = () if way == "structural" else (f"-{count}",)
    raw = _git(repository, "log", *line, *most, "--format=commit %H", "--raw", "--no-renames", "--", below or ".")
    entries = [entry.partition("\n") for entry in re.split("^commit ", raw, flags=re.MULTILINE)[1:]]
    return [commit for commit, _, changes in entries if way != "structural" or _structural(changes)][:count]


def _structural(changes: str) -> bool:
    """Whether the raw lines of a commit hold more than other text in the same files."""
    modes = re.findall(r"^:(\d+) (\d+) ", changes, flags=re.MULTILINE)
    return any(before != after for before, after in modes)


def _facts(corpus: Corpus) -> list[object]:
    """All that was extracted from every document, in order."""
    return list(FactsReader(corpus.path.parents[2] / "facts.sqlite").read(corpus.pack, range(len(corpus.pack))))


def _search_rows(corpus: Corpus) -> list[list[object]]:
    """Every passage of the search index, and every word in it with its counts by column; numbers of rows may differ."""
    columns = "document, start, end, title, kind, prose"
    with contextlib.closing(open_index(corpus.path.with_name("search.sqlite"))) as index:
        index.execute("CREATE VIRTUAL TABLE temp.words USING fts5vocab(main, text, col)")
        passages = index.execute(f"SELECT {columns} FROM chunks ORDER BY {columns}")
        return [passages.fetchall(), index.execute("SELECT * FROM temp.words").fetchall()]


def _names(corpus: Corpus) -> list[str]:
    """Names spread over the corpus."""
    found = sorted({symbol.name for symbol in corpus.symbols(kind="function")})
    return found[:: max(1, len(found) // NAMES)][:NAMES]


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"git {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout
