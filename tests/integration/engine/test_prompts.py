"""Prompts are product text: they change on purpose, stay short, and promise only what is there."""

import asyncio
import re
from importlib import resources
from pathlib import Path

import pytest

from rlm_mcp.engine import warm_start
from rlm_mcp.engine.prompt_files import load, root_for
from rlm_mcp.engine.scratch import run_cell
from rlm_mcp.models.tokens import estimate_tokens
from rlm_sandbox.local import LocalProvider
from tests.conftest import make_repository
from tests.support.asking import load as load_corpus

SNAPSHOTS = Path(__file__).parent / "snapshots"
NAMES = sorted(p.name for p in resources.files("rlm_mcp.engine").joinpath("prompts").iterdir())
CALLED = re.compile(r"`(?:[\w, =]+ = )?([A-Za-z_]\w*(?:\.\w+)?)\(")


def snapshot(name, text):
    """The text as it was approved. To approve another: delete the file, run once, review, commit."""
    path = SNAPSHOTS / name
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        pytest.fail(f"{path.name} was missing and has been written: review it, then run again")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_a_prompt_is_what_was_approved(name):
    snapshot(name, load(name.removesuffix(".md")) + "\n")


@pytest.mark.parametrize("name", ["root", "root_small"])
def test_a_root_prompt_has_at_most_twelve_hundred_tokens(name):
    assert estimate_tokens(load(name)) <= 1_200


def test_a_small_model_gets_recipes():
    small = ("openai/gpt-4o-mini", "anthropic/claude-haiku-5-5", "gemini/gemini-3.5-flash-lite", "ollama/qwen3:8b")
    assert {root_for(name) for name in small} == {load("root_small")}
    large = ("anthropic/claude-sonnet-5-5", "gemini/gemini-3.1-pro", "openai/gpt-6.1-sol", "offline")
    assert {root_for(name) for name in large} == {load("root")}


@pytest.mark.parametrize("name", ["root", "root_small"])
def test_every_name_that_a_prompt_offers_is_there(corpus, name):
    offered = {called for called in CALLED.findall(load(name)) if called.split(".")[0] not in ("d", "hits")}
    modules = set(re.search(r"At hand: `([\w ]+)`", load(name))[1].split())
    assert {"corpus.search", "llm_classify", "FINAL"} <= offered
    code = (
        "\n".join(f"assert callable({name}), {name!r}" for name in sorted(offered)) + "\n" + "\n".join(sorted(modules))
    )

    async def once():
        provider = LocalProvider()
        try:
            return await run_cell(code, corpus, provider)
        finally:
            await provider.close()

    assert asyncio.run(once())["error"] is None


def test_the_first_message_holds_question_facts_outline_and_hits_within_fifteen_hundred_tokens(corpus):
    text = warm_start.first_message("Which function starts the server?", corpus)
    assert estimate_tokens(text) <= 1_500
    assert text.startswith("Question: Which function starts the server?\n\nCorpus: ")
    assert "(repo), 7 documents, 117 lines" in text
    assert "corpus.blame" not in text
    assert "Outline:\nREADME.md\ndata/evil.txt\n" in text
    assert "\nsrc/server.py:6-8\n6| def run_server(port: int) -> int:\n" in text


def test_a_question_about_changes_is_told_how_history_is_asked(corpus):
    text = warm_start.first_message("Why was the backlog changed?", corpus)
    assert warm_start.GIT_NOTE in text
    assert estimate_tokens(text) <= 1_500


def test_the_first_message_of_a_larger_corpus_shows_the_definitions_that_matter(tmp_path):
    files = {
        f"pkg/part{n:02d}.py": f"from pkg.core import Engine\n\n\ndef part{n}():\n    Engine()\n" for n in range(40)
    }
    files["pkg/core.py"] = "class Engine:\n    def start(self):\n        return 1\n"
    (tmp_path / "large").mkdir()
    large = load_corpus(make_repository(tmp_path / "large", files), tmp_path / "cache")
    text = warm_start.first_message("What is central?", large)
    assert "Definitions that matter most here:\npkg/core.py:\n  1| class Engine:\n" in text
    assert estimate_tokens(text) <= 1_500
