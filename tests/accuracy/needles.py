"""Ranked search against function needles, beside plain BM25: `python -m tests.accuracy.needles [DISTRIBUTION …]`.

A needle is the first sentence of a function's docstring; every function's docstring is hidden, and the function is to
be found by its code. Without arguments: the rows of ../shared/data/needles where that is there and its packages are
installed as the rows have them, otherwise of PACKAGES. Times are CPU milliseconds, from the question to the hits.
"""

import importlib.metadata
import math
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path

from rlm_indexers.search.words import SMALL, stems
from rlm_indexers.snapshot import Corpus
from rlm_indexers.store import Store
from tests.accuracy.needle_rows import Needle, Package, hidden, installed, needles, read_rows

ROWS = Path(__file__).parents[3] / "shared" / "data" / "needles" / "dev.jsonl"
PACKAGES = ("httpx", "click", "rich", "fsspec", "hypothesis", "mcp")
"""None of them is among those that the weights were fitted on."""
MOST = 150
WIDEST = 50
LEAST_LINES = 4
"""Shorter functions are no candidates of plain BM25; search has them all."""
Place = tuple[str, int, int]


class Plain:
    """BM25 (k1 1.2, b 0.75) over the functions of a package, names and bodies as one text."""

    def __init__(self, package: Package) -> None:
        texts = {path: hidden(text).split("\n") for path, text in package.files.items()}
        self.places = [each.place for each in package.functions() if each.end - each.start >= LEAST_LINES]
        counts = [Counter(stems("\n".join(texts[path][start - 1 : end]))) for path, start, end in self.places]
        self.lengths = [count.total() for count in counts]
        self.mean = sum(self.lengths) / max(1, len(counts))
        self.postings: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for number, count in enumerate(counts):
            for word, times in count.items():
                self.postings[word].append((number, times))

    def search(self, question: str) -> list[Place]:
        scores: dict[int, float] = defaultdict(float)
        for word in sorted(set(stems(question)) - SMALL):
            known = self.postings.get(word, ())
            rarity = math.log(1 + (len(self.lengths) - len(known) + 0.5) / (len(known) + 0.5))
            for number, times in known:
                stretch = 1.2 * (0.25 + 0.75 * self.lengths[number] / self.mean)
                scores[number] += rarity * times * 2.2 / (times + stretch)
        best = sorted(scores, key=lambda number: (-scores[number], number))[:WIDEST]
        return [self.places[number] for number in best]


def ranks(asked: Iterable[Needle], search: Callable[[str], list[Place]]) -> tuple[list[int], float]:
    """Where the first right answer stands for each needle (0: nowhere), and CPU milliseconds per question."""
    found, began = [], time.process_time()
    for needle in asked:
        places = enumerate(search(needle.question), 1)
        found.append(next((rank for rank, place in places if needle.found(*place)), 0))
    return found, 1000 * (time.process_time() - began) / max(1, len(found))


def figures(found: list[int]) -> str:
    """Recall at 1, 5, 10 and 50, and the mean reciprocal rank."""
    recall = (sum(0 < rank <= k for rank in found) / max(1, len(found)) for k in (1, 5, 10, WIDEST))
    return " ".join(f"{share:.3f}" for share in recall) + f"  {sum(1 / r for r in found if r) / max(1, len(found)):.3f}"


def loaded(package: Package, folder: Path) -> Corpus:
    """The package as a corpus without its docstrings."""
    package.write_hidden(folder / package.name)
    return Store(folder / "cache").load(str(folder / package.name), cwd=folder).corpus


def hits(corpus: Corpus) -> Callable[[str], list[Place]]:
    def search(question: str) -> list[Place]:
        return [(hit.span.document, hit.span.start, hit.span.end) for hit in corpus.search(question, WIDEST)]

    return search


def chosen(distributions: list[str]) -> list[tuple[Package, list[Needle]]]:
    """What is measured."""
    if not distributions and ROWS.is_file():
        return [(installed(name), rows) for name, rows in read_rows(ROWS).items() if _is_installed(name)]
    packages = map(installed, distributions or filter(_is_installed, PACKAGES))
    return [(package, needles(package, MOST)) for package in packages]


def _is_installed(name: str) -> bool:
    return any(True for _ in importlib.metadata.distributions(name=name))


def main() -> None:
    everything: dict[str, list[int]] = defaultdict(list)
    sys.stdout.write("package, questions, what: recall at 1, 5, 10, 50, mean reciprocal rank, ms per question\n")
    for package, asked in chosen(sys.argv[1:]):
        with tempfile.TemporaryDirectory() as folder:
            corpus = loaded(package, Path(folder))
            ways = {"search": hits(corpus), "plain BM25": Plain(package).search}
            for way, search in ways.items():
                search("warm up")
                found, milliseconds = ranks(asked, search)
                everything[way] += found
                named = f"{package.name} {package.version}, {len(asked)}, {way}"
                sys.stdout.write(f"{named:40} {figures(found)}  {milliseconds:.1f}\n")
    for way, found in everything.items():
        sys.stdout.write(f"{f'all, {len(found)}, {way}':40} {figures(found)}\n")


if __name__ == "__main__":
    main()
