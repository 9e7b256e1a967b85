"""The offline model searches, reads what the search printed, and answers with places. It knows nothing else."""

import ast
import asyncio
import re

import pytest

from rlm_mcp.engine import prompt_files
from rlm_mcp.models.base import NO_USAGE, Message, Request
from rlm_mcp.models.errors import NoModel
from rlm_mcp.models.offline import NoSubModel, OfflineModel
from rlm_mcp.models.offline.model import question_of
from rlm_mcp.models.offline.ranking import best
from rlm_mcp.models.offline.reading import places
from rlm_mcp.models.offline.words import stem, wanted

PRINTED = """\
docs/how.md:3-5
3| Citations are verified on the host.
4| See verify().
5|
src/app/verify.py:10-13
10| def verify_citation(citation, pack):
11|     \"\"\"Whether the citation holds.\"\"\"
12|     return pack.lines(citation)
13|
tests/test_verify.py:1-2
1| def test_verify_citation():
2|     assert verify_citation(...)
src/app/other.py:7-8
7| def unrelated():
8|     pass
"""


def reply_to(*messages: str, model=None) -> str:
    """What the model says to: system, user, assistant, user, …"""
    roles = ["system", *["user", "assistant"] * len(messages)]
    request = Request(
        tuple(Message(role, text) for role, text in zip(roles, messages, strict=False)), max_tokens=100, timeout=1
    )
    return asyncio.run((model or OfflineModel()).complete(request)).text


def cell_in(reply: str) -> str:
    match = re.search(r"```repl\n(.*)```", reply, re.DOTALL)
    assert match is not None
    ast.parse(match[1])
    return match[1]


def final_in(reply: str) -> str:
    call = ast.parse(cell_in(reply)).body[0].value
    assert call.func.id == "FINAL"
    return ast.literal_eval(call.args[0])


ASKED = ("Write one ```repl block.", "Question: Where are citations verified?\n\nHere is an outline.")


def test_the_first_turn_is_one_cell_that_searches_for_the_questions_words():
    cell = cell_in(reply_to(*ASKED))
    assert "words = ['citations', 'verified']" in cell or "['citations', 'verified']" in cell
    assert "corpus.search(" in cell
    assert "corpus.symbols(" in cell
    assert "corpus.grep(" in cell
    assert "FINAL" not in cell


def test_the_second_turn_ends_with_what_was_printed_definitions_in_code_first():
    answer = final_in(reply_to(*ASKED, "```repl\n…\n```", PRINTED))
    assert answer.startswith("No language model was used")
    assert "1. `def verify_citation(citation, pack):` [src/app/verify.py:10-12]" in answer
    assert "unrelated" not in answer


def test_tests_and_documentation_come_first_when_the_question_asks_for_them():
    first = best(wanted("Which test verifies citations?"), places([PRINTED]))[0]
    assert first.place.document == "tests/test_verify.py"
    first = best(wanted("Where does the documentation say citations are verified?"), places([PRINTED]))[0]
    assert first.place.document == "docs/how.md"


def test_when_the_search_shows_nothing_the_words_are_grepped_and_then_it_says_so():
    assert "corpus.grep(" in cell_in(reply_to(*ASKED, "…", "nothing found for: citations, verified"))
    answer = final_in(reply_to(*ASKED, "…", "nothing found", "…", "(no output)"))
    assert "Nothing was found for: citations, verified" in answer
    assert "[" not in answer


def test_an_engine_that_still_asks_gets_the_answer_as_plain_text():
    answer = reply_to(*ASKED, "…", PRINTED, "…", "Not accepted.", "…", "Not accepted.", "…", "Your best answer?")
    assert answer.startswith("FINAL(No language model was used")
    assert "```" not in answer


def test_when_no_more_code_will_run_the_answer_is_plain_text():
    last = prompt_files.load("last").format(reason="20 turns")
    answer = reply_to(*ASKED, "…", f"{PRINTED}\n\n{last}")
    assert answer.startswith("FINAL(No language model was used")
    assert "[src/app/verify.py:10-12]" in answer


def test_asked_directly_about_a_shown_text_it_answers_without_a_block():
    answer = reply_to(prompt_files.load("direct"), f"Question: Where are citations verified?\n\n{PRINTED}")
    assert answer.startswith("No language model was used")
    assert "[src/app/verify.py:10-12]" in answer


def test_the_same_messages_get_the_same_reply():
    assert len({reply_to(*ASKED, "…", PRINTED) for _ in range(3)}) == 1


def test_it_costs_nothing_and_says_so_rather_than_unknown():
    model = OfflineModel()
    request = Request((Message("user", "Question: why?"),), max_tokens=10, timeout=1)
    assert asyncio.run(model.complete(request)).usage == NO_USAGE
    assert model.estimate(request).usd == 0.0


def test_as_a_sub_model_it_refuses_and_says_what_to_set():
    with pytest.raises(NoModel, match="RLM_MODEL"):
        reply_to("", "Label this.", model=NoSubModel())
    assert NoModel.retryable is False


def test_a_quoted_line_does_not_become_a_citation_of_its_own():
    printed = "src/a.py:4-4\n4| rows = table[citation:12]  # `verified`\n"
    answer = final_in(reply_to(*ASKED, "…", printed))
    assert re.findall(r"\[([^\]]*:\d[^\]]*)\]", answer) == ["src/a.py:4-4"]


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("Question: One.\n\nAnd two?\n\nCorpus: x (repo), 3 documents.\n\nOutline:\na", "One.\n\nAnd two?"),
        ("Question: What is it?\n\nMore.", "What is it?"),
        ("## Question\nWhat is it?\n\n## Corpus\nFiles.", "What is it?"),
        ("**Question:** What is it?", "What is it?"),
        ("What is it?\n\nThe corpus has 3 documents.", "What is it?"),
    ],
)
def test_the_question_is_found_in_the_first_user_message(text, question):
    assert question_of((Message("system", "Question: not this one"), Message("user", text))) == question


def test_words_keep_identifiers_whole_and_drop_filler():
    assert wanted("How does `parse_config` use HTTPServer?") == ("parse_config", "HTTPServer")
    assert wanted("What is it?") == ("What", "is", "it")


def test_endings_do_not_keep_words_apart():
    assert stem("verified") == stem("verify") == stem("verifies") == stem("verification")


def test_what_was_printed_is_read_back_as_places():
    listed = "src/app.py:10| def main():\nsome text\nsrc/b.py:1-3\n1| a\n2| b\n[+ 1 lines: …]\n"
    found = places([PRINTED, listed])
    assert [(place.document, place.start, place.end) for place in found][-2:] == [
        ("src/app.py", 10, 10),
        ("src/b.py", 1, 2),
    ]
    assert len(found) == 6
