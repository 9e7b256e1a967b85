"""Finding in a loaded corpus: ranked search, grep with the meanings of rg, symbols, origins."""

import re
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlm_indexers.corpus import SourceDocument, Span
from rlm_indexers.errors import DocumentNotFound, PatternError, SpanError
from rlm_indexers.pack.reader import Pack
from rlm_indexers.pack.writer import PackWriter
from rlm_indexers.search.grep import Request, grep
from tests.integration.indexers.conftest import load
from tests.support.packs import pack_of

SERVER = '''"""The server."""

LIMIT = 10


class Server:
    """Listens on a port."""

    def sendFrame(self, frame):
        """Send one frame over the socket."""
        return self.socket.send(frame)

    @property
    def port(self):
        return self._port


def parse_config(path):
    # reads the settings from disk
    return open(path).read()
'''
README = "# Tiny\n\nIt listens on port 8080 and sends frames.\n"


@pytest.fixture
def corpus(repo, store):
    repo.write("src/server.py", SERVER)
    repo.write("README.md", README)
    repo.write("tests/test_server.py", "def test_port():\n    assert Server().port\n")
    repo.write("notes/long.txt", "\n".join(f"line {n}" for n in range(1, 201)) + "\nthe needle stands here\n")
    repo.commit()
    return load(store, repo.root)


def titles(corpus, query, **more):
    return [hit.title for hit in corpus.search(query, **more)]


def test_a_definition_is_found_by_its_words_however_they_are_joined(corpus):
    for query in ("send frame", "sendFrame", "send_frame", "SENDING FRAMES", "Where is a frame sent over the socket?"):
        assert titles(corpus, query)[0] == "Server.sendFrame", query


def test_a_hit_spans_its_definition(corpus):
    hit = corpus.search("parse config")[0]
    assert (hit.span, hit.kind) == (Span("src/server.py", 18, 20), "symbol")
    assert corpus.lines(hit.span).startswith(b"def parse_config(path):")


def test_comments_prose_and_paths_are_found_too(corpus):
    assert titles(corpus, "settings from disk")[0] == "parse_config"
    assert "README.md" in [hit.span.document for hit in corpus.search("8080")]
    assert corpus.search("needle")[0].span == Span("notes/long.txt", 201, 201)


def test_a_search_can_be_held_to_some_documents(corpus):
    assert {hit.span.document for hit in corpus.search("port", documents="tests/**")} == {"tests/test_server.py"}
    assert {hit.span.document for hit in corpus.search("port", documents="*.md")} == {"README.md"}
    assert not any(hit.span.document.endswith(".py") for hit in corpus.search("port", documents="!*.py"))


def test_what_search_syntax_would_trip_over_is_just_words(corpus):
    for query in ('"', "NEAR(", "name:port", "a AND", "*", "port^2", "-port", "'); DROP TABLE chunks; --", "port\0x"):
        corpus.search(query)
    assert corpus.search("") == corpus.search("???") == corpus.search("port", 0) == []


def test_results_come_in_the_same_order_every_time(corpus):
    assert [corpus.search("port server", 20) for _ in range(3)] == [corpus.search("port server", 20)] * 3


def test_pages_together_are_the_whole_list_and_its_length_is_the_total(repo, store):
    for n in range(250):
        repo.write(f"notes/{n:03}.md", f"The lamp of room {n % 7} is lit.\n")
    repo.write("other.py", "def lamp(room):\n    return room.lit\n")
    repo.commit()
    corpus = load(store, repo.root)
    whole = corpus.search("Is the lamp lit?", 400)
    pages = [corpus.search("Is the lamp lit?", 30, offset=at) for at in range(0, 270, 30)]
    assert [hit for page in pages for hit in page] == whole
    assert {page.total for page in pages} == {whole.total} == {len({hit.span for hit in whole})} == {251}
    assert [hit.score for hit in whole] == sorted((hit.score for hit in whole), reverse=True)


def test_a_total_counts_only_the_documents_that_were_asked_for(corpus):
    assert corpus.search("port", 1).total > corpus.search("port", 1, documents="*.md").total == 1
    assert corpus.search("nowhere_to_be_found").total == 0


def test_scores_fall_from_first_to_last(corpus):
    scores = [hit.score for hit in corpus.search("the port of the server", 20)]
    assert scores == sorted(scores, reverse=True)


NAMED = """class Client:
    def send(self, message):
        return self.socket.write(message)


class Sender:
    def send(self, client):
        \"\"\"Send to the client: client send, send client, client.\"\"\"
        return client.send(client)


def new_sender(sender):
    return sender or sender.sender


def sender_for(sender):
    return sender.sender


def client_send_all(client, sender):
    return [client.send(each) for each in sender]


def add_items(shelf):
    return visit(shelf)


def count_items(shelf):
    return visit(shelf)


class Door:
    hinges = 2

    def __init__(self, state):
        self.state = state


def door(door):
    return door.door or door


def is_open(door):
    return door.state == 1


def make_door(state):
    return Door(state)
"""


