"""The second look at the best candidates of a search: a weighted sum of what says that a passage answers a question.

The weights were fitted on function needles of packages other than those that search is measured on; how well they do
stands in docs/benchmarks.md.
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from functools import lru_cache
from itertools import pairwise

from rlm_indexers.words import words

FUNCTIONS = frozenset({"function", "method"})
_ENDINGS = (
    *(("ations", "ate"), ("ation", "ate"), ("izers", "ize"), ("izer", "ize"), ("ings", ""), ("ing", ""), ("ies", "y")),
    *(
        ("ied", "y"),
        ("edly", ""),
        ("ers", ""),
        ("ors", "or"),
        ("er", ""),
        ("ed", ""),
        ("es", ""),
        ("ly", ""),
        ("s", ""),
    ),
)
_HEAD_END = re.compile(r"[:{]\s*(?:[#/][^\n]*)?$", re.MULTILINE)


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


@dataclass(frozen=True, slots=True)
class Weights:
    """What counts, and how much."""

    score: float = 3.52
    name_covered: float = 0.97
    name_hit: float = 1.3
    scope_hit: float = 2.71
    text_hit: float = 1.79
    head_hit: float = 2.23
    length: float = -3.79
    pairs: float = 1.96
    file_hit: float = 1.21
    function: float = 2.49
    lines: float = 4.09
    private: float = -0.31


WEIGHTS = Weights()


@dataclass(frozen=True, slots=True)
class Question:
    """The words of a question as stems, and how telling each is (inverse document frequency)."""

    stems: tuple[str, ...]
    telling: dict[str, float]

    @property
    def whole(self) -> float:
        return sum(self.telling.values()) or 1.0

    def share(self, found: frozenset[str] | set[str]) -> float:
        """How much of the question these stems cover, between 0 and 1."""
        return sum(value for stem, value in self.telling.items() if stem in found) / self.whole


def question(asked: Sequence[str], frequency: Callable[[str], int], passages: int) -> Question:
    """The question made of these words; `frequency`: in how many of the passages a word occurs."""
    telling: dict[str, float] = {}
    for word in asked:
        count = frequency(word)
        telling.setdefault(stem(word), math.log(1 + (passages - count + 0.5) / (count + 0.5)))
    return Question(tuple(telling), telling)


def rank(
    asked: Question, candidates: Sequence[Candidate], text: Callable[[Candidate], str]
) -> list[tuple[float, Candidate]]:
    """The candidates with their new scores, best first; ties go by place."""
    scored = [(weigh(features(asked, each, text(each))), each) for each in candidates]
    return sorted(scored, key=lambda pair: (-pair[0], pair[1].document, pair[1].start))


def weigh(values: Sequence[float], weights: Weights = WEIGHTS) -> float:
    return float(sum(weight * value for weight, value in zip(astuple(weights), values, strict=True)))


def features(asked: Question, candidate: Candidate, text: str) -> tuple[float, ...]:
    """One value per weight, in their order."""
    found = [stem(word) for word in words(text)]
    own = candidate.title.rpartition(".")
    name, scope = frozenset(map(stem, words(own[2]))), frozenset(map(stem, words(own[0])))
    end = _HEAD_END.search(text[:2000]) if candidate.title else None
    head = frozenset(stem(word) for word in words(text[: end.start()])) if end else frozenset()
    file = frozenset(map(stem, words(candidate.document.rpartition("/")[2].partition(".")[0])))
    pairs = set(pairwise(asked.stems))
    known = sum(asked.telling.get(part, 0.0) for part in name)
    unknown = sum(part not in asked.telling for part in name) * asked.whole / max(1, len(asked.stems))
    return (
        candidate.score / 10,
        known / (known + unknown) if name else 0.0,
        asked.share(name),
        asked.share(scope),
        asked.share(set(found)),
        asked.share(head),
        math.log1p(len(found)) / 5,
        len(pairs.intersection(pairwise(found))) / max(1, len(pairs)),
        asked.share(file),
        1.0 if candidate.kind in FUNCTIONS else 0.5 if candidate.prose else 0.0,
        math.log1p(candidate.end - candidate.start) / 4,
        float(own[2].startswith("_")),
    )


@lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """The word without its ending, so that `sending`, `sends` and `send` are one."""
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            word = word[: len(word) - len(ending)] + instead
            break
    if len(word) > 3 and word.endswith("e"):
        word = word[:-1]
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "ls":
        word = word[:-1]
    return word
