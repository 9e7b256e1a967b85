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
CLOSE = 0.55
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
    by_line = [(_line_score(text, weights), number) for number, text in place.lines]
    top, at = max(by_line, key=lambda scored: (scored[0], -scored[1]))
    body, path = _all_stems(place), stems(place.document)
    held = sum(weight * (1.5 if stem in path else 1.0) for stem, weight in weights.items() if stem in body)
    score = (held + top) * _trust(place.document, asked)
    # What the search ranked first stays first among equals.
    score *= 1 - 0.01 * min(order, 30)
    cut = _around(place, at)
    return Finding(cut, dict(cut.lines)[at].strip(), score if top else 0.0)


def _line_score(text: str, weights: dict[str, float]) -> float:
    found = stems(text)
    held = sum(weight for stem, weight in weights.items() if stem in found)
    return held * (2.0 if _DEFINITION.match(text) else 1.0)


def _trust(document: str, asked: Sequence[str]) -> float:
    """Code before its tests and its documentation, unless the question asks for those."""
    if _TESTS.search(document):
        return 2.0 if {"test", "spec", "fixtur"} & set(asked) else 0.5
    if _DOCS.search(document):
        return 2.0 if {"doc", "document", "readm", "changelog", "licens"} & set(asked) else 0.6
    return 1.0


def _around(place: Place, at: int) -> Place:
    """At most LONGEST lines with line `at` among them, from its definition on if that is close; no blank edges."""
    lines = place.lines
    here = next(i for i, (number, _) in enumerate(lines) if number == at)
    first = max(0, min(here - 2, len(lines) - LONGEST)) if here >= LONGEST else 0
    kept = list(lines[first : first + LONGEST])
    while kept and not kept[-1][1].strip():
        kept.pop()
    while kept and not kept[0][1].strip():
        kept.pop(0)
    return Place(place.document, tuple(kept))


def _overlap(one: Place, other: Place) -> bool:
    return one.document == other.document and one.start <= other.end and other.start <= one.end
