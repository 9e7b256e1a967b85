"""Killed by SIGKILL at any moment, a run goes on under its id, to the same answer, and pays for nothing twice."""

from pathlib import Path

from tests.support.cli import Cli
from tests.support.kills import REQUESTS, environment, killed, script, series
from tests.support.scripted_model import Asked, ScriptedModel

ANSWER = "It is defined once [src/server.py:4-4]."


def test_runs_killed_while_under_way_are_resumed_to_the_same_answer(tmp_path: Path) -> None:
    """At the first request, in a batch, between turns; `python tests/support/kills.py` for fifty at random moments."""
    for run in series(tmp_path, [(1, 0.0), (8, 0.0), (17, 0.0)]):
        assert not run.survived
        assert run.result["answer"] == ANSWER, run
        assert run.result["usage"]["calls"] == 14
        assert run.paid_twice == 0


def test_a_run_that_had_ended_gives_its_answer_again_for_nothing(cli: Cli) -> None:
    with ScriptedModel(script) as model:
        asking = Cli(cli.home, cli.cwd, environment(model))
        first = asking("ask", ".", "Where is run_server defined?", "--json").json
        paid = len(model.requests)
        again = asking("runs", "resume", first["run"], "--json").json
        assert len(model.requests) == paid
    assert (again["run"], again["answer"], again["citations"]) == (first["run"], first["answer"], first["citations"])


def test_a_question_that_follows_another_has_its_variables(cli: Cli) -> None:
    look = "```repl\nkept = corpus.grep('run_server')\nprint(kept)\n```"
    follow = "```repl\nprint('there are', len(kept))\nprint(kept)\n```"
    final = "FINAL(Here [src/server.py:4-4].)"
    with ScriptedModel({"root": [look, final, follow, final], "sub": lambda _: "ok"}) as model:
        asking = Cli(cli.home, cli.cwd, environment(model))
        first = asking("ask", ".", "Where?", "--json").json
        second = asking("ask", ".", "How many?", "--follows", first["run"], "--json")
        assert second.code == 0, second.err
        assert "there are 2" in model.requests[3].text


def test_what_follows_a_run_about_another_state_of_the_corpus_is_refused(cli: Cli) -> None:
    first = cli("ask", ".", "Where is main?", "--json").json
    (cli.cwd / "README.md").write_text("# Changed\n")
    second = cli("ask", ".", "And now?", "--follows", first["run"], "--json")
    assert second.code == 1
    assert "earlier state" in second.err


def test_killed_is_what_the_helper_says(cli: Cli) -> None:
    """The control of the helper: a run that is left alone is not counted as killed."""
    with ScriptedModel(script) as model:
        assert killed(Cli(cli.home, cli.cwd, environment(model)), model, REQUESTS, then=60.0).survived


def test_effort_and_samples_reach_the_model_and_the_answer(cli: Cli) -> None:
    def root(asked: Asked) -> str:
        looked = any(message["role"] == "assistant" for message in asked.messages)
        return (
            "FINAL(It is 1 place [src/server.py:4-4].)" if looked else "```repl\nprint(corpus.grep('run_server'))\n```"
        )

    with ScriptedModel(root) as model:
        asking = Cli(cli.home, cli.cwd, (("OPENAI_BASE_URL", model.url), ("OPENAI_API_KEY", "none")))
        ran = asking("ask", ".", "Where?", "--model", "openai/gpt-5", "--effort", "low", "--samples", "2", "--json")
    assert ran.code == 0, ran.err
    assert ran.json["reason"] == "2 of 2 independent runs agree"
    assert {request.body.get("reasoning_effort") for request in model.requests} == {"low"}
