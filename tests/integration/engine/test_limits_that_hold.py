"""Limits hold while cells run and children work, not only between turns."""

import time

from rlm_mcp.engine.budget import BudgetLimits
from tests.support.asking import answered, cell

GOOD = "FINAL(The server is started by run_server [src/server.py:6-8].)"
CHILDREN = cell("print(rlm_query_batched([f'deeper {n}' for n in range(8)]))")


def bomb(code):
    """A root that runs this code each turn until it is told to end."""
    return lambda asked: GOOD if "must end now" in asked.text else code


def test_an_endless_cell_is_interrupted_when_the_time_of_the_run_is_over(corpus):
    started = time.monotonic()
    run = answered(corpus, bomb(cell("while True:\n    pass")), limits=BudgetLimits(seconds=1.0))
    assert run.outcome.status == "partial"
    assert run.outcome.reason == "the limit of 1 s is reached"
    assert time.monotonic() - started < 30, "the cell itself may compute for 60 s"


def test_children_end_when_the_time_of_the_run_is_over(corpus):
    run = answered(corpus, bomb(CHILDREN), limits=BudgetLimits(seconds=1.0, depth=3, iterations=1_000))
    assert run.outcome.status == "partial"
    assert run.outcome.reason == "the limit of 1 s is reached"
    asked_after = [asked for asked in run.server.requests if "must end now" in asked.text]
    assert len(asked_after) <= 1 + 8 + 64, "only children at work are asked for their best answer"


def test_the_turns_of_children_are_sub_calls_and_no_more_of_them_are_made_than_allowed(corpus):
    run = answered(corpus, bomb(CHILDREN), limits=BudgetLimits(calls=20, depth=2, iterations=4))
    assert run.outcome.usage.calls <= 20
    own = 4 + 1
    assert len(run.server.requests) <= own + 20
