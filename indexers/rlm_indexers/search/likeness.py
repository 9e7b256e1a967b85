"""How well a passage goes with a question, word by word: learnt from functions and what is said of them.

`check` goes with `is_`, `number` with `count`: each word of a question, and each word of a name, of a surrounding
class or file, and of a text has a few numbers of its own; two words go together as far as theirs point the same way.
Made by tests/accuracy/train_search.py.
"""

import math
from base64 import b64decode
from collections.abc import Iterable
from functools import cache
from operator import mul
from pathlib import Path
from typing import NamedTuple

from rlm_indexers.search.words import SMALL

WORDS = Path(__file__).with_name("learned") / "words.txt"
"""A line for each word: where it stands (q, n, s or b), the word, its numbers as signed bytes in base 64."""
UNIT = 64.0
"""What a signed byte is a part of."""
Vector = tuple[float, ...]


PLACES = ("n", "s", "b")
"""The letters for words of a name, of what it stands in, and of a text."""


class Words(NamedTuple):
    """The distinct stems of a passage: of its name, of what it stands in (class, file), and of its text."""

    name: frozenset[str]
    scope: frozenset[str]
    text: frozenset[str]


class Pulls(dict[str, float]):
    """How far each word that stands in one kind of place goes with a question; worked out when it is first met."""

    def __init__(self, where: str, question: Vector) -> None:
        self._where, self._question = where, question

    def __missing__(self, word: str) -> float:
        vector = _vector(self._where + word)
        self[word] = found = sum(map(mul, self._question, vector)) if vector else 0.0
        return found


class Likeness:
    """Of passages to one question."""

    def __init__(self, stems: Iterable[str]) -> None:
        known = [(share, _vector("q" + word)) for word, share in question_words(stems).items()]
        found = [tuple(share * value for value in vector) for share, vector in known if vector]
        question = tuple(map(sum, zip(*found, strict=True)))
        self._pulls = [Pulls(where, question) for where in PLACES]

    def of(self, passage: Words) -> float:
        """Higher for what goes better with the question; 0 for what nothing is known of."""
        found = (sum(map(pulls.__getitem__, words)) for pulls, words in zip(self._pulls, passage, strict=True))
        return float(sum(map(mul, found, shares(passage))))


def question_words(stems: Iterable[str]) -> dict[str, float]:
    """What each word of a question counts: the small ones less."""
    every = dict.fromkeys(stems)
    return {word: (0.3 if word in SMALL else 1.0) / math.sqrt(len(every)) for word in every}


def shares(passage: Words) -> tuple[float, float, float]:
    """What each word of a passage counts, by where it stands."""
    return 1.0, 0.5, 1.5 / math.sqrt(len(passage.text) or 1)


@cache
def _table() -> dict[str, str]:
    return dict(line.split(" ", 1) for line in WORDS.read_text("utf-8").splitlines())


@cache
def _vector(word: str) -> Vector | None:
    found = _table().get(word)
    return tuple(value / UNIT for value in memoryview(b64decode(found)).cast("b")) if found else None


def forget() -> None:
    """Have the words read anew."""
    _table.cache_clear()
    _vector.cache_clear()
