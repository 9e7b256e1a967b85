"""What a cell finds in its namespace, used as models use it, inside the real sandbox."""

import asyncio
import functools

import pytest

from rlm_mcp.engine.scratch import run_cell
from rlm_sandbox.local import LocalProvider
from tests.support import asking


@pytest.fixture
def printed(corpus):
    return functools.partial(asking.printed, corpus)


def test_spans_print_in_the_display_format(printed):
    assert printed('print(corpus.read("src/server.py", 3, 4))') == "src/server.py:3-4\n3| BACKLOG = 128\n4| \n"
    assert printed('corpus.grep("BACKLOG = ")') == "src/server.py:3| BACKLOG = 128\n"


def test_places_are_read_in_every_usual_form(printed):
    code = """
for place in ("src/server.py:3", "server.py:3-3", corpus["src/server.py"].read(3, 3)):
    print(corpus.read(place).text)
"""
    assert printed(code) == "BACKLOG = 128\n" * 3


def test_documents_iterate_without_ceremony(printed):
    code = """
print(len(corpus.docs), [d.id for d in corpus.docs.match("src/*")])
d = corpus["src/app.py"]
print(len(d.lines), d.lines[3], d.language, "run_server" in d, d.read(4, 4).ref)
print(sum(len(d.text) for d in corpus) == sum(len(t.text) for t in corpus.docs))
print([i for i in corpus.ids if i.endswith(".md")])
"""
    lines = printed(code).split("\n")
    assert lines[0] == "7 ['src/app.py', 'src/server.py']"
    assert lines[1] == "6 def main() -> int: python True src/app.py:4-4"
    assert lines[2:4] == ["True", "['README.md']"]


def test_rows_carry_the_lines_to_cite(printed):
    code = 'for r in corpus["data/people.csv"].rows():\n    print(r["city"], r.line, r.span.ref)'
    assert printed(code).split("\n")[1] == "Erlangen 3 data/people.csv:3-3"


def test_a_document_that_is_not_there_is_an_error_that_names_what_is_near(corpus):
    async def once():
        provider = LocalProvider()
        try:
            return await run_cell('corpus["source/server.py"]', corpus, provider)
        finally:
            await provider.close()

    assert "near: src/server.py" in asyncio.run(once())["error"]["message"]


def test_symbols_are_rows_with_spans(printed):
    code = """
for s in corpus.symbols("run_*"):
    print(s.name, s.kind, s.start, s.end)
print(corpus.symbols(path="src/*"))
"""
    out = printed(code)
    assert out.startswith("run_server function 6 8\n")
    assert "src/app.py:4| def main() -> int:" in out


def test_references_say_how_sure_they_are(printed):
    out = printed('print(corpus.references("run_server"))')
    assert out == "# unique, in main\nsrc/app.py:6|     return run_server(8080)\n"


def test_an_outline_shows_folders_or_definitions(printed):
    out = printed('corpus.outline()\nprint(corpus.outline())\nprint(corpus.outline("src/app.py"))')
    assert out.startswith("7 documents: python 2, markdown 1\n")
    assert "src/server.py:\n  6| def run_server(port: int) -> int:\n" in out
    assert "src/app.py:4| def main() -> int:" in out


def test_grep_counts_all_and_shows_some(printed):
    out = printed('g = corpus.grep("lamp", limit=3)\nprint(g.total, len(g))\nprint(g)')
    assert out.startswith("90 3\n")
    assert "[3 of 90 shown" in out


def test_pages_of_a_search_and_of_grep_follow_one_another(printed):
    code = """
for find, words in ((corpus.search, "port of the server"), (corpus.grep, "e")):
    whole = find(words, limit=3)
    pages = [find(words, limit=1, offset=at) for at in range(3)]
    print([s.ref for page in pages for s in page] == [s.ref for s in whole])
    print({page.total for page in pages} == {whole.total}, len(find(words, offset=whole.total)))
    print(str(pages[1]).partition("; ")[2])
"""
    assert printed(code) == "True\nTrue 0\nask for more with limit= or offset=2]\n" * 2


def test_a_pattern_that_is_none_is_an_error_in_words(printed):
    assert "refused" in printed('try:\n    corpus.grep("(")\nexcept Exception as e:\n    print(e)')


def test_cite_gives_a_checked_marker(printed):
    code = """
print(cite(corpus.read("src/server.py", 3, 3)))
print(cite("src/server.py:3", "BACKLOG = 128"))
print(cite("src/app.py:1", "socket.create_server"))
print(cite(corpus.grep("8080")))
"""
    assert printed(code).split("\n")[:4] == [
        "[src/server.py:3-3]",
        "[src/server.py:3-3]",
        "[src/server.py:7-7]",
        "[README.md:3-3] [src/app.py:6-6]",
    ]


def test_context_is_the_whole_text_and_re_reads_it(printed):
    code = """
import re
print(len(context) > 500, "run_server" in context, context.count("lamp"), context.find("===== README.md ====="))
print(re.findall(r"def (\\w+)", context), re.compile("port (\\\\d+)").search(context).group(1))
print(len(context.splitlines()) > 100, context[:5])
"""
    assert printed(code).split("\n")[:3] == ["True True 90 0", "['main', 'run_server'] 8080", "True ====="]


def test_sub_call_failures_are_values_that_cannot_pass_for_answers(printed):
    code = """
r = llm_query("hello")
print(r.ok, r.kind, bool(r), isinstance(r, str))
print(r)
try:
    r.upper()
except AttributeError as e:
    print("AttributeError")
"""
    out = printed(code)
    assert out.startswith("False no_model False False\n<<SUB-CALL FAILED: no_model:")
    assert "AttributeError" in out


def test_names_of_ours_are_restored_when_a_cell_overwrites_them(printed):
    out = printed("corpus = 1\nllm_query = 2\nprint('ok')")
    assert out == "ok\n"


def test_modules_are_at_hand_and_show_vars_lists(printed):
    code = """
x = Counter("aab")
print(math.pi > 3, json.dumps({}), statistics.mean([1, 3]), ast.parse("1") is not None)
SHOW_VARS()
"""
    assert printed(code) == "True {} 2 True\nx: Counter[2]\n"
