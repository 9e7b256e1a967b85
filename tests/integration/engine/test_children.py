"""`rlm_query`: children with sessions, loops and budgets of their own."""

import re

from rlm_mcp.engine.budget import BudgetLimits
from tests.support.asking import answered, cell

LOOK = cell('print(corpus.read("src/server.py", 6, 8))')
GOOD = "FINAL(The server is started by run_server [src/server.py:6-8].)"
CHILD = "child of another run"


def root(steps, child):
    """The root's script by turn; children are told by their prompt."""

    def reply(asked):
        turn = sum(message["role"] == "assistant" for message in asked.messages)
        if CHILD in str(asked.messages[0]["content"]):
            return child(asked, turn)
        return steps[turn]

    return reply


def looker(asked, turn):
    """A child that prints what it was given and answers with the first line of it."""
    if turn == 0:
        return cell("print(given)\nmine = given[0].text")
    place, line = re.search(r"(data/messages.txt:\d+-\d+)\n\d+\| (.*)", str(asked.messages[-1]["content"])).groups()
    return f"FINAL({line} [{place}])"


def test_children_answer_side_by_side_each_from_its_own_spans(corpus):
    code = """
spans = [[corpus.read("data/messages.txt", n, n)] for n in range(1, 9)]
answers = rlm_query_batched(["what was lit?"] * 8, spans)
print([a.ok for a in answers].count(True))
print(all(f"message {n - 1}:" in str(answers[n - 1]) for n in range(1, 9)))
"""
    run = answered(corpus, root([cell(code), LOOK, GOOD], looker))
    assert "8\nTrue" in _told(run)
    assert run.outcome.usage.max_depth == 1


def _told(run):
    """What the run's own root was told after its first cell."""
    mine = [r for r in run.root_requests() if CHILD not in str(r.messages[0]["content"])]
    return str(mine[1].messages[-1]["content"])


def test_a_child_s_output_variables_and_answer_stay_its_own(corpus):
    code = 'mine = "parent"\na = rlm_query("what?", corpus.read("data/messages.txt", 3, 3))\nprint(mine, "|", a)'
    run = answered(corpus, root([cell(code), LOOK, GOOD], looker))
    assert "parent | message 2: the blue lamp was lit [data/messages.txt:3-3]" in _told(run)
    assert "2| " not in _told(run)


def test_a_child_s_journal_nests_in_its_parent_s(corpus):
    code = 'rlm_query_batched(["a", "b"], [corpus["data/messages.txt"]] * 2)'
    run = answered(corpus, root([cell(code), LOOK, GOOD], looker))
    children = {row.get("child", "") for row in run.records.rows}
    assert len(children) == 3
    assert all(re.fullmatch("1-[0-9a-f]{8}|", child) for child in children)
    assert [row["question"] for row in run.records.of("child")] == ["a", "b"]
    assert len(run.records.of("outcome")) == 1


def test_what_a_child_s_models_saw_counts_as_seen_by_the_run(corpus):
    code = 'print(rlm_query("which?", corpus.read("data/messages.txt", 5, 5)).ok)'
    final = "FINAL(It was the green lamp [data/messages.txt:5].)"
    run = answered(corpus, root([cell(code), final], looker))
    assert run.outcome.citations[0].seen
    assert run.outcome.usage.iterations == 2


def test_depth_is_bounded_on_the_host(corpus):
    def child(asked, turn):
        if turn == 0:
            return cell('print(rlm_query("deeper", given))\nprint(given)')
        assert "SUB-CALL FAILED: depth" in str(asked.messages[-1]["content"])
        return "FINAL(no deeper [data/messages.txt:1])"

    code = 'print(rlm_query("go", corpus.read("data/messages.txt", 1, 1)))'
    run = answered(corpus, root([cell(code), LOOK, GOOD], child))
    assert "no deeper" in _told(run)
    none = answered(corpus, root([cell(code), LOOK, GOOD], child), limits=BudgetLimits(depth=0))
    assert "SUB-CALL FAILED: depth: no deeper than 0" in _told(none)


def test_children_may_nest_when_the_depth_allows(corpus):
    def child(asked, turn):
        if turn == 0:
            return cell('print(rlm_query("deeper", given) if budget()["depth_left"] else given)')
        deep = "data/messages.txt:1-1" in str(asked.messages[-1]["content"])
        return "FINAL(found [data/messages.txt:1])" if deep else "FINAL(relayed [data/messages.txt:1])"

    code = 'print(rlm_query("go", corpus.read("data/messages.txt", 1, 1)))'
    run = answered(corpus, root([cell(code), LOOK, GOOD], child), limits=BudgetLimits(depth=2))
    assert run.outcome.usage.max_depth == 2
    deepest = max((row.get("child", "") for row in run.records.rows), key=len)
    assert re.fullmatch("1-[0-9a-f]{8}/1-[0-9a-f]{8}", deepest)


def test_a_bomb_of_children_stays_within_the_run_s_budget(corpus):
    def child(asked, turn):
        return cell('print(rlm_query_batched(["again"] * 4))')

    code = 'print(rlm_query_batched(["boom"] * 8)[0])'
    run = answered(corpus, root([cell(code), LOOK, GOOD], child), models=("openai/gpt-4o-mini", "openai/sub"),
                   limits=BudgetLimits(usd=0.05, depth=2, iterations=4, seconds=60))  # fmt: skip
    one_call = 0.002
    assert run.outcome.usage.usd <= 0.05 + one_call, "the last request of the run itself may go beyond"


def test_a_child_that_runs_into_a_limit_says_so_in_its_answer(corpus):
    def child(asked, turn):
        return "FINAL(best guess)" if "must end now" in str(asked.messages[-1]["content"]) else cell("print(1)")

    run = answered(corpus, root([cell('print(rlm_query("x"))'), LOOK, GOOD], child), limits=BudgetLimits(iterations=8))
    assert "[partial: the limit of 4 turns is reached]\nbest guess" in _told(run)
