"""Runs of one simple shape, for measuring the engine: so many turns, sub-calls, batches or children, then an answer.

Their corpus is one file, FILE; their answer is how many answers they got.
"""

import re
from collections.abc import Callable

from tests.evals.policies import Policy, Talk, cell

FILE = "first.txt"
LOOK = "print(corpus.docs[0].read(1, 2))"
ANSWERS = "\nprint(sum(x.ok for x in a), 'answers')"
WIDTHS = (0, 1, 8, 16, 32, 64, 128, 200, 256, 500)


def shape(code: str) -> Policy:
    """Looks, runs one cell, answers with what it counted. `{run}` in the code becomes the question."""

    def policy(said: Talk) -> str:
        if said.turn < 2:
            return cell(code.replace("{run}", said.question) if said.turn else LOOK)
        counted = re.search(r"(\d+) answers", said.output)
        return _final(counted[1] if counted else "none")

    return policy


def spread(width: int) -> Policy:
    """One batch of so many sub-calls."""
    return shape(f"a = llm_query_batched(['{{run}} item %d' % n for n in range({width})])" + ANSWERS)


def batches(count: int, width: int) -> Policy:
    """So many batches, one after the other."""
    one = f"llm_query_batched(['{{run}} batch %d item %d' % (b, n) for n in range({width})])"
    return shape(f"a = []\nfor b in range({count}):\n    a += {one}" + ANSWERS)


def children(width: int) -> Policy:
    """So many children side by side, each of which looks once and answers."""
    parent = shape("a = rlm_query_batched(['{{child %d}}' % n for n in range(" + str(width) + ")])" + ANSWERS)

    def policy(said: Talk) -> str:
        if said.question.startswith("child"):
            return _final("1") if said.turn else cell(LOOK)
        return parent(said)

    return policy


def turns(count: int) -> Policy:
    """So many small cells."""

    def policy(said: Talk) -> str:
        if said.turn < count:
            return cell(f"x = {said.turn}\nprint(x)" if said.turn else LOOK)
        return _final(str(count))

    return policy


def _final(answer: str) -> str:
    return f"FINAL(ANSWER: {answer}\nEvidence: [{FILE}:1-2])"


MAKERS: dict[str, Callable[..., Policy]] = {"spread": spread, "batches": batches, "children": children, "turns": turns}


def named(name: str) -> Policy:
    """`spread-64`, `batches-100-8`, `children-16`, `turns-20`."""
    kind, *numbers = name.split("-")
    return MAKERS[kind](*map(int, numbers))
