"""The offline model in the real loop: real corpus, real sandbox, and an answer that the host has checked."""

import asyncio

import pytest

from rlm_indexers.store import Store
from rlm_mcp.engine.answer import Outcome
from rlm_mcp.engine.ask import ask
from rlm_mcp.engine.budget import BudgetLimits
from rlm_mcp.models.calls import Calls
from rlm_mcp.models.offline import NoSubModel, OfflineModel
from rlm_sandbox.local import LocalProvider
from tests.support.asking import Records
from tests.support.repositories import made


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("code")
    (folder / "verify.py").write_text(
        '"""Checks."""\n\n\ndef verify_citation(citation, pack):\n    return pack[citation]\n'
    )
    (folder / "notes.md").write_text("# Notes\n\nNothing about that here.\n")
    return Store(tmp_path_factory.mktemp("cache")).load(str(folder), cwd=folder).corpus


def outcome(corpus, question: str, limits: BudgetLimits | None = None) -> Outcome:
    async def main() -> Outcome:
        provider, calls = LocalProvider(), Calls()
        try:
            return await ask(
                question=question,
                corpus=corpus,
                provider=provider,
                root=OfflineModel(),
                sub=NoSubModel(),
                calls=calls,
                limits=limits or BudgetLimits(),
                journal=Records(),
            )
        finally:
            await calls.close()
            await provider.close()

    return asyncio.run(main())


def test_a_lookup_ends_in_two_turns_with_a_citation_that_was_seen_and_verified(corpus):
    done = outcome(corpus, "Where are citations verified?")
    assert (done.status, done.usage.iterations, done.usage.usd) == ("complete", 2, 0.0)
    assert done.answer.startswith("No language model was used")
    first = done.citations[0]
    assert (str(first.citation.span), first.citation.state, first.seen) == ("verify.py:4-5", "verified", True)
    assert done.rejected == ()


def test_what_is_not_there_is_said_not_to_be_there_and_the_run_still_ends(corpus):
    done = outcome(corpus, "Who owns the zebra?")
    assert (done.status, done.citations) == ("complete", ())
    assert done.usage.iterations <= 4
    assert "Nothing was found for: owns, zebra" in done.answer


def test_a_run_that_must_end_after_its_search_answers_from_what_it_saw(corpus):
    done = outcome(corpus, "Where are citations verified?", BudgetLimits(iterations=1))
    assert done.status == "partial"
    assert "[verify.py:4-5]" in done.answer


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A repository with a story, and the names of its commits."""
    repo = made(tmp_path_factory.mktemp("story") / "shop")
    rate = "RATE = {}\n\n\ndef tax(net):\n    return net * RATE / 100\n"
    commits = [
        repo.commit("Begin with a rate", price__py=rate.format(19), notes__md="# Notes\n"),
        repo.commit("Lower the rate\n\nThe law of July asks for it [a.py:1].", price__py=rate.format(16)),
        repo.commit("Write notes", notes__md="# Notes\n\nAbout nothing.\n"),
    ]
    return Store(tmp_path_factory.mktemp("cache")).load(str(repo.root)).corpus, [sha[:12] for sha in commits]


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("When and why was the rate of tax changed?", 1),
        ("Why was RATE lowered?", 1),
        ("Who introduced the rate?", 0),
        ("Which commit touched the notes last?", 2),
    ],
)
def test_when_why_and_who_are_answered_by_commits_that_verify(shop, question, first):
    corpus, commits = shop
    done = outcome(corpus, question)
    assert (done.status, done.rejected, done.usage.iterations) == ("complete", (), 2)
    assert done.answer.startswith("No language model was used")
    assert done.citations[0].citation.span.document.startswith(f"commit:{commits[first]}")
    assert {(c.citation.state, c.seen) for c in done.citations} == {("verified", True)}


def test_a_question_about_the_past_that_no_commit_answers_is_searched_for_like_any_other(shop, corpus):
    for known in (corpus, shop[0]):
        done = outcome(known, "When was the zebra added?")
        assert (done.status, done.citations) == ("complete", ())
        assert "Nothing was found for: " in done.answer
