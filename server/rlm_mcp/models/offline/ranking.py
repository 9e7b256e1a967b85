"""Which of the places that were read answer a question best, by counting its words in them. No understanding."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import log

from rlm_mcp.models.offline.reading import Place
from rlm_mcp.models.offline.words import question_stems, stems

MOST = 5
"""Findings in an answer."""
LONGEST = 12
"""Lines of a finding."""
BEFORE = 2
HEAD_START = 8
"""How little the first rank counts more than the second: 1/8 to 1/9."""
IN_PATH = 2.0
"""What a word counts more when the document's path holds it too."""
IN_LINE = 0.5
"""Likewise for the best line; a definition's line counts twice."""
CLOSE = 0.4
"""Findings below this part of the best one's score are left out."""

_DEFINITION = re.compile(
    r"^\s*(?:(?:export|default|public|private|protected|internal|static|final|abstract|async|pub(?:\([^)]*\))?|const"
    r"|virtual|inline|unsafe|extern|override|sealed|data|open)\s+)*"
    r"(?:def|class|func|function|fn|interface|struct|enum|type|trait|impl|module|namespace|object|fun|sub|proc|macro"
    r"|record|protocol|extension|CREATE\s+(?:TABLE|VIEW|FUNCTION))\b",
    re.IGNORECASE,
)
_TESTS = re.compile(r"(?:^|[/_.-])(?:tests?|specs?|testing|fixtures?|conftest|mocks?)(?:[/_.-]|$)", re.IGNORECASE)
_DOCS = re.compile(r"(?:^|/)docs?/|\.(?:md|rst|adoc|txt)$|(?:^|/)(?:changelog|readme|license)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Finding:
    """A place worth citing, and the line that shows why."""

    place: Place
    quote: str
    score: float


def best(words: Sequence[str], read: Sequence[Place]) -> list[Finding]:
    """The best places for these words of a question, best first; none when no place holds any of them."""
    asked = question_stems(words)
    weights = _weights(asked, read)
    scored = [_score(place, asked, weights, order) for order, place in enumerate(read)]
    ranked = sorted((one for one in scored if one.score > 0), key=lambda one: -one.score)
    chosen: list[Finding] = []
    for finding in ranked:
        if len(chosen) == MOST or finding.score < ranked[0].score * CLOSE:
            break
        if not any(_overlap(finding.place, other.place) for other in chosen):
            chosen.append(finding)
    return chosen


def _weights(asked: Sequence[str], read: Sequence[Place]) -> dict[str, float]:
    """A word that stands everywhere says little about where."""
    holding = Counter(stem for place in read for stem in _all_stems(place))
    return {stem: log(1 + len(read) / holding[stem]) for stem in asked if holding[stem]}


def _all_stems(place: Place) -> frozenset[str]:
    return stems(place.document) | stems("\n".join(text for _, text in place.lines))


def _score(place: Place, asked: Sequence[str], weights: dict[str, float], order: int) -> Finding:
    """The search's own order counts most; how many of the words a place holds moves it up or down."""
    by_line = [(_line_score(text, weights), number) for number, text in place.lines]
    top, at = max(by_line, key=lambda scored: (scored[0], -scored[1]))
    if not top:
        return Finding(place, "", 0.0)
    held = _held(_all_stems(place), weights) + IN_PATH * _held(stems(place.document), weights) + IN_LINE * top
    share = held / sum(weights.values())
    score = (0.5 + share) / (order + HEAD_START) * _trust(place.document, asked)
    cut = _around(place, at)
    return Finding(cut, dict(cut.lines)[at].strip(), score)


def _held(found: frozenset[str], weights: dict[str, float]) -> float:
    return sum(weight for stem, weight in weights.items() if stem in found)


def _line_score(text: str, weights: dict[str, float]) -> float:
    return _held(stems(text), weights) * (2.0 if _DEFINITION.match(text) else 1.0)


def _trust(document: str, asked: Sequence[str]) -> float:
    """Code before its tests and its documentation, unless the question asks for those."""
    if _TESTS.search(document):
        return 2.0 if {"test", "spec", "fixtur"} & set(asked) else 0.35
    if _DOCS.search(document):
        return 2.0 if {"doc", "document", "readm", "changelog", "licens"} & set(asked) else 0.6
    return 1.0


def _around(place: Place, at: int) -> Place:
    """At most LONGEST lines from line `at` on, or from a little before it when it opens nothing; no blank end."""
    here = at - place.start
    first = here if _DEFINITION.match(place.lines[here][1]) else max(0, here - BEFORE)
    kept = list(place.lines[first : first + LONGEST])
    while not kept[-1][1].strip():
        kept.pop()
    while not kept[0][1].strip():
        kept.pop(0)
    return Place(place.document, tuple(kept))


def _overlap(one: Place, other: Place) -> bool:
    return one.document == other.document and one.start <= other.end and other.start <= one.end
