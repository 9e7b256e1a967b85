"""What matters most in a corpus, and what matters for a question."""

import pytest

from rlm_indexers.symbols import outline as outlines
from rlm_indexers.symbols.ranking import graph, rank
from tests.support.facts import facts_table

TEXTS = facts_table(
    {
        "src/core.py": "class Central:\n    def work(self): ...\nclass Other: ...\n",
        "src/a.py": "from core import Central\nCentral()\ndef another(): ...\n",
        "src/b.py": "from core import Central\ndef lonely_function(): Central()\n",
        "src/main.py": "from a import x\nfrom core import Other\n",
        "tests/test_core.py": "def check_everything(): ...\ncheck_everything()\n",
        "tests/test_a.py": "from test_core import check_everything\ncheck_everything()\n",
    }
)
USES = [outlines.uses_of(document, TEXTS.facts(document)) for document in TEXTS.documents()]
DEFINING = {"lonely_function": ["src/b.py"], "work": ["src/core.py"]}


def test_what_others_use_ranks_first_and_tests_rank_last():
    ranks = rank(graph(USES))
    assert max(ranks, key=lambda document: ranks[document]) == "src/core.py"
    assert all(ranks[each] < ranks["src/b.py"] for each in ranks if each.startswith("tests/"))
    assert sum(ranks.values()) == pytest.approx(1.0)


def test_a_question_leans_the_ranking_towards_what_it_names():
    known = graph(USES)
    plain, asked = rank(known), rank(known, outlines.wanted_by("What does lonely_function do?", DEFINING))
    assert asked["src/b.py"] > 2 * plain["src/b.py"]


def test_generated_documents_weigh_little():
    flagged = [
        outlines.uses_of(d, TEXTS.facts(d), ("generated",) if d == "src/core.py" else ()) for d in TEXTS.documents()
    ]
    assert rank(graph(flagged))["src/core.py"] < 0.5 * rank(graph(USES))["src/core.py"]


def test_the_ranking_does_not_depend_on_the_order_of_documents():
    assert rank(graph(USES)) == rank(graph(reversed(USES)))


def test_an_empty_corpus_has_an_outline():
    assert rank(graph([])) == {}
    assert outlines.outline({}, {}, {}).startswith("0 documents")


@pytest.mark.parametrize("tokens", [30, 60, 120, 1000])
def test_an_outline_keeps_to_its_budget(tokens: int):
    ranks = rank(graph(USES))
    symbols = {document: TEXTS.facts(document).symbols for document in TEXTS.documents()}
    text = outlines.outline(ranks, symbols, {"python": 6}, tokens=tokens)
    assert len(text) <= 4 * tokens


def test_an_outline_shows_languages_folders_entry_points_and_definitions_with_lines():
    ranks = rank(graph(USES))
    symbols = {document: TEXTS.facts(document).symbols for document in TEXTS.documents()}
    text = outlines.outline(ranks, symbols, {"python": 6})
    assert text.startswith(
        "6 documents: python 6\nfolders: src/ 4, tests/ 2\nentry points: src/main.py\nsrc/core.py:\n"
    )
    assert "  1| class Central:\n" in text


def test_a_table_of_facts_gives_the_outline_and_leans_towards_a_question():
    plain, asked = TEXTS.outline(), TEXTS.outline(question="what is lonely_function for?")
    assert plain.index("\nsrc/core.py:") < plain.index("\nsrc/a.py:") < plain.index("\nsrc/b.py:")
    assert asked.index("\nsrc/b.py:\n  2| def lonely_function():") < asked.index("\nsrc/a.py:")
