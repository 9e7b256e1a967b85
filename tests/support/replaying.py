"""A real history gone through commit by commit: what is refreshed must be what is built anew, byte for byte."""

import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rlm_indexers.snapshot import Corpus
from rlm_indexers.store import Store

QUERIES = ("how is a file read", "git commit", "error message", "parse the text of a document")
NAMES = 8


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
            "a search": all(one.search(query) == other.search(query) for query in QUERIES),
            "the outline": one.outline(question=QUERIES[0]) == other.outline(question=QUERIES[0]),
            "an edge": all(
                one.relations.references(name) == other.relations.references(name)
                and one.relations.callers(name) == other.relations.callers(name)
                for name in _names(other)
            ),
        }
        return [what for what, same in checks.items() if not same]


def replay(repository: Path, count: int, below: str = "") -> Iterator[Step]:
    """The last `count` commits that touch a folder of a repository, the oldest first; a copy of it is worked on."""
    with tempfile.TemporaryDirectory() as folder:
        copy, store = Path(folder) / "copy", Store(Path(folder) / "kept")
        _git(repository, "clone", "-q", "--no-checkout", "--no-hardlinks", ".", str(copy))
        commits = _git(copy, "log", "--first-parent", f"-{count}", "--format=%H", "--", below or ".").split()
        for number, commit in enumerate(reversed(commits)):
            _git(copy, "checkout", "-q", "--force", commit)
            if not (copy / below).exists():
                continue
            refreshed = store.load(str(copy / below), cwd=copy)
            clean = Store(Path(folder) / f"clean{number}").load(str(copy / below), cwd=copy)
            yield Step(commit, refreshed.corpus, clean.corpus, (refreshed.seconds, clean.seconds))


def _names(corpus: Corpus) -> list[str]:
    """Names spread over the corpus."""
    found = sorted({symbol.name for symbol in corpus.symbols(kind="function")})
    return found[:: max(1, len(found) // NAMES)][:NAMES]


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"git {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout
