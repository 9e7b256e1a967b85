"""When and why did this change, asked as a user asks it: the answer cites commits, and says what it was given from."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import git
from tests.support.asking import cell
from tests.support.cli import Cli
from tests.support.scripted_model import ScriptedModel

LOOK = cell("""
listed = corpus.history("src/listen.py")
print(listed)
print(corpus.commit(listed[1]).part(1, 12))
print(corpus.blame("src/listen.py", 1, 1))
""")


@pytest.fixture
def story(repository: Path) -> list[str]:
    """The port changes, for a reason; then its file is called another name; then somebody edits it without a commit."""
    server = repository / "src/server.py"
    server.write_text(server.read_text().replace('(("", port))', '(("", port + 1))'))
    git(repository, "commit", "-qam", "Listen one port higher\n\nThe one below is taken by the printer.")
    git(repository, "mv", "src/server.py", "src/listen.py")
    git(repository, "commit", "-qam", "Call it what it does")
    (repository / "README.md").write_text("# Edited\n")
    return git(repository, "log", "--format=%H").split()


def test_a_root_model_finds_the_commit_behind_a_renamed_file_and_cites_it(
    cli: Cli, repository: Path, story: list[str]
) -> None:
    why = f"commit:{story[1][:12]}:src/server.py"
    final = f"Its port was raised [{why}] because of the printer [{why}:3]; see [{why}:4-11]."
    with ScriptedModel({"root": [LOOK, f"FINAL({final})"]}) as model:
        env = {"RLM_MODEL": "openai/root", "OPENAI_BASE_URL": model.url, "OPENAI_API_KEY": "none"}
        ran = replace(cli, env=tuple(env.items()))("ask", ".", "When and why did the port change?", "--json")
        shown = model.asked("root")[-1].text
    assert ran.code == 0, ran.err
    assert f"{why}:1| {story[1][:12]} " in shown, "the history goes on under the earlier name"
    assert (ran.json["rejected"], ran.json["answer"]) == ([], final)
    assert [(c["document"], c["start_line"], c["end_line"], c["state"]) for c in ran.json["citations"]] == [
        (why, 1, 1, "verified"),
        (why, 3, 3, "verified"),
        (why, 4, 11, "verified"),
    ]
    assert [c["quote"] for c in ran.json["citations"]][1] == "The one below is taken by the printer."
    assert (ran.json["revision"], ran.json["dirty"], ran.json["stale"]) == (story[0], True, "")


def test_without_a_model_the_same_question_ends_in_verified_commits(cli: Cli, story: list[str]) -> None:
    ran = cli("ask", ".", "When and why was the port changed?")
    assert ran.code == 0, ran.err
    assert "Listen one port higher`, saying `The one below is taken by the printer.`" in ran.out
    assert f"- commit:{story[1][:12]}:src/server.py:1-3 verified" in ran.out
    assert f" · corpus tiny at {story[0][:12]} + uncommitted changes · " in ran.out
