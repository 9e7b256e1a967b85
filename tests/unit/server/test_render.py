"""What an agent reads: short, complete about what failed, and never over the cap."""

from typing import Any

from rlm_mcp import render


def result(**changes: Any) -> dict[str, Any]:
    citation = {"document": "a.py", "start_line": 1, "end_line": 2, "state": "verified", "seen": True, "reason": ""}
    usage = {"usd": 0.01, "input_tokens": 900, "output_tokens": 100, "calls": 2, "iterations": 3, "seconds": 1.25}
    return {
        "status": "complete",
        "reason": "",
        "answer": "It is there [a.py:1-2].",
        "citations": [citation],
        "rejected": [],
        "usage": usage,
        "run": "r-1",
        "corpus": "tiny",
        "model": "openai/x",
        "provider": "local",
    } | changes


def test_an_answer_shows_its_text_its_checked_citations_and_its_cost() -> None:
    assert render.answer(result()) == (
        "It is there [a.py:1-2].\n\n"
        "Citations, re-read and checked:\n- a.py:1-2 verified\n\n"
        "complete · openai/x · 3 iterations · 2 sub-calls · 1,000 tokens · $0.0100 · 1.2 s · sandbox local"
        " · corpus tiny · run r-1"
    )


def test_a_rejected_citation_is_called_that_with_its_reason() -> None:
    rejected = {"document": "nosuch.py", "start_line": 9, "end_line": 9, "reason": "no document nosuch.py"}
    text = render.answer(result(citations=[], rejected=[rejected]))
    assert "REJECTED citations" in text
    assert "- nosuch.py:9-9: no document nosuch.py" in text


def test_a_partial_answer_begins_with_its_reason() -> None:
    text = render.answer(result(status="partial", reason="the budget of 1.00 USD is spent"))
    assert text.startswith("PARTIAL: the budget of 1.00 USD is spent")


def test_an_unknown_cost_is_said_to_be_unknown() -> None:
    usage = result()["usage"] | {"usd": None}
    assert "cost unknown" in render.answer(result(usage=usage))


def test_a_citation_of_a_page_names_the_page() -> None:
    citation = result()["citations"][0] | {"origin": {"page": 7}}
    assert "- a.py:1-2, page 7 verified" in render.answer(result(citations=[citation]))


def test_whatever_a_model_wrote_the_text_stays_within_8_kb_and_says_where_the_rest_is() -> None:
    citations = result()["citations"] * 400
    rejected = [{"document": "é" * 3_000, "start_line": 1, "end_line": 1, "reason": "x" * 3_000}] * 8
    for detail in ("concise", "full"):
        text = render.answer(result(answer="ü" * 50_000, citations=citations, rejected=rejected), detail)
        assert len(text.encode()) <= render.HARD_CAP
        assert 'rlm_job(run="r-1", action="show")' in text


def test_a_default_answer_stays_within_800_tokens_of_text() -> None:
    text = render.answer(result(answer="word " * 10_000, citations=result()["citations"] * 100))
    assert len(text.encode()) / 4 <= 800


def test_cutting_never_breaks_a_character() -> None:
    assert "\ufffd" not in render.cut("日本語" * 1_000, 1_000, "")


def test_an_answer_found_elsewhere_or_without_isolation_says_so() -> None:
    assert "left this machine" in render.answer(result(provider="daytona"))
    assert "WITHOUT ISOLATION" in render.answer(result(provider="unsafe-no-isolation"))
    assert "isolation" not in render.answer(result()).lower()


def test_a_complete_answer_that_runs_agreed_on_says_so() -> None:
    assert "complete (2 of 2 independent runs agree)" in render.answer(result(reason="2 of 2 independent runs agree"))


def test_an_answer_says_which_state_of_the_source_it_is_about() -> None:
    sha = "0123456789abcdef0123456789abcdef01234567"
    clean = result(revision=sha, dirty=False)
    assert " · corpus tiny at 0123456789ab · " in render.answer(clean)
    assert " · corpus tiny at 0123456789ab + uncommitted changes · " in render.answer(clean | {"dirty": True})
    several = {"a": {"revision": sha, "dirty": True}, "b": {"revision": sha[::-1], "dirty": False}}
    assert (" · corpus a+b (a at 0123456789ab + uncommitted changes, b at 76543210fedc) · ") in render.answer(
        result(corpus="a+b", revision=None, dirty=True, sources=several)
    )
    assert "\n\nThis is the state of tiny that was read" in render.answer(
        result(stale="This is the state of tiny that was read on 2026-11-20 10:00 UTC: its source is gone")
    )
