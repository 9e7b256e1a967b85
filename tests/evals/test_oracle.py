"""The oracle evaluations that are small enough for every commit: a root without mistakes must be right every time."""

import asyncio
import random
import re

import pytest

from tests.evals import corpora, noise, rules
from tests.evals.house import house
from tests.evals.limits import Case, _calls, _seconds, held, tiny
from tests.evals.model import Steering, serving

SIZE = 400
ROWS = ("count", "most_common", "timeline", "pairs")


@pytest.fixture(scope="module")
def remote():
    with serving() as served:
        yield served


def rows_of(remote, *jobs):
    """A row per job, a (task, steering) each, from one house."""

    async def ask():
        async with house(remote) as home:
            return [await home.ask(task, steering) for task, steering in jobs]

    return asyncio.run(ask())


@pytest.mark.parametrize("hostile", [False, True], ids=["plain", "hostile"])
def test_every_kind_of_task_is_answered_exactly_with_complete_evidence(remote, hostile):
    rows = rows_of(remote, *((corpora.make(kind, SIZE, hostile=hostile), None) for kind in corpora.KINDS))
    assert [(row.task, row.answer) for row in rows] == [(row.task, row.expected) for row in rows]
    assert [row.task for row in rows if not row.evidence or row.rejected or row.status != "complete"] == []


def test_lookups_end_in_two_turns_and_counts_and_chains_in_four_at_most(remote):
    rows = rows_of(remote, *((corpora.make(kind, SIZE), None) for kind in corpora.KINDS))
    turns = {row.task.split("/")[0]: row.turns for row in rows}
    assert turns["needle"] == turns["multi_key"] == 2
    assert max(turns.values()) <= 4


def test_an_answer_costs_the_caller_less_than_five_hundred_tokens(remote):
    rows = rows_of(remote, *((corpora.make(kind, SIZE), None) for kind in corpora.KINDS))
    assert max(row.caller_tokens for row in rows) < 500


def test_every_sub_call_that_was_answered_is_accounted_for(remote):
    rows = rows_of(remote, *((corpora.make(kind, SIZE), None) for kind in ROWS))
    assert all(row.sub_calls for row in rows)
    assert [row.lost for row in rows] == [0] * len(ROWS)


@pytest.mark.parametrize("kind", ["prose", "refusal", "bad_json"])
def test_answers_that_cannot_be_read_are_asked_for_again(remote, kind):
    jobs = [(corpora.make(task, SIZE), Steering(policy=task, noise=kind, rate=0.05)) for task in ROWS]
    rows = rows_of(remote, *jobs)
    assert [(row.task, row.answer) for row in rows] == [(row.task, row.expected) for row in rows]


def test_three_readings_and_a_vote_mend_most_wrong_labels(remote):
    def off(policy):
        jobs = [
            (corpora.make("count", SIZE, seed), Steering(policy=policy, noise="wrong", rate=0.2)) for seed in (1, 2, 3)
        ]
        return sum(noise._off(row) for row in rows_of(remote, *jobs))

    assert off("count-vote") <= off("count")


def test_eight_hundred_sub_calls_in_a_hundred_batches_lose_no_answer(remote):
    async def ask():
        async with house(remote, max_calls=1_000) as home:
            return await home.ask(tiny("a hundred batches"), Steering(policy="batches-100-8"))

    row = asyncio.run(ask())
    assert (row.answer, row.sub_calls, row.lost) == ("800", 800, 0)


def test_a_bomb_of_sub_calls_gets_no_more_than_its_limit(remote):
    result = asyncio.run(held(Case("fan_out", "max_calls", 50, _calls, {"max_iterations": 4}), remote))
    assert (result.status, result.spent) == ("partial", 50)


def test_a_bomb_of_children_ends_when_its_time_is_over(remote):
    result = asyncio.run(held(Case("nested", "max_seconds", 2, _seconds, {"max_depth": 3}), remote))
    assert (result.status, result.reason) == ("partial", "the limit of 2 s is reached")


def test_a_row_whose_instruction_is_obeyed_changes_its_own_label_and_no_other(remote):
    tasks = [corpora.make("count", SIZE, seed, hostile=True) for seed in (1, 2, 3)]
    obedient = Steering(policy="count", noise="obedient", rate=1.0)
    given = [row.answer for row in rows_of(remote, *((task, obedient) for task in tasks))]
    assert given == [obeyed(task) for task in tasks]
    assert given != [task.answer for task in tasks]


def obeyed(task):
    """The count when each row that shouts is labelled as it demands."""
    user, label = re.findall(r'"(\w+)"', task.question)
    told = rules.Rules(task.seed, "obedient", 1.0)
    lines = [line for name, text in task.files.items() if name.endswith(".csv") for line in text.split("\n")]
    return str(sum(told._value(line, random.Random(0)) == label for line in lines if f",{user}," in line))
