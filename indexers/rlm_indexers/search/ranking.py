"""The second look at the best candidates of a search: a small network weighs what speaks for each.

It was fitted on functions of released packages and what their documentation says of them (which was hidden), by
tests/accuracy/train_search.py; how well it does on others stands in docs/accuracy.md.
"""

import json
import math
from collections.abc import Callable, Sequence
from functools import cache
from operator import mul
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from rlm_indexers.search.signs import Candidate, Question, compared, signs

WEIGHTS = Path(__file__).with_name("learned") / "ranking.json"
FUNCTIONS = frozenset({"function", "method"})
OTHER, PROSE = 3.0, 1.5
"""What code that is no function, and prose, must be better by: questions mostly mean functions. Set by hand."""
OF_PROSE = (3.52, 1.3, 1.79, 0.0, 0.0, 0.0, 0.97, -3.79, 2.23, 2.71, 1.21, 0.0, 0.0, 1.96, 4.09)
"""What the first signs count in prose: the network has learnt from code, and ranks prose worse than these."""


class Network(NamedTuple):
    """One hidden layer beside direct weights; `mean` and `spread` bring each sign to one scale."""

    mean: list[float]
    spread: list[float]
    direct: list[float]
    hidden: list[list[float]]
    """One row per hidden unit."""
    bias: list[float]
    out: list[float]

    def weigh(self, row: Sequence[float]) -> float:
        values = [(v - m) / s for v, m, s in zip(row, self.mean, self.spread, strict=True)]
        units = (math.tanh(sum(map(mul, unit, values)) + b) for unit, b in zip(self.hidden, self.bias, strict=True))
        return float(sum(map(mul, self.out, units)) + sum(map(mul, self.direct, values)))


@cache
def network() -> Network:
    return Network(**json.loads(WEIGHTS.read_text("utf-8")))


def rank(
    asked: Question, candidates: Sequence[Candidate], text: Callable[[Candidate], str]
) -> list[tuple[float, Candidate]]:
    """The candidates with their new scores, best first; ties go by place."""
    if not candidates:
        return []
    rows = compared([signs(asked, each, text(each)) for each in candidates])
    as_code = list(map(network().weigh, rows))
    as_prose = [sum(map(mul, OF_PROSE, row)) for row in rows]
    level = fmean(as_code) - fmean(as_prose) - PROSE
    told = zip(candidates, as_code, as_prose, strict=True)
    scored = [(prose + level if each.prose else code - handicap(each), each) for each, code, prose in told]
    return sorted(scored, key=lambda pair: (-pair[0], pair[1].document, pair[1].start))


def handicap(candidate: Candidate) -> float:
    """What code must be better by to come before a function."""
    return 0.0 if candidate.kind in FUNCTIONS else OTHER
