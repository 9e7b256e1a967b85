"""Several independent runs of one question: what they agree on is taken, what they do not is judged once more.

After the finding that choosing among several programs by their agreement beats recursing deeper (facts on engines,
section 5, SRLM). The runs share the cache of sub-calls, so the second costs less than the first.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rlm_indexers.corpus import Span
from rlm_mcp.engine.answer import Outcome

_MARKER = re.compile(r"\[[^\[\]\n]*\]")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
ENOUGH = 0.5
"""The share of each answer's citations that must overlap the other's."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer most others agree with, and how many do, itself included."""

    outcome: Outcome
    agreeing: int
    of: int

    @property
    def settled(self) -> bool:
        """Whether more than half agree, and at least two."""
        return self.agreeing >= 2 and self.agreeing * 2 > self.of


def judge(outcomes: Sequence[Outcome]) -> Verdict:
    """The verdict over outcomes of the same question; those that are not complete agree with nothing."""
    complete = [outcome for outcome in outcomes if outcome.status == "complete"]
    if not complete:
        return Verdict(outcomes[0], 0, len(outcomes))
    counts = [sum(agree(one, other) for other in complete) for one in complete]
    best = max(range(len(complete)), key=lambda i: (counts[i], -len(complete[i].rejected), -i))
    return Verdict(complete[best], counts[best], len(outcomes))


def agree(one: Outcome, other: Outcome) -> bool:
    """Whether two answers name the same numbers first and rest on the same places."""
    return _numbers(one.answer) == _numbers(other.answer) and _overlap(_spans(one), _spans(other))


def _numbers(answer: str) -> set[str]:
    """The numbers of the answer's first sentence, citations left out."""
    first = next((line for line in _MARKER.sub("", answer).split("\n") if line.strip()), "")
    return set(_NUMBER.findall(re.split(r"(?<=[.!?])\s", first)[0]))


def _spans(outcome: Outcome) -> list[Span]:
    return [checked.citation.span for checked in outcome.citations]


def _overlap(one: list[Span], other: list[Span]) -> bool:
    if not one or not other:
        return one == other
    shares = [
        sum(any(_touch(a, b) for b in right) for a in left) / len(left) for left, right in ((one, other), (other, one))
    ]
    return min(shares) >= ENOUGH


def _touch(a: Span, b: Span) -> bool:
    return a.document == b.document and a.start <= b.end and b.start <= a.end
