"""Relations and history as a cell uses them, and answers that cite commits, inside the real sandbox."""

import functools

import pytest

from tests.support import asking
from tests.support.asking import answered, cell, load
from tests.support.repositories import made


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """A repository with a story, loaded; and the names of its commits."""
    repo = made(tmp_path_factory.mktemp("story") / "shop")
    commits = [
        repo.commit("Begin", price__py="RATE = 19\n\n\ndef tax(net):\n    return net * RATE / 100\n"),
        repo.commit("Sell", sell__py="from price import tax\n\n\ndef total(net):\n    return net + tax(net)\n"),
        repo.commit(
            "Lower the rate\n\nThe law of July asks for it, until the end of the year.",
            price__py="RATE = 16\n\n\ndef tax(net):\n    return net * RATE / 100\n",
        ),
    ]
    return load(repo.root, tmp_path_factory.mktemp("cache")), [sha[:12] for sha in commits]


@pytest.fixture
def printed(told):
    return functools.partial(asking.printed, told[0])


def test_callers_print_as_lines_below_what_holds_for_them(printed):
    assert printed('print(corpus.callers("tax"))') == "# resolved, in total\nsell.py:5|     return net + tax(net)\n"


def test_an_edge_carries_what_is_known_of_it(printed):
    code = 'e = corpus.callers("tax")[0]\nprint(e.ref, e.enclosing, e.confidence, e.candidates, e.role, e.target)'
    assert printed(code) == "sell.py:5-5 total resolved 1 call ['price.py', 4, 'tax']\n"


def test_callees_say_where_what_is_used_is_defined(printed):
    out = printed('print(corpus.callees("total"))')
    assert "# resolved, in total -> price.py:4 tax\nsell.py:5|     return net + tax(net)\n" in out


def test_importers_and_references_are_found(printed):
    assert "sell.py:1| from price import tax\n" in printed('print(corpus.importers("price.py"))')
    assert printed('print(sorted({e.role for e in corpus.references("tax")}))') == "['call', 'import']\n"


def test_a_word_that_is_no_code_is_found_as_text(printed):
    assert printed('print(corpus.references("19"), corpus.references("nowhere"))').count("(nothing found)") == 2
    assert printed('print(corpus.references("100"))') == "# text\nprice.py:5|     return net * RATE / 100\n"


def test_the_history_of_a_file_prints_one_line_to_cite_per_commit(printed, told):
    newest, oldest = told[1][2], told[1][0]
    assert printed('print(corpus.history("price.py"))') == (
        f"commit:{newest}:price.py:1| {newest} 2024-01-01 A: Lower the rate\n"
        f"commit:{oldest}:price.py:1| {oldest} 2024-01-01 A: Begin\n"
    )


def test_a_commit_is_read_like_a_document(printed, told):
    newest = told[1][2]
    out = printed('c = corpus.history("price.py")[0]\nprint(c.wider(2))\nprint("RATE = 16" in corpus.read(c.document))')
    assert out.startswith(f"commit:{newest}:price.py:1-3\n1| {newest} ")
    assert "3| The law of July asks for it, until the end of the year.\n" in out
    assert out.endswith("True\n")


def test_blame_names_the_commit_of_each_line(printed, told):
    out = printed('print(corpus.blame("price.py", 1, 4))')
    assert out.startswith(f"# price.py:1-1 last changed in\ncommit:{told[1][2]}:price.py:1| ")
    assert f"# price.py:2-4 last changed in\ncommit:{told[1][0]}:price.py:1| " in out


def test_differences_list_what_changed(printed, told):
    out = printed(f'print(corpus.changed_since("{told[1][0]}"))\nprint("-RATE = 19" in corpus.diff("{told[1][0]}"))')
    assert out.endswith("1| 2 paths differ\n2| M price.py\n3| A sell.py\nTrue\n")


def test_commits_are_found_by_their_words(printed, told):
    assert printed('print([c.document for c in corpus.log(grep="law of july")])') == f"['commit:{told[1][2]}']\n"


def test_what_is_not_there_is_refused_in_words(printed):
    code = """
for ask in (lambda: corpus.commit("nope"), lambda: corpus.blame("price.py", 90, 99), lambda: corpus.diff("--all")):
    try:
        print(ask())
    except Exception as error:
        print(error)
"""
    out = printed(code)
    assert out.count("names no commit") == 2


def test_when_and_why_something_changed_is_answered_with_verified_citations(told):
    corpus, commits = told
    marker = f"commit:{commits[2]}:price.py"
    final = f"It became 16 on 2024-01-01 [{marker}], because the law of July asks for it [{marker}:3]."
    run = answered(corpus, [cell('c = corpus.history("price.py")[0]\nprint(c.wider(12))'), f"FINAL({final})"])
    outcome = run.outcome
    assert (outcome.status, outcome.rejected) == ("complete", ())
    assert outcome.answer == final
    assert [(str(c.citation.span), c.citation.state, c.seen) for c in outcome.citations] == [
        (f"{marker}:1-1", "verified", True),
        (f"{marker}:3-3", "verified", True),
    ]


def test_a_commit_that_says_something_else_is_struck_out(told):
    corpus, commits = told
    other, right = (f"commit:{commits[n]}:price.py" for n in (1, 2))
    final = f"It says so [{other}] and [{right}:900] and [commit:0123456789ab]."
    run = answered(corpus, [cell("print(corpus.log())"), f"FINAL({final})", f"FINAL({final})"])
    reasons = [c.citation.reason for c in run.outcome.rejected]
    assert run.outcome.citations == ()
    wanted = ("does not touch", "does not exist", "names no commit")
    assert [word in reason for word, reason in zip(wanted, reasons, strict=True)] == [True] * 3


def test_a_commit_nobody_was_shown_is_sent_back_as_unseen(told):
    corpus, commits = told
    final = f"FINAL(Because of the law [commit:{commits[2]}:price.py:3].)"
    run = answered(corpus, [cell('print(corpus.read("price.py"))'), final, final])
    assert [c.seen for c in run.outcome.citations] == [False]
    assert any("none of it was shown" in text for text in run.told)


def test_a_quote_of_a_commit_is_checked_against_git(printed, told):
    newest = told[1][2]
    code = f"""
print(cite("commit:{newest}:price.py:3", "The law of July"))
print(cite("commit:{newest}:price.py:3", "no such words at all"))
"""
    lines = printed(code).split("\n")
    assert lines[0] == f"[commit:{newest}:price.py:3-3]"
    assert lines[1].startswith("[unverified: ")
