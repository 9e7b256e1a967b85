"""The numbers of words, learnt from documented functions: which go together, beyond being the same (needs numpy)."""

import math
from base64 import b64encode
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from rlm_indexers.search.likeness import PLACES, UNIT, Words, question_words, shares
from rlm_indexers.search.words import SMALL, stems
from tests.accuracy.needle_rows import Function, Package, functions, hidden

Array = Any
"""numpy is no dependency of ours, so its types are not at hand."""
NUMBERS = 32
LEAST_PACKAGES = 5
"""Words of fewer packages are names of theirs."""
LEAST_LENGTH = 0.45
"""Shorter vectors hardly say anything."""
ROUNDS, STEP, DECAY = 6, 0.08, 1e-3
AT_ONCE, LEAST_AT_ONCE, MOST_OF_A_PACKAGE = 128, 12, 800
DROPPED = 0.2
BODY_CHARS = 8000


class Pair(NamedTuple):
    """What is said of a function, and the function."""

    said: list[str]
    passage: Words


class Side(NamedTuple):
    """The numbers of the words that occur, and a row for each question, or function, of what it holds of each."""

    at: Array
    shares: Array


def learn(packages: Iterable[list[Pair]]) -> dict[str, str]:
    """The words, each with its numbers as they are stored, from the pairs of each package."""
    gathered = [found for found in packages if len(found) > LEAST_AT_ONCE]
    asked = _vocabulary([{f"q{word}" for pair in of for word in pair.said} for of in gathered])
    found = _vocabulary([{word for pair in of for word in passage_words(pair.passage)} for of in gathered])
    rng = np.random.default_rng(0)
    one, other = rng.standard_normal((len(asked), NUMBERS)) * 0.1, np.zeros((len(found), NUMBERS))
    sizes = np.full((len(asked), 1), 1e-3), np.full((len(found), 1), 1e-3)
    for each_round in range(ROUNDS):
        batches = [batch for of in gathered for batch in _batches(of, rng)]
        step = STEP * (1 - 0.8 * each_round / ROUNDS)
        for n in rng.permutation(len(batches)):
            _improve((one, other), sizes, _matrices(batches[n], asked, found, rng), step)
    return {**_stored(asked, one, 0.0), **_stored(found, other, LEAST_LENGTH)}


def pairs(package: Package) -> Iterator[Pair]:
    """Each description once."""
    known = {""}
    for path, text in package.files.items():
        lines = hidden(text).split("\n")
        for each in functions(path, text):
            if each.description not in known and each.end - each.start > 2:
                known.add(each.description)
                yield Pair(stems(each.description.replace("<fn>", "")), _words(each, lines))


def _words(function: Function, lines: list[str]) -> Words:
    text = "\n".join(lines[function.start - 1 : function.end])[:BODY_CHARS]
    around = stems(function.scope) + stems(function.path.rpartition("/")[2].partition(".")[0])
    return Words(frozenset(stems(function.name)), frozenset(around), frozenset(stems(text)))


def passage_words(passage: Words) -> dict[str, float]:
    """The words of a passage after the letter of where they stand, each with what it counts."""
    parts = zip(PLACES, passage, shares(passage), strict=True)
    return {where + word: share for where, words, share in parts for word in words}


def _vocabulary(of_packages: list[set[str]]) -> dict[str, int]:
    spread = Counter(word for words in of_packages for word in words)
    return {word: n for n, word in enumerate(sorted(w for w, count in spread.items() if count >= LEAST_PACKAGES))}


def _batches(of: list[Pair], rng: Array) -> Iterator[list[Pair]]:
    """Functions of one package, to be told from one another."""
    order = rng.permutation(len(of))[:MOST_OF_A_PACKAGE]
    for start in range(0, len(order), AT_ONCE):
        if len(order) - start >= LEAST_AT_ONCE:
            yield [of[n] for n in order[start : start + AT_ONCE]]


def _matrices(
    batch: list[Pair], asked: dict[str, int], found: dict[str, int], rng: Array
) -> "tuple[Side, Side, Array]":
    """Questions by their words, functions by theirs; and what both have in common as it is."""
    questions = [{f"q{word}": share for word, share in question_words(pair.said).items()} for pair in batch]
    functions = [passage_words(pair.passage) for pair in batch]
    return _side(questions, asked, rng), _side(functions, found, rng), _in_common(batch)


def _side(rows: list[dict[str, float]], known: dict[str, int], rng: Array) -> Side:
    """What each row holds of each word that occurs in any, some left out at random."""
    columns = {word: n for n, word in enumerate(sorted({word for row in rows for word in row if word in known}))}
    shares = np.zeros((len(rows), len(columns)))
    for n, row in enumerate(rows):
        for word, share in row.items():
            if word in columns:
                shares[n, columns[word]] = share
    kept = shares * (rng.random(shares.shape) > DROPPED) / (1 - DROPPED)
    return Side(np.array([known[word] for word in columns], int), kept)


def _in_common(batch: list[Pair]) -> Array:
    """What plain matching of words says already: the vectors learn the rest."""
    having: dict[str, dict[int, float]] = defaultdict(dict)
    for n, pair in enumerate(batch):
        having_both = {**dict.fromkeys(pair.passage.text, 0.6), **dict.fromkeys(pair.passage.name, 1.6)}
        for word, share in having_both.items():
            having[word][n] = share
    same = np.zeros((len(batch), len(batch)))
    for n, pair in enumerate(batch):
        for word in set(pair.said) - SMALL:
            rarity = math.log(1 + (len(batch) - len(having[word]) + 0.5) / (len(having[word]) + 0.5))
            for other, share in having[word].items():
                same[n, other] += rarity / 4 * share
    return same


def _improve(
    vectors: tuple[Array, Array], sizes: tuple[Array, Array], batch: tuple[Side, Side, Array], step: float
) -> None:
    """One step towards each question being nearest to its own function (softmax over the batch, Adagrad)."""
    *sides, same = batch
    asked, found = (side.shares @ vector[side.at] for side, vector in zip(sides, vectors, strict=True))
    scores = asked @ found.T + same
    shares = np.exp(scores - scores.max(1, keepdims=True))
    push = np.eye(len(shares)) - shares / shares.sum(1, keepdims=True)
    slopes = sides[0].shares.T @ (push @ found), sides[1].shares.T @ (push.T @ asked)
    for vector, size, slope, side in zip(vectors, sizes, slopes, sides, strict=True):
        change = slope / len(shares) * 8 - DECAY * vector[side.at]
        size[side.at] += (change * change).mean(1, keepdims=True)
        vector[side.at] += step * change / np.sqrt(size[side.at])


def _stored(words: dict[str, int], vectors: Array, least: float) -> dict[str, str]:
    whole = np.clip(np.round(vectors * UNIT), -127, 127).astype(np.int8)
    long = np.linalg.norm(vectors, axis=1) >= least
    return {word: b64encode(whole[n].tobytes()).decode() for word, n in words.items() if long[n]}