def test_what_a_single_identifier_names_comes_first(repo, store):
    repo.commit(named__py=NAMED)
    corpus = load(store, repo.root)
    for query in ("Client.send", "client_send", "clientSend", "client.send"):
        assert titles(corpus, query)[0] == "Client.send", query
    assert titles(corpus, "clientSendAll")[0] == "client_send_all"
    assert titles(corpus, "Sender")[0] == "Sender"
    assert titles(corpus, "Door")[:2] == ["door", "Door"]


def test_words_find_what_means_the_same(repo, store):
    repo.commit(named__py=NAMED)
    corpus = load(store, repo.root)
    assert titles(corpus, "the number of items on a shelf")[0] == "count_items"
    assert titles(corpus, "Check whether the door is closed")[0] == "is_open"
    assert titles(corpus, "Create a door of some state")[0] == "make_door"


# grep


def lines(result):
    return [(m.span.document, m.span.start, m.text) for m in result.matches]


def test_grep_gives_matching_lines_in_order_with_the_true_total(corpus):
    result = corpus.grep(r"def \w+", limit=2)
    assert lines(result) == [
        ("src/server.py", 9, "    def sendFrame(self, frame):"),
        ("src/server.py", 14, "    def port(self):"),
    ]
    assert (result.total, result.truncated) == (4, False)
    assert lines(corpus.grep(r"def \w+", limit=2, offset=2)) == [
        ("src/server.py", 18, "def parse_config(path):"),
        ("tests/test_server.py", 1, "def test_port():"),
    ]


def test_grep_options_mean_what_they_mean_to_rg(corpus):
    assert corpus.grep("PORT").total == 0
    assert corpus.grep("PORT", ignore_case=True).total == 6
    assert corpus.grep("port", word=True).total == 4
    assert corpus.grep("self.", literal=True, glob="*.py").total == 2
    assert corpus.grep("port", glob="!*.py").total == 1
    assert corpus.grep("^It .*$").total == 1
    match = corpus.grep("parse_config", context=1).matches[0]
    assert (match.before, match.after) == (("",), ("    # reads the settings from disk",))


def test_a_broken_pattern_says_where_and_what_to_do(corpus):
    for pattern in ("(", r"(?=x)", r"(a)\1", "[", "\udcff"):
        with pytest.raises(PatternError, match="literal=True"):
            corpus.grep(pattern)


def test_no_pattern_matches_across_lines():
    pack = pack_of({"a": b"one\ntwo\n\nthree\r\nfour"})

    def found(pattern: str) -> list[int]:
        return [m.span.start for m in grep(pack, Request(pattern)).matches]

    assert found(r"one\s+two") == found("one\ntwo") == found("(?s)one.two") == []
    assert found(r"three\s*$") == [4]
    assert found("^$") == [3]
    assert found("") == [1, 2, 3, 4, 5]
    assert found(r"\s*") == [1, 2, 3, 4, 5]
    assert found("$") == [1, 2, 3, 4, 5]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from([b"", b"a", b"ab", b"b a", b"aab ", "é".encode()]), max_size=30),
    st.sampled_from(["a", "a+b?", "^a", "b$", "[^a]", "a|b", "^$", "b*", "é", r"\ba\b"]),
)
def test_grep_agrees_with_re_line_by_line(parts, pattern):
    data = b"\n".join(parts)
    numbered = data.split(b"\n") if not data.endswith(b"\n") else data.split(b"\n")[:-1]
    numbered = numbered if data else []
    expected = [n for n, line in enumerate(numbered, 1) if re.search(pattern, line.decode())]
    assert [m.span.start for m in grep(pack_of({"d": data}), Request(pattern, limit=1000)).matches] == expected


