"""What speaks for a passage as the answer to a question: a row of numbers, the same in number and order for each."""

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from statistics import fmean

from rlm_indexers.search.likeness import Likeness, Words
from rlm_indexers.search.words import SMALL, stem, stems, telling

_HEAD_END = re.compile(r"[:{]\s*(?:[#/][^\n]*)?$", re.MULTILINE)
_HEAD_CHARS = 2000
_USUAL_WORDS = 120
"""Words in a passage of usual length."""
COMPARED = 8
"""So many of the signs, the first ones, are also told in comparison with the other candidates."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A passage that shares words with the question; `score`: what the index gave it."""

    document: str
    start: int
    end: int
    title: str
    kind: str
    prose: bool
    score: float


class Question:
    """The words of a question as stems, and how telling each is (inverse document frequency)."""

    def __init__(self, text: str, asked: Sequence[str], frequency: Callable[[str], int], passages: int) -> None:
        self.all = frozenset(stems(text))
        self.telling: dict[str, float] = {}
        for word in asked:
            count = frequency(word)
            self.telling.setdefault(stem(word), math.log(1 + (passages - count + 0.5) / (count + 0.5)))
        self.pairs = frozenset(pairwise(self.telling))
        self.likeness = Likeness(stems(text))
        self._whole = sum(self.telling.values()) or 1.0

    def share(self, found: "frozenset[str] | Counter[str]") -> float:
        """How much of the question these stems cover, between 0 and 1."""
        return sum(value for word, value in self.telling.items() if word in found) / self._whole

    def named(self, name: Sequence[str]) -> float:
        """How much of a name the question accounts for, between 0 and 1."""
        parts = telling(name)
        known = sum(self.telling.get(part, 0.0) for part in parts)
        unknown = sum(part not in self.telling for part in parts) * self._whole / max(1, len(self.telling))
        return known / (known + unknown) if known else 0.0

    def joined(self, name: Sequence[str]) -> float:
        """Whether the small words of a name (`to`, `from`, `is`) are the question's too."""
        return sum(0.5 if part in self.all else -0.5 for part in name if part in SMALL)

    def frequent(self, found: "Counter[str]", length: int) -> float:
        """How often the question's words occur, with less for each repetition (the formula of BM25)."""
        stretch = 1.2 * (0.25 + 0.75 * length / _USUAL_WORDS)
        return sum(v * found[word] * 2.2 / (found[word] + stretch) for word, v in self.telling.items() if word in found)


def signs(asked: Question, candidate: Candidate, text: str) -> tuple[float, ...]:
    """The signs of one candidate; its text may be cut."""
    found = stems(text)
    counts = Counter(found)
    scope_title, _, own = candidate.title.rpartition(".")
    name, scope = stems(own), _bag(scope_title)
    folder, _, file = candidate.document.rpartition("/")
    place, folders = _bag(file.partition(".")[0]), _bag(folder)
    names, body = frozenset(name), frozenset(counts)
    return (
        candidate.score / 10,
        asked.share(names),
        asked.share(counts),
        asked.frequent(counts, len(found)) / 10,
        asked.share(names | scope | place | folders | body),
        asked.likeness.of(Words(names, scope | place, body)),
        asked.named(name),
        math.log1p(len(found)) / 5,
        asked.share(_head(candidate, text)),
        asked.share(scope),
        asked.share(place),
        asked.share(folders),
        asked.joined(name),
        len(asked.pairs.intersection(pairwise(found))) / max(1, len(asked.pairs)),
        math.log1p(candidate.end - candidate.start) / 4,
        float(own.startswith("_") and not own.startswith("__")),
        float(own.startswith("__")),
    )


@lru_cache(maxsize=10_000)
def _bag(text: str) -> frozenset[str]:
    """The stems of a path or name that many candidates share."""
    return frozenset(stems(text))


def _head(candidate: Candidate, text: str) -> frozenset[str]:
    """The words of a definition before its body."""
    end = _HEAD_END.search(text[:_HEAD_CHARS]) if candidate.title else None
    return frozenset(stems(text[: end.start()])) if end else frozenset()


def _spread(column: Sequence[float], middle: float) -> float:
    """The standard deviation, and a little: some signs are the same for all."""
    return math.sqrt(fmean((value - middle) ** 2 for value in column)) + 1e-3


def compared(rows: Sequence[tuple[float, ...]]) -> list[tuple[float, ...]]:
    """The rows, each with how far its first signs stand out among those of all, and its place in the index's order."""
    columns = list(zip(*(row[:COMPARED] for row in rows), strict=True))
    middles = [fmean(column) for column in columns]
    spreads = [_spread(column, middle) for column, middle in zip(columns, middles, strict=True)]
    return [
        (*row, *((v - m) / s for v, m, s in zip(row, middles, spreads, strict=False)), math.log1p(place))
        for place, row in enumerate(rows)
    ]
