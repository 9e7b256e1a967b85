"""What counts as having been shown to a model."""

from rlm_indexers.corpus import Span
from rlm_mcp.engine.seen import Ledger
from tests.support.packs import pack_of

LONG = "word " * 1_000 + "needle " + "word " * 1_000
PACK = pack_of(
    {
        "a.py": "import os\n\ndef f():\n    return os\n",
        "b/long.txt": LONG + "\nshort line\n",
        "crlf.txt": "one one\r\ntwo two\r\n",
        "big.txt": "".join(f"line number {n}\n" for n in range(1, 2_001)),
    }
)


def ledger(*texts):
    made = Ledger(PACK)
    for text in texts:
        made.record(text)
    return made


def test_lines_in_display_format_are_seen_where_they_stand():
    shown = ledger("a.py:3-4\n3| def f():\n4|     return os\n")
    assert shown.seen(Span("a.py", 3, 4))
    assert shown.seen(Span("a.py", 2, 4)), "a blank line needs no showing"
    assert not shown.seen(Span("a.py", 1, 4))
    assert shown.any_corpus_text()


def test_a_line_that_is_not_the_corpus_s_was_not_seen():
    shown = ledger("a.py:3-3\n3| def g():\n")
    assert not shown.seen(Span("a.py", 3, 3))
    assert not shown.any_corpus_text()


def test_listings_carry_their_address_on_each_line():
    shown = ledger("2 of 2 matches\na.py:3| def f():\nbig.txt:7| line number 7\n")
    assert shown.seen(Span("a.py", 3, 3))
    assert shown.seen(Span("big.txt", 7, 7))
    assert not shown.seen(Span("big.txt", 8, 8))


def test_lines_printed_bare_are_seen_too():
    shown = ledger("def f():\n    return os")
    assert shown.seen(Span("a.py", 3, 4))
    assert not shown.any_corpus_text(), "whether bare lines are corpus text is asked of the corpus, at the end"
    assert "return os" not in shown.candidates()
    assert ledger("x\nline number 1234").candidates() == ["line number 1234"]


def test_numbered_lines_whose_header_was_cut_away_count_as_bare():
    assert ledger("[… 90 lines cut …]\n4|     return os\n").seen(Span("a.py", 4, 4))


def test_carriage_returns_do_not_matter():
    assert ledger("crlf.txt:1-2\n1| one one\n2| two two").seen(Span("crlf.txt", 1, 2))


def test_the_start_of_a_very_long_line_counts_unless_the_quote_lies_elsewhere():
    shown = ledger(f"b/long.txt:1-1\n1| {LONG[:400]} […]")
    assert shown.seen(Span("b/long.txt", 1, 1))
    assert shown.seen(Span("b/long.txt", 1, 1), "word word")
    assert not shown.seen(Span("b/long.txt", 1, 1), "word needle word")
    shown.record(f"b/long.txt:1| […] {LONG[4_900:5_200]} […]")
    assert shown.seen(Span("b/long.txt", 1, 1), "word needle word")


def test_text_shown_unasked_is_seen_but_is_no_looking():
    shown = Ledger(PACK)
    shown.record("a.py:3| def f():", looked=False)
    assert shown.seen(Span("a.py", 3, 3))
    assert not shown.any_corpus_text()
    shown.record("a.py:4|     return os")
    assert shown.any_corpus_text()


def test_blocks_in_any_order_add_up():
    shown = ledger(*(f"big.txt:{n}-{n}\n{n}| line number {n}" for n in (5, 3, 4, 900, 899, 6)))
    assert shown.seen(Span("big.txt", 3, 6))
    assert shown.seen(Span("big.txt", 899, 900))
    assert not shown.seen(Span("big.txt", 3, 7))


def test_a_document_that_is_not_there_was_never_seen():
    assert not ledger("zzz.py:1-1\n1| x").seen(Span("zzz.py", 1, 1))


def test_absurd_line_numbers_cost_nothing():
    assert not ledger("big.txt:1-999999999\n1| line number 1\n999999999| x").seen(Span("big.txt", 2, 3))
