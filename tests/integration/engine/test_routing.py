"""What fits is asked directly, counting is offered sub-models, and everything else is explored."""

from rlm_mcp.engine.budget import Budget, BudgetLimits
from rlm_mcp.engine.routing import choose
from tests.support import scripted_model
from tests.support.asking import answered, cell, load
from tests.support.repositories import made

BIG = ("openai/gpt-4o-mini", "openai/sub")
ANSWER = "run_server opens the socket [src/server.py:6-8]."
LOOK = cell('print(corpus.read("src/server.py", 6, 8))')


def test_a_corpus_that_fits_well_is_asked_at_once_with_numbered_fenced_text(corpus):
    run = answered(corpus, [ANSWER], strategy="auto", models=BIG)
    assert (run.outcome.status, run.outcome.strategy) == ("complete", "direct")
    assert run.outcome.answer == ANSWER
    assert run.outcome.citations[0].seen
    assert run.outcome.usage.iterations == 1
    asked = run.server.requests[0].text
    assert "src/server.py:1-8\n1| import socket" in asked
    assert "<<<DATA " in asked
    assert "fits well into one request" in run.records.of("strategy")[0]["reason"]


def test_a_model_that_writes_cells_when_asked_directly_is_given_a_session(corpus):
    run = answered(corpus, [LOOK, LOOK, LOOK, f"FINAL({ANSWER})"], strategy="direct", models=BIG)
    assert (run.outcome.status, run.outcome.strategy) == ("complete", "loop")
    assert "repl" not in run.outcome.answer


def test_a_direct_answer_whose_citations_do_not_hold_is_asked_to_mend_them_once(corpus):
    run = answered(corpus, ["It is in [src/nosuch.py:4].", ANSWER], strategy="direct", models=BIG)
    assert run.outcome.answer == ANSWER
    assert "[src/nosuch.py:4-4] does not hold: no such document" in run.server.requests[1].text
    stubborn = answered(corpus, ["It is in [src/nosuch.py:4]."] * 2, strategy="direct", models=BIG)
    assert stubborn.outcome.answer == "It is in [unverified: src/nosuch.py:4]."


def test_a_window_that_overflows_after_all_is_explored_instead(corpus):
    steps = iter([scripted_model.context_overflow(), LOOK, f"FINAL({ANSWER})"])
    run = answered(corpus, lambda _: next(steps), strategy="direct", models=BIG)
    assert (run.outcome.status, run.outcome.strategy) == ("complete", "loop")


def test_a_lookup_may_be_searched_and_answered_in_one_turn(corpus):
    run = answered(corpus, [ANSWER], question="Where is run_server?", strategy="search")
    assert (run.outcome.strategy, run.outcome.answer) == ("search", ANSWER)
    assert "6| def run_server" in run.server.requests[0].text
    assert run.outcome.usage.iterations == 1


def test_a_search_that_does_not_hold_the_answer_goes_on_in_the_loop(corpus):
    steps = ["NOT IN THIS TEXT", LOOK, f"FINAL({ANSWER})"]
    run = answered(corpus, steps, question="Where is run_server?", strategy="search")
    assert (run.outcome.strategy, run.outcome.usage.iterations) == ("loop", 3)


def test_a_question_of_counting_is_offered_the_map_with_its_size(corpus):
    run = answered(corpus, [LOOK, f"FINAL({ANSWER})"], question="How many lamps were lit?", strategy="auto")
    assert run.outcome.strategy == "map"
    assert "sub-calls with llm_classify" in run.told[0]


def test_the_choice_names_its_reason(corpus):
    class Known:
        name, window = "some/model", 20_000

        @staticmethod
        def price():
            return None

    class Offline(Known):
        name = "offline"

    budget = Budget(BudgetLimits())
    assert choose("auto", "Where is x?", corpus, Known(), budget).strategy == "direct"
    assert choose("loop", "Where is x?", corpus, Known(), budget).reason == "asked for"
    assert choose("auto", "How many?", corpus, Offline(), budget).strategy == "loop"
    Known.window = 1_000
    assert choose("auto", "Where is x?", corpus, Known(), budget).strategy == "loop"
    assert "do not fit" in choose("direct", "Where is x?", corpus, Known(), budget).reason
    Known.window = None
    assert choose("auto", "Where is x?", corpus, Known(), budget).strategy == "loop", "nobody has said how much fits"


def test_what_is_asked_about_the_past_is_explored_however_little_there_is_to_read(tmp_path):
    class Known:
        name, window = "some/model", 20_000

        @staticmethod
        def price():
            return None

    repo = made(tmp_path / "shop")
    repo.commit("Begin", a__py="a = 1\n")
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain/a.py").write_text("a = 1\n")
    past, plain = (load(tmp_path / name, tmp_path / "cache") for name in ("shop", "plain"))
    budget = Budget(BudgetLimits())
    for question in (
        "When and why was a changed?",
        "Who wrote a?",
        "Which commit broke a.py?",
        "Why did a.b get removed?",
    ):
        assert choose("auto", question, past, Known(), budget).strategy == "loop", question
        assert choose("auto", question, plain, Known(), budget).strategy == "direct", "there is no history to ask"
    for question in ("When is a user added to b?", "Where is a?", "Why does a return 1?"):
        assert choose("auto", question, past, Known(), budget).strategy == "direct", question
