"""Several independent runs: agreement is taken and said, disagreement is judged once more."""

from tests.support.asking import answered, cell

LOOK = cell('print(corpus.read("src/server.py", 1, 8))')
SAME = "The backlog is 128 [src/server.py:3]."
OTHER = "The backlog is 64 [src/server.py:6-8]."


def asked(corpus, finals, judged=SAME, samples=2):
    given = iter(finals)

    def root(request):
        if "from nothing else" in str(request.messages[0]["content"]):
            return judged
        return LOOK if len(request.messages) == 2 else f"FINAL({next(given)})"

    return answered(corpus, root, lambda _: "128", samples=samples)


def test_runs_that_agree_end_with_one_answer_and_say_so(corpus):
    run = asked(corpus, [SAME, "It is 128 [src/server.py:3-4]."])
    assert run.outcome.status == "complete"
    assert "128 [src/server.py:3" in run.outcome.answer
    assert run.records.rows[-1]["kind"] == "outcome"
    assert run.outcome.reason == "2 of 2 independent runs agree"
    assert run.outcome.usage.iterations == 4
    assert {row.get("child", "") for row in run.records.rows} == {"", "sample-1", "sample-2"}


def test_runs_that_disagree_are_judged_by_the_lines_they_cite(corpus):
    run = asked(corpus, [SAME, OTHER])
    assert run.outcome.answer == SAME
    assert run.outcome.strategy == "agreement"
    assert run.outcome.reason.endswith("their answers were judged once more")
    judge = run.root_requests()[-1]
    assert OTHER in str(judge.messages[0]["content"])
    assert "3| BACKLOG = 128" in judge.text


def test_the_larger_part_of_three_decides(corpus):
    run = asked(corpus, [OTHER, SAME, SAME], samples=3)
    assert run.outcome.answer == SAME
    assert run.outcome.reason == "2 of 3 independent runs agree"
