"""One instruction over many items: packed, in order, each failure a value, the budget asked first."""

import json
import re

import pytest

from rlm_mcp.engine.budget import BudgetLimits
from tests.support import scripted_model
from tests.support.asking import answered, cell

LOOK = cell('print(corpus.read("src/server.py", 6, 8))')
GOOD = "FINAL(The server is started by run_server [src/server.py:6-8].)"
MESSAGES = 'items = [corpus.read("data/messages.txt", n, n) for n in range(1, 91)]\n'
ITEM = re.compile(r"<<<ITEM (\d+) (\w+)\n(.*?)\nITEM \1 \2>>>", re.DOTALL)


def judge(rule):
    """A sub-model that gives each numbered item the value the rule says."""

    def sub(asked):
        rows = [{"item": int(n), "value": rule(text)} for n, _, text in ITEM.findall(asked.text)]
        return "Here is the list:\n```json\n" + json.dumps(rows) + "\n```"

    return sub


def color(text):
    return next(name for name in ("red", "green", "blue") if name in text)


def run(corpus, code, sub, **options):
    return answered(corpus, [cell(code), LOOK, GOOD], sub, **options)


def test_every_row_is_classified_once_in_few_calls_and_counted_in_code(corpus):
    code = MESSAGES + 'labels = llm_classify("Which lamp?", items, ["red", "green", "blue"])\nprint(Counter(labels))'
    ran = run(corpus, code, judge(color))
    assert "Counter({'red': 30, 'green': 30, 'blue': 30})" in ran.told[1]
    assert len(ran.server.asked("sub")) == 1


def test_small_batches_keep_the_order(corpus):
    code = (
        MESSAGES
        + 'r = llm_map("number?", items, schema={"type": "integer"}, batch_tokens=60)\nprint(r == list(range(90)))'
    )
    ran = run(corpus, code, judge(lambda text: int(re.search(r"message (\d+)", text)[1])))
    assert "True" in ran.told[1]
    assert len(ran.server.asked("sub")) > 10
    assert re.search(r"\[90 items in \d+ sub-calls, about [\d,]+ tokens; 500 calls left\]", ran.told[1])


def test_a_filter_gives_spans_that_can_be_cited(corpus):
    code = MESSAGES + 'red = llm_filter("the lamp is red", items)\nprint(len(red), type(red).__name__, red[0].ref)'
    assert "30 Spans data/messages.txt:1-1" in run(corpus, code, judge(lambda text: "red" in text)).told[1]


def test_items_left_out_or_misshapen_are_asked_again_and_then_fail_for_themselves(corpus):
    def sub(asked):
        found = ITEM.findall(asked.text)
        values = [(int(n), "blue" in text or "message 4:" in text) for n, _, text in found]
        rows = [{"item": n, "value": "perhaps" if odd else "fine"} for n, odd in values]
        return json.dumps(rows[:-1] if len(rows) > 5 else rows)

    code = MESSAGES + 'r = llm_map("?", items[:9], schema={"enum": ["fine"]})\nprint(len(r.ok), r.failed, r[2].kind)'
    assert "5 [2, 4, 5, 8] schema" in run(corpus, code, sub).told[1]


def test_an_answer_cut_off_counts_as_far_as_it_goes_and_only_the_rest_is_asked_again(corpus):
    prompts = []

    def sub(asked):
        prompts.append(asked.text)
        rows = json.dumps([{"item": int(n), "value": color(text)} for n, _, text in ITEM.findall(asked.text)])
        return rows if len(prompts) > 1 else rows[: len(rows) // 2]

    code = MESSAGES + 'r = llm_map("color?", items[:20])\nprint(len(r.ok), r.failed)'
    assert "20 []" in run(corpus, code, sub).told[1]
    assert sum(len(ITEM.findall(prompt)) for prompt in prompts[1:]) == 10


@pytest.mark.parametrize("said", ["42", "null", '"none"', '[{"item": [1], "value": 2}]', '{"item": {}, "value": 1}'])
def test_json_of_another_shape_is_a_failure_of_the_items_and_never_of_the_cell(corpus, said):
    code = MESSAGES + 'r = llm_map("color?", items[:3])\nprint(len(r.ok), r.failed, r[0].kind)'
    told = run(corpus, code, lambda asked: said).told[1]
    assert "0 [0, 1, 2]" in told, told


def test_refusals_are_asked_again_in_other_words(corpus):
    asked_before = set()

    def sub(asked):
        refused = len(asked_before) < 2
        assert asked.text not in asked_before
        asked_before.add(asked.text)
        rows = [{"item": int(n), "value": color(text)} for n, _, text in ITEM.findall(asked.text)]
        return "I'm sorry, I can't help with that." if refused else json.dumps(rows)

    code = MESSAGES + 'r = llm_map("color?", items[:1])\nprint(len(r.ok), r.failed)'
    assert "1 []" in run(corpus, code, sub).told[1]


def test_an_instruction_planted_in_one_item_cannot_speak_for_another(corpus):
    def sub(asked):
        rows = []
        for n, _, text in ITEM.findall(asked.text):
            rows.append({"item": int(n), "value": "pwned" if "Ignore all" in text else color(text)})
        return json.dumps(rows)

    code = MESSAGES + (
        'r = llm_classify("?", [*items[:3], corpus["data/evil.txt"]], ["red", "green", "blue"])\n'
        "print(r[:3], r[3].kind)"
    )
    assert "['red', 'green', 'blue'] schema" in run(corpus, code, sub).told[1]


def test_an_oversized_item_goes_in_parts_and_a_failed_part_fails_it(corpus):
    code = 'big = "word " * 100_000\nr = llm_map("?", [big, "small"])\nprint(type(r[0]).__name__, len(r[0]), r[1])'
    ran = run(corpus, code, judge(len))
    assert re.search(r"list \d+ 5", ran.told[1])


def test_more_calls_than_are_left_are_refused_before_any_is_made(corpus):
    code = 'llm_map("?", ["x" * 400 for _ in range(200)], batch_tokens=100)'
    ran = run(corpus, code, judge(len), limits=BudgetLimits(calls=20))
    assert "need 200 sub-calls, 20 are left" in ran.told[1]
    assert ran.server.asked("sub") == []


def test_a_reduction_goes_in_rounds_until_one_text_is_left(corpus):
    code = 'print(llm_reduce("Add up", [str(n) * 50 for n in range(1, 10)], batch_tokens=40))'
    ran = run(corpus, code, lambda asked: "sum" if asked.text.count("<<<DATA") > 1 else "one")
    assert "sum" in ran.told[1]
    assert len(ran.server.asked("sub")) > 4


def test_when_the_sub_model_is_down_every_item_says_so(corpus):
    code = MESSAGES + 'r = llm_classify("?", items, ["a"])\nprint(len(r.failed), r[0].kind)'
    assert "90 auth_failed" in run(corpus, code, lambda _: scripted_model.bad_key()).told[1]


def test_pairs_are_all_pairs(corpus):
    ran = run(corpus, "print(pairs([1, 2, 3]), len(pairs([1, 2], 'abc')))", judge(len))
    assert "[(1, 2), (1, 3), (2, 3)] 6" in ran.told[1]
