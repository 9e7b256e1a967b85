"""Limits hold while cells run and children work, not only between turns."""

import time

import pytest

from rlm_mcp.engine.budget import BudgetLimits
from tests.support.asking import answered, cell

GOOD = "FINAL(The server is started by run_server [src/server.py:6-8].)"
CHILDREN = cell("print(rlm_query_batched([f'deeper {n}' for n in range(6)]))")


def bomb(code):
    """A root that runs this code each turn until it is told to end."""
    return lambda asked: GOOD if "must end now" in asked.text else code


@pytest.mark.parametrize("code", ["while True:\n    pass", "import time\ntime.sleep(1000)"])
def test_an_endless_cell_is_interrupted_when_the_time_of_the_run_is_over(corpus, code):
    started = time.monotonic()
    run = answered(corpus, bomb(cell(code)), limits=BudgetLimits(seconds=1.0))
    assert (run.outcome.status, run.outcome.reason) == ("partial", "the limit of 1 s is reached")
    assert time.monotonic() - started < 30, "not the 60 s that a cell may compute"


def test_children_end_when_the_time_of_the_run_is_over(corpus):
    run = answered(corpus, bomb(CHILDREN), limits=BudgetLimits(seconds=2.0, depth=3, calls=100_000))
    assert (run.outcome.status, run.outcome.reason) == ("partial", "the limit of 2 s is reached")
    assert run.outcome.usage.seconds < 30


def test_the_turns_of_children_are_sub_calls_and_no_more_are_made_than_allowed(corpus):
    run = answered(corpus, bomb(CHILDREN), limits=BudgetLimits(calls=20, depth=2, iterations=3))
    assert run.outcome.usage.calls <= 20
    own = 3 + 1
    assert len(run.server.requests) <= own + 20


def test_when_a_long_reply_would_not_fit_the_budget_a_shorter_one_is_asked_for(corpus):
    look = cell('print(corpus.read("src/server.py", 6, 8))')
    run = answered(corpus, [look, GOOD], models=("openai/gpt-4o-mini", "openai/sub"), limits=BudgetLimits(usd=0.004))
    assert run.outcome.status == "complete"
    assert {request.body["max_tokens"] for request in run.server.requests} == {2_048}
