"""Which documents of a corpus matter most: personalised PageRank over who uses whose names.

The expensive part, the edges, is made once per corpus; leaning towards a question is a few rounds of the same sum.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import NamedTuple

DAMPING = 0.85
ROUNDS = 30
COMMON = 5
"""A name that more documents than this define says little about any of them."""
MINOR = 0.1
"""The weight of generated, vendored and test documents."""


class Uses(NamedTuple):
    """What one document says for the ranking: the names it defines, and how often it uses which."""

    document: str
    defines: frozenset[str]
    uses: Mapping[str, float]
    """Name → how often, weighed by how much a use says."""
    minor: bool
    """Generated, vendored or a test."""


@dataclass(frozen=True, slots=True)
class Graph:
    """Documents, and for each the others whose names it uses, with shares that add up to 1."""

    documents: tuple[str, ...]
    edges: tuple[tuple[tuple[int, float], ...], ...]
    weights: tuple[float, ...]


def graph(documents: Iterable[Uses]) -> Graph:
    """The graph of a corpus. An edge weighs the square root of the uses, less for private and for common names."""
    known = sorted(documents, key=lambda each: each.document)
    definers: dict[str, list[int]] = {}
    for index, each in enumerate(known):
        for name in each.defines:
            definers.setdefault(name, []).append(index)
    edges = tuple(_edges(index, each.uses, definers) for index, each in enumerate(known))
    return Graph(tuple(each.document for each in known), edges, tuple(MINOR if each.minor else 1.0 for each in known))


def _edges(
    index: int, uses: Mapping[str, float], definers: Mapping[str, Sequence[int]]
) -> tuple[tuple[int, float], ...]:
    shares: dict[int, float] = {}
    for name, count in uses.items():
        places = definers.get(name, ())
        if not places or index in places:
            continue
        weight = sqrt(count) * _worth(name, len(places)) / len(places)
        for place in places:
            shares[place] = shares.get(place, 0.0) + weight
    total = sum(shares.values())
    return tuple((place, share / total) for place, share in sorted(shares.items())) if total else ()


def _worth(name: str, places: int) -> float:
    worth = 0.1 if places > COMMON else 1.0
    if name.startswith("_"):
        worth *= 0.1
    if len(name) >= 8 and ("_" in name or not name.islower()):
        worth *= 3.0
    return worth


def rank(known: Graph, wanted: Mapping[str, float] | None = None) -> dict[str, float]:
    """How much each document matters, adding up to 1. `wanted`: documents to lean towards, weighed as you like."""
    count = len(known.documents)
    if not count:
        return {}
    start = _start(known, wanted or {})
    now = start
    for _ in range(ROUNDS):
        after = [0.0] * count
        lost = 0.0
        for index, edges in enumerate(known.edges):
            if not edges:
                lost += now[index]
            for place, share in edges:
                after[place] += now[index] * share
        now = [
            DAMPING * (value + lost * first) + (1 - DAMPING) * first for value, first in zip(after, start, strict=True)
        ]
    weighed = [value * weight for value, weight in zip(now, known.weights, strict=True)]
    total = sum(weighed) or 1.0
    return {document: value / total for document, value in zip(known.documents, weighed, strict=True)}


def _start(known: Graph, wanted: Mapping[str, float]) -> list[float]:
    """Where the walk begins: everywhere alike, or half of the time at what is wanted."""
    plain = sum(known.weights)
    leaning = sum(weight for document, weight in wanted.items() if document in set(known.documents))
    share = 0.5 if leaning else 0.0
    return [
        (1 - share) * weight / plain + (share * wanted.get(document, 0.0) / leaning if leaning else 0.0)
        for document, weight in zip(known.documents, known.weights, strict=True)
    ]
