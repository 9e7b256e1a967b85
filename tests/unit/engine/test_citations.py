"""Citations are checked against the host's copy, and nothing mutated gets through."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlm_mcp.engine.citations import verify
from tests.support.packs import pack_of

APP = "import os\n\n\ndef main():\n    run_everything_at_once(os.environ)\n    return 0\n"
UTIL = "def helper(value):\n    # doubles the given value\n    return value * 2\n"
TEXTS = {
    "src/app.py": APP,
    "src/util.py": UTIL,
    "lib/util.py": "x = 1\n",
    "notes/windows.txt": "first line of the notes\r\nsecond line of the notes\r\n",
    "copies/a.txt": "the same sentence stands here\n",
    "copies/b.txt": "the same sentence stands here\n",
    "müßig/größe.md": "Die Größe der Datei ist überall gleich groß.\n",
}
PACK = pack_of(TEXTS)


def state(document, start, end, quote=None):
    return verify(PACK, document, start, end, quote).state


def test_an_existing_range_is_verified_and_carries_its_text_and_hash():
    citation = verify(PACK, "src/app.py", 4, 5)
    assert citation.state == "verified"
    assert citation.quote == "def main():\n    run_everything_at_once(os.environ)"
    assert len(citation.sha256) == 64


def test_a_quote_that_lies_within_the_lines_is_verified():
    assert state("src/app.py", 4, 6, "run_everything_at_once(os.environ)\n    return") == "verified"


def test_a_document_that_is_not_there_is_rejected():
    citation = verify(PACK, "nosuch.py", 999999, 999999)
    assert (citation.state, citation.reason) == ("rejected", "no such document")


def test_a_document_in_the_wrong_folder_is_rejected_and_told_where_its_name_is():
    assert "src/app.py" in verify(PACK, "source/app.py", 1, 1).reason


def test_lines_beyond_the_end_are_rejected_with_the_true_number_of_lines():
    assert verify(PACK, "src/app.py", 5, 7).reason == "src/app.py has 6 lines; line 7 does not exist"


@pytest.mark.parametrize(("start", "end"), [(0, 1), (-1, 2), (3, 2)])
def test_a_range_that_is_none_is_rejected(start, end):
    assert state("src/app.py", start, end) == "rejected"


def test_line_endings_alone_are_forgiven():
    quote = "first line of the notes\nsecond line of the notes"
    assert verify(PACK, "notes/windows.txt", 1, 2, quote).state == "verified"
    assert verify(PACK, "notes/windows.txt", 1, 2, quote).quote == quote


def test_white_space_is_repaired_to_the_true_text():
    citation = verify(PACK, "src/app.py", 4, 5, "def  main():\n  run_everything_at_once(os.environ)")
    assert citation.state == "repaired"
    assert citation.quote == "def main():\n    run_everything_at_once(os.environ)"


def test_line_numbers_copied_into_the_quote_are_taken_out():
    citation = verify(PACK, "src/util.py", 1, 2, "1| def helper(value):\n2|     # doubles the given value")
    assert (citation.state, citation.quote) == ("repaired", "def helper(value):\n    # doubles the given value")


@pytest.mark.parametrize(
    "place", [("src/util.py", 1, 1), ("src/app.py", 2, 3), ("src/util.py", 90, 91), ("gone.py", 1, 1)]
)
def test_a_unique_quote_at_the_wrong_place_moves_to_its_own(place):
    citation = verify(PACK, *place, "    # doubles the given value\n    return value * 2")
    assert citation.state == "repaired"
    assert str(citation.span) == "src/util.py:2-3"


def test_a_quote_that_stands_in_two_other_places_is_rejected_as_ambiguous():
    citation = verify(PACK, "src/app.py", 1, 1, "the same sentence stands here")
    assert citation.state == "rejected"
    assert "more than one" in citation.reason


def test_a_short_quote_is_not_looked_for_elsewhere():
    assert state("src/app.py", 1, 1, "return 0") == "rejected"


def test_the_line_between_two_documents_is_no_text_of_either():
    assert state("src/app.py", 1, 1, "===== src/util.py =====") == "rejected"


def test_a_path_given_by_its_unique_end_is_repaired():
    citation = verify(PACK, "app.py", 4, 4)
    assert (citation.state, str(citation.span)) == ("repaired", "src/app.py:4-4")
    assert state("./src/app.py", 4, 4) == "repaired"
    assert verify(PACK, "app.py", 4, 40).reason.endswith("src/app.py has 6 lines; line 40 does not exist")


def test_a_path_that_fits_two_documents_is_rejected_and_names_them():
    assert verify(PACK, "util.py", 1, 1).reason == "util.py could be lib/util.py or src/util.py; cite the whole id"


def test_unicode_is_compared_as_it_is():
    assert state("müßig/größe.md", 1, 1, "Die Größe der Datei") == "verified"
    assert state("müßig/größe.md", 1, 1, "Die Grosse der Datei ist überall") == "rejected"
    assert state("müßig/größe.md", 1, 1, "Die Gro\u0308ße der Datei ist überall") == "rejected"


def test_surrogates_and_nonsense_are_rejected_and_never_raise():
    assert state("src/app.py", 1, 1, "\ud800 and some more of that") == "rejected"
    assert state("\ud800", 1, 1) == "rejected"
    assert state("", 1, 1) == "rejected"
    assert state("src/app.py", 1, 10**30) == "rejected"


LINES = [(name, n, line) for name, text in TEXTS.items() for n, line in enumerate(text.split("\n"), 1) if line.strip()]


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(LINES), st.data())
def test_a_mutated_quote_is_never_accepted(place, data):
    name, number, line = place
    at = data.draw(st.integers(0, len(line) - 1))
    change = data.draw(st.sampled_from(["replace", "insert", "delete", "swap", "case"]))
    letter = data.draw(st.characters(codec="utf-8", exclude_categories=["Z", "C"]))
    mutated = {
        "replace": line[:at] + letter + line[at + 1 :],
        "insert": line[:at] + letter + line[at:],
        "delete": line[:at] + line[at + 1 :],
        "swap": line[: at + 1] + line[at + 1 : at + 2][::-1] + line[at : at + 1] + line[at + 2 :],
        "case": line[:at] + line[at].swapcase() + line[at + 1 :],
    }[change]
    citation = verify(PACK, name, number, number, mutated)
    stands_somewhere = any(" ".join(mutated.split()) in " ".join(text.split()) for text in TEXTS.values())
    if not stands_somewhere:
        assert citation.state == "rejected"
    elif citation.state != "rejected" and mutated.strip():
        assert " ".join(mutated.split()) == " ".join(citation.quote.split())


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(TEXTS)), st.data())
def test_what_is_verified_really_stands_in_its_lines(name, data):
    lines = TEXTS[name].split("\n")[:-1]
    start = data.draw(st.integers(1, len(lines)))
    end = data.draw(st.integers(start, len(lines)))
    text = "\n".join(line.rstrip("\r") for line in lines[start - 1 : end])
    low = data.draw(st.integers(0, max(0, len(text) - 1)))
    citation = verify(PACK, name, start, end, text[low:])
    assert citation.state == "verified"
    assert citation.quote in text.replace("\r\n", "\n")


def mutations(lines, number):
    """The R5 list: (what, document, start, end, quote) for one line of one document."""
    quote = lines[number - 1]
    yield from (("shifted", "doc.txt", number + by, number + by, quote) for by in (1, 5, 50))
    yield "renamed", "renamed.txt", number, number, quote
    words = quote.split()
    yield "one word edited", "doc.txt", number, number, " ".join([*words[:2], "never", *words[3:]])
    yield "one word dropped", "doc.txt", number, number, " ".join(words[:2] + words[3:])
    yield "another language", "doc.txt", number, number, quote.replace("a", "à")
    yield "right line, wrong file", "other.txt", number, number, quote


def test_of_the_known_ways_to_cite_wrongly_all_are_repaired_to_the_truth_or_rejected():
    lines = [f"entry {n} says that value {n * 7919} was banal and final" for n in range(1, 201)]
    pack = pack_of({"doc.txt": "\n".join(lines) + "\n", "other.txt": "something else\n" * 300})
    for number in range(1, 150, 7):
        for what, document, start, end, quote in mutations(lines, number):
            citation = verify(pack, document, start, end, quote)
            if "word" in what or "language" in what:
                assert citation.state == "rejected", what
            else:
                assert (citation.state, str(citation.span)) == ("repaired", f"doc.txt:{number}-{number}"), what
