"""A budget holds: calls are paid from what was reserved, and nothing is spent that was not there."""

import pytest

from rlm_mcp.engine.budget import Budget, BudgetLimits, BudgetReached
from rlm_mcp.models.base import Usage


def usage(tokens=100, usd=0.01):
    return Usage(tokens, 0, 0, usd)


def test_a_call_that_does_not_fit_beside_those_in_flight_is_refused():
    budget = Budget(BudgetLimits(usd=0.025))
    first, second = budget.reserve(usage()), budget.reserve(usage())
    with pytest.raises(BudgetReached, match=r"\$0.025"):
        budget.reserve(usage())
    budget.settle(first, usage(usd=0.001))
    budget.settle(second, usage(usd=0.001))
    budget.reserve(usage())


def test_settling_twice_counts_once():
    budget = Budget(BudgetLimits())
    lease = budget.reserve(usage())
    budget.settle(lease, usage())
    budget.settle(lease, usage())
    assert budget.usage().usd == 0.01


def test_children_spend_what_their_parent_has_and_no_more():
    root = Budget(BudgetLimits(usd=0.1, calls=4, depth=2))
    children = [root.child(share=0.9) for _ in range(8)]
    granted = 0
    for child in children:
        for _ in range(3):
            try:
                child.settle(child.reserve(usage(usd=0.004), sub_call=True), usage(usd=0.004))
                granted += 1
            except BudgetReached:
                continue
    assert granted == 4
    assert root.usage().calls == 4
    assert root.usage().usd == pytest.approx(0.016)
    assert root.usage().max_depth == 1


def test_a_grandchild_s_call_is_reserved_all_the_way_up():
    root = Budget(BudgetLimits(usd=1.0, depth=2))
    lease = root.child().child().reserve(usage(usd=0.2))
    assert root.usd_left() == pytest.approx(0.8)
    assert root.max_depth == 2
    root.child().settle(lease)


def test_an_unknown_price_is_said_and_the_token_cap_holds():
    budget = Budget(BudgetLimits(usd=0.01, tokens=250))
    budget.settle(budget.reserve(usage(usd=None)), usage(usd=None))
    assert budget.usage().usd is None
    budget.reserve(usage(usd=None))
    with pytest.raises(BudgetReached, match="250 tokens"):
        budget.reserve(usage(usd=None))


def test_no_money_at_all_refuses_priced_calls_and_allows_free_ones():
    budget = Budget(BudgetLimits(usd=0.0))
    with pytest.raises(BudgetReached):
        budget.reserve(usage(usd=0.0001))
    budget.settle(budget.reserve(usage(usd=0.0)), usage(usd=0.0))
    assert budget.reached() == ""


def test_sub_calls_are_counted_and_refused_beyond_their_limit():
    budget = Budget(BudgetLimits(calls=2))
    budget.reserve(usage(), sub_call=True)
    budget.settle(budget.reserve(usage(), sub_call=True), cached=True)
    with pytest.raises(BudgetReached, match="2 sub-calls"):
        budget.reserve(usage(), sub_call=True)
    assert budget.usage().cached_calls == 1


def test_each_limit_names_itself_when_it_ends_the_run():
    now = [0.0]
    budget = Budget(BudgetLimits(iterations=1, seconds=10, errors=2, tokens=50, usd=0.5), clock=lambda: now[0])
    assert budget.reached() == ""
    budget.errors = 2
    assert budget.reached() == "2 turns in a row failed"
    budget.errors = 0
    budget.settle(budget.reserve(usage(1)), usage(60))
    assert "50 tokens" in budget.reached()
    now[0] = 11.0
    assert "10 s" in budget.reached()
    budget.turn()
    assert "1 turns" in budget.reached()


def test_the_last_question_is_still_asked_unless_money_or_tokens_are_gone():
    budget = Budget(BudgetLimits(usd=0.02))
    budget.settle(budget.reserve(usage(usd=0.015)), usage(usd=0.015))
    assert budget.last_lease(usage(usd=0.01)) is not None
    broke = Budget(BudgetLimits(usd=0.02))
    broke.settle(broke.reserve(usage(usd=0.02)), usage(usd=0.02))
    assert broke.last_lease(usage()) is None


def test_a_child_may_work_in_its_parent_s_last_turn():
    root = Budget(BudgetLimits(iterations=1))
    root.turn()
    assert root.reached() != ""
    assert root.child().reached() == ""


def test_of_children_that_end_at_once_only_those_are_asked_for_whom_the_run_has_room():
    root = Budget(BudgetLimits(usd=0.02))
    leases = [root.child().last_lease(usage(usd=0.008), sub_call=True) for _ in range(8)]
    assert sum(lease is not None for lease in leases) == 2
