"""A root model that is gone, or overwhelmed: an error when nothing is known yet, an outcome when something is."""

import pytest

from rlm_mcp.models.errors import AuthFailed
from tests.support import scripted_model
from tests.support.asking import answered, cell

LOOK = cell('print(corpus.read("src/server.py", 6, 8))')
GOOD = "FINAL(The server is started by run_server [src/server.py:6-8].)"


def test_a_root_that_cannot_be_reached_at_all_is_an_error(corpus):
    with pytest.raises(AuthFailed):
        answered(corpus, [scripted_model.bad_key()])


def test_a_root_that_fails_later_ends_the_run_as_failed_with_its_reason(corpus):
    run = answered(corpus, [LOOK, scripted_model.quota_exhausted()])
    assert run.outcome.status == "failed"
    assert "the root model failed" in run.outcome.reason
    assert run.outcome.usage.iterations == 2
    assert run.records.rows[-1]["kind"] == "outcome"


def test_a_request_too_long_for_the_root_is_shortened_and_asked_again(corpus):
    steps = [cell("print('x' * 9_000)"), LOOK, scripted_model.context_overflow(), GOOD]
    run = answered(corpus, steps)
    assert run.outcome.status == "complete"
    before, after = (sum(len(m["content"]) for m in r.messages) for r in run.root_requests()[-2:])
    assert after < before - 8_000


def test_a_shape_is_asked_for_in_words_and_checked_inside(corpus):
    code = """
print(llm_query("true?", schema={"type": "boolean"}))
print(llm_query("odd?", schema={"type": "boolean"}).kind)
print(llm_query("object?", schema={"type": "object", "required": ["a"]}))
"""
    given = {"true?": "Sure: [] is no answer. true", "odd?": '"maybe"', "object?": '```json\n{"a": 1}\n```'}

    def sub(asked):
        question = asked.text.split("\n")[0]
        return "true" if question == "true?" else given[question]

    run = answered(corpus, [cell(code), LOOK, GOOD], sub)
    assert "True\nschema\n{'a': 1}" in run.told[1]
    assert "fitting this JSON schema" in run.server.asked("sub")[0].text
    native = ["response_format" in request.body for request in run.server.asked("sub")]
    assert native == [False, False, True]


def test_very_long_lines_reach_sub_models_whole(corpus):
    code = 'print(llm_query(["How long?", corpus.read("data/long.txt")]))'
    run = answered(corpus, [cell(code), LOOK, GOOD], lambda asked: str(asked.text.count("word ")))
    assert "\n2000" in run.told[1]