ATOMS = ("a", "_", " ", r"\.", "[ab]", "[^a]", r"\w", r"\d*", ".", "(?:a|b_)", "(a_b)?", "_b")
WRAPS = ("{}", "(?:{})+", "(?:{})*", "(?:{})?", "(?:{}){{2}}")
repeated = st.builds(str.format, st.sampled_from(WRAPS), st.sampled_from(ATOMS))
patterns = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(("", "", "^", "(?i)")),
        st.lists(repeated, max_size=2).map("".join),
        st.sampled_from(("", "a", "ab", "b_", "_a")),
        st.lists(repeated, max_size=2).map("".join),
        st.sampled_from(("", "", "$", r"\b", "|_b_", "|.a")),
    ),
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.lists(st.text("ab_. 1", max_size=6), max_size=6).map("\n".join), max_size=4),
    patterns,
    st.integers(0, 60),
    st.booleans(),
)
def test_grep_of_many_documents_agrees_with_re_whatever_it_skips_to(documents, pattern, size, ignore_case):
    texts = {f"d{n}": text for n, text in enumerate(documents)}
    compiled = re.compile(pattern, re.IGNORECASE if ignore_case else 0)
    expected = [
        (name, n)
        for name, text in texts.items()
        for n, line in enumerate(text.removesuffix("\n").split("\n") if text else (), 1)
        if compiled.search(line)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rlm_indexers.search.grep.PART_BYTES", size or (1 << 20))  # several parts, hence several threads
        patch.setattr("rlm_indexers.search.grep.MISSES", 3)
        found = grep(pack_of(texts), Request(pattern, limit=1000, ignore_case=ignore_case)).matches
    assert [(m.span.document, m.span.start) for m in found] == expected


def test_words_are_what_rg_takes_for_words():
    pack = pack_of({"a": "caf\ncafé\nfoo(x\nfoo( x\nx-y\nax-y\n"})

    def found(pattern: str) -> list[int]:
        return [m.span.start for m in grep(pack, Request(pattern, word=True)).matches]

    assert found("caf") == [1]
    assert found(r"foo\(") == [4]
    assert found("x-y|é") == [5]


def test_each_document_begins_and_ends_for_itself():
    pack = pack_of({"a": "one\ntwo\n", "b": "two\none", "c": "", "d": "one"})

    def found(pattern: str) -> list[tuple[str, int]]:
        return [(m.span.document, m.span.start) for m in grep(pack, Request(pattern)).matches]

    assert found(r"\Aone") == [("a", 1), ("d", 1)]
    assert found(r"one\z") == [("b", 2), ("d", 1)]
    assert found("(?-m)^one") == [("a", 1), ("d", 1)]
    assert found("=|one$") == [("a", 1), ("b", 2), ("d", 1)]
    assert found("^=+ b") == []


def test_unwanted_documents_and_pages_leave_the_total_true(monkeypatch):
    monkeypatch.setattr("rlm_indexers.search.grep.PART_BYTES", 100)
    pack = pack_of({f"{n:02}.{'py' if n % 3 else 'md'}": "x\ny\nx\n" for n in range(30)})
    everything = [m.span for m in grep(pack, Request("x", limit=100), lambda name: name.endswith(".py")).matches]
    assert len(everything) == 40
    for offset in range(0, 45, 7):
        page = grep(pack, Request("x", limit=7, offset=offset), lambda name: name.endswith(".py"))
        assert [m.span for m in page.matches] == everything[offset : offset + 7]
        assert (page.total, page.truncated) == (40, False)


def test_counting_ends_somewhere_and_says_so(monkeypatch):
    monkeypatch.setattr("rlm_indexers.search.grep.COUNTED_LINES", 25)
    monkeypatch.setattr("rlm_indexers.search.grep.PART_BYTES", 30)
    result = grep(pack_of({f"{n:02}": "x\n" * 10 for n in range(30)}), Request("x", limit=5, offset=22))
    assert (len(result.matches), result.total, result.truncated) == (3, 25, True)


def test_a_pattern_made_to_hang_does_not(tmp_path):
    pack = pack_of({"a": b"a" * 200_000 + b"!"})
    assert grep(pack, Request("(a+)+$")).total == 0


def test_other_threads_run_while_a_scan_does(tmp_path):
    data = (b"x" * 79 + b"\n") * 1_500_000
    with PackWriter(tmp_path / "pack") as writer:
        writer.add(SourceDocument("a", data, "0" * 64))
        writer.finish({})
    pack = Pack((tmp_path / "pack").read_bytes())
    ticks, done = [0], threading.Event()

    def tick():
        while not done.is_set():
            ticks[0] += 1
            done.wait(0.001)

    thread = threading.Thread(target=tick)
    thread.start()
    assert grep(pack, Request(r"[a-z]+[0-9]{3}")).total == 0
    done.set()
    thread.join()
    assert ticks[0] > 5


def test_long_lines_are_cut_and_say_so():
    match = grep(pack_of({"a": b"x" * 100_000}), Request("x")).matches[0]
    assert len(match.text) < 2100
    assert match.text.endswith(" […]")


# symbols, reading, origin


def test_symbols_are_chosen_by_path_name_and_kind(corpus):
    def named(**how):
        return [s.qualname for s in corpus.symbols(**how)]

    assert {"Server", "Server.sendFrame", "Server.port", "parse_config"} <= set(named(path="src/server.py"))
    assert named(name="port") == ["Server.port"]
    assert named(name="Server.port") == ["Server.port"]
    assert named(name="*port", path="tests") == ["test_port"]
    assert named(path="src", kind="class") == ["Server"]
    symbol = next(corpus.symbols(name="port"))
    assert (symbol.start_line, symbol.line, symbol.end_line, symbol.language) == (13, 14, 15, "python")


def test_an_unknown_document_or_line_is_refused_with_what_there_is(corpus):
    with pytest.raises(DocumentNotFound, match=r"src/server\.py"):
        corpus.lines(Span("server.py", 1, 1))
    with pytest.raises(SpanError, match="has 3 lines"):
        corpus.lines(Span("README.md", 2, 9))


def test_the_origin_of_a_span_is_its_file(corpus, repo):
    origin = corpus.origin(Span("README.md", 1, 1))
    assert origin["file"] == str(repo.root / "README.md")
    assert len(origin["sha256"]) == 64
