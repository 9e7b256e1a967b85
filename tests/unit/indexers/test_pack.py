"""The pack: what is written can be found again by document, line, offset and symbol; edits move little."""

import hashlib
import json
import random
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlm_indexers.corpus import Anchor, SourceDocument, Unchanged, UnchangedRun
from rlm_indexers.errors import PackError
from rlm_indexers.large import passing
from rlm_indexers.pack import segments
from rlm_indexers.pack.previous import in_runs
from rlm_indexers.pack.reader import HEADER_BYTES, Pack, header_line
from rlm_indexers.pack.writer import Packed, PackWriter, map_pack

texts = st.one_of(
    st.binary(max_size=400),
    st.lists(st.sampled_from([b"", b"a", b"\r", b"\x0c", "\u2028".encode(), b"long " * 9]), max_size=200).map(
        b"\n".join
    ),
)
ids = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=20)
corpora = st.dictionaries(ids, texts, max_size=8)


def document(name: str, data: bytes, **more) -> SourceDocument:
    return SourceDocument(name, data, hashlib.sha256(data).hexdigest(), **more)


def write(path: Path, documents, previous: Packed | None = None, symbols=(), meta=None) -> Packed:
    with PackWriter(path, previous) as writer:
        for each in sorted(documents, key=lambda d: d.id.encode()):
            writer.add(each)
        for rows in symbols:
            writer.add_symbols(rows)
        _, parts = writer.finish(meta or {"name": "t"})
    return Packed(path, map_pack(path), parts)


def pack_of(files: dict[str, bytes]) -> Pack:
    with TemporaryDirectory() as folder:
        return write(Path(folder, "pack"), [document(i, d) for i, d in files.items()]).pack


def naive_lines(data: bytes) -> list[bytes]:
    lines = data.split(b"\n")
    return lines[:-1] if lines[-1] == b"" else lines


@settings(deadline=None)
@given(corpora)
def test_every_document_comes_back_with_its_bytes_lines_and_hash(files):
    pack = pack_of(files)
    assert [d.id for d in pack.documents()] == sorted(files, key=str.encode)
    for i, found in enumerate(pack.documents()):
        data = files[found.id]
        assert bytes(pack.data(i)) == data
        assert (found.size, found.lines) == (len(data), len(naive_lines(data)))
        assert found.sha256 == hashlib.sha256(data).hexdigest()
        assert pack.index(found.id) == i


@settings(deadline=None)
@given(corpora, st.data())
def test_a_span_converts_to_bytes_and_back(files, data):
    pack = pack_of(files)
    for i in range(len(pack)):
        lines = naive_lines(bytes(pack.data(i)))
        if not lines:
            continue
        start = data.draw(st.integers(1, len(lines)))
        end = data.draw(st.integers(start, len(lines)))
        assert pack.lines(i, start, end) == b"\n".join(lines[start - 1 : end])
        offset = pack.line_start(i, start)
        assert pack.line_at(i, offset) == start
        assert bytes(pack.data(i))[offset:].startswith(pack.lines(i, start, end))


@settings(deadline=None)
@given(corpora, st.data())
def test_locate_agrees_with_a_naive_count(files, data):
    pack = pack_of(files)
    if not len(pack):
        return
    offset = data.draw(st.integers(0, len(pack.region) - 1))
    before = [i for i in range(len(pack)) if pack.document(i).offset - len(header_line(pack.id_of(i))) <= offset]
    i = before[-1]
    text = bytes(pack.data(i))
    inside = max(0, offset - pack.document(i).offset)
    naive = min(text[:inside].count(b"\n") + 1, max(1, len(naive_lines(text))))
    assert pack.locate(offset) == (i, naive)


@settings(deadline=None)
@given(corpora)
def test_the_region_is_each_document_after_its_header(files):
    region = b"".join(header_line(i) + files[i] + b"\n" for i in sorted(files, key=str.encode))
    assert bytes(pack_of(files).region) == region


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 5000), min_size=1, max_size=40, unique=True).map(sorted), st.integers(1, 5100))
def test_the_anchor_of_a_line_is_the_last_at_or_before_it(starts, line):
    anchors = tuple(Anchor(start, {"page": n, "note": "x" * (n % 7)}) for n, start in enumerate(starts))
    with TemporaryDirectory() as folder:
        pack = write(Path(folder, "pack"), [document("a", b"x\n" * 5200, anchors=anchors)]).pack
    expected = [a for a in anchors if a.line <= line]
    found = pack.anchor_at(0, line)
    assert found.get("page") == (expected[-1].values["page"] if expected else None)
    assert [a["line"] for a in pack.anchors(0)] == starts


def test_a_line_that_does_not_exist_is_refused_with_the_number_there_are():
    pack = pack_of({"a.py": b"one\ntwo"})
    for start, end in ((0, 1), (2, 3), (3, 3), (2, 1)):
        with pytest.raises(IndexError, match=r"a\.py has 2 lines"):
            pack.lines(0, start, end)


def test_an_unknown_document_has_no_number():
    pack = pack_of({"b": b""})
    assert [pack.index(i) for i in ("a", "b", "c", "", "\udc80")] == [None, 0, None, None, None]


@pytest.mark.parametrize("bad", ["", "a\nb", "a\x1b[31m", "x" * 70_000, "\udcff"])
def test_an_id_that_cannot_stand_on_a_line_is_refused(tmp_path, bad):
    with PackWriter(tmp_path / "pack") as writer, pytest.raises(PackError):
        writer.add(document(bad, b""))


def test_documents_out_of_order_or_twice_are_refused(tmp_path):
    with PackWriter(tmp_path / "pack") as writer:
        writer.add(document("b", b""))
        for again in ("a", "b"):
            with pytest.raises(PackError, match="sort ids"):
                writer.add(document(again, b""))


def test_bytes_that_are_no_pack_are_refused(tmp_path):
    for content in (b"", b"x" * 10_000):
        (tmp_path / "bad").write_bytes(content)
        with pytest.raises(PackError, match="load its source again"):
            map_pack(tmp_path / "bad")


def row(name: str, qualname: str) -> bytes:
    return json.dumps({"name": name, "qualname": qualname, "kind": "function"}, separators=(",", ":")).encode() + b"\n"


def test_symbols_are_found_by_name_wildcard_and_end_of_qualified_name(tmp_path):
    rows = [row("run", "Loop.run") + row("runs", "runs"), b"", row("run", "run") + row("a.b", "x.a.b")]
    pack = write(tmp_path / "pack", [document(i, b"") for i in "abc"], symbols=rows).pack

    def found(pattern: str) -> list[tuple[int, str]]:
        return [(i, s["qualname"]) for i, s in pack.find_symbols(pattern)]

    assert found("run") == [(0, "Loop.run"), (2, "run")]
    assert found("run*") == [(0, "Loop.run"), (0, "runs"), (2, "run")]
    assert found("r?n") == [(0, "Loop.run"), (2, "run")]
    assert found("Loop.run") == [(0, "Loop.run")]
    assert found("*.run") == [(0, "Loop.run")]
    assert found("a.b") == [(2, "x.a.b")]
    assert found("nothing") == found('"') == found("qualname") == []
    assert [s["document"] for s in pack.symbols(2)] == ["c", "c"]


def test_metadata_and_id_stand_in_the_pack(tmp_path):
    packed = write(tmp_path / "pack", [document("a", b"x")], meta={"name": "n", "facts": {"root": "/r"}})
    assert packed.pack.meta == {"id": packed.pack.id, "name": "n", "facts": {"root": "/r"}}
    assert packed.pack.id.startswith("c")


def test_segments_cover_the_file_and_carry_its_hashes(tmp_path):
    packed = write(tmp_path / "pack", [document(f"{n:03}", b"text\n" * 20_000) for n in range(300)])
    whole = packed.path.read_bytes()
    at = 0
    for part in packed.segments:
        assert part.offset == at
        assert hashlib.sha256(whole[at : at + part.length]).hexdigest() == part.sha256
        at += part.length
    assert at == len(whole)
    assert len(packed.segments) > 5
    assert max(part.length for part in packed.segments) <= 2 * segments.MOST_BYTES


def some_files(count: int = 250) -> dict[str, bytes]:
    chance = random.Random(7)
    return {f"src/{n:04}.txt": chance.randbytes(60_000).hex().encode() for n in range(count)}


def test_an_edit_changes_one_text_segment_and_the_rest_is_taken_over(tmp_path):
    files = some_files()
    first = write(tmp_path / "one", [document(i, d) for i, d in files.items()])
    files["src/0100.txt"] += b"edited\n"
    second = write(tmp_path / "two", [document(i, d) for i, d in files.items()], previous=first)
    text = [s for s in second.segments if HEADER_BYTES <= s.offset < HEADER_BYTES + len(second.pack.region)]
    new = {s.sha256 for s in text} - {s.sha256 for s in first.segments}
    assert len(text) > 2
    assert len(new) == 1
    edited = document("src/0100.txt", files["src/0100.txt"])
    in_two_runs = [UnchangedRun(0, 100), edited, UnchangedRun(101, len(files))]
    with PackWriter(tmp_path / "three", first) as writer:
        for each in in_two_runs:
            writer.add(each)
        assert writer.finish({"name": "t"})[1] == second.segments


changes = st.dictionaries(st.sampled_from("abcdefghij"), st.one_of(st.none(), texts), max_size=10)


def described(name: str, data: bytes) -> SourceDocument:
    """A document whose flags, language and anchors depend on its bytes."""
    odd = len(data) % 3
    anchors = (Anchor(1, {"page": odd}),) if odd else ()
    return document(name, data, flags=("crlf", "x")[:odd], language=("", "python", "go")[odd], anchors=anchors)


def symbols_of(data: bytes) -> bytes:
    return row(f"f{len(data)}", "q") * (len(data) % 4)


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(st.sampled_from("abcdefghij"), texts, max_size=10),
    changes,
    st.sampled_from(["compared", "one by one", "in runs"]),
)
def test_a_pack_made_from_a_previous_one_is_the_same_as_one_made_anew(before, changed, how):
    after = {i: d for i, d in {**before, **changed}.items() if d is not None}
    documents = [described(i, d) for i, d in sorted(after.items())]
    rows = [symbols_of(d) for _, d in sorted(after.items())]
    with TemporaryDirectory() as folder:
        old = [described(i, d) for i, d in before.items()]
        first = write(Path(folder, "one"), old, symbols=[symbols_of(d) for _, d in sorted(before.items())])
        clean = write(Path(folder, "three"), documents, symbols=rows)
        with PackWriter(Path(folder, "two"), first) as writer:
            for each in refreshed_by(how, sorted(before), [d.id for d in documents if d in old], documents):
                writer.add(each)
            at = 0
            for taken in writer.taken:
                for number in range(at, taken.new):
                    writer.add_symbols(rows[number])
                writer.take_symbols(taken.old, taken.count)
                at = taken.new + taken.count
            for number in range(at, len(rows)):
                writer.add_symbols(rows[number])
            _, parts = writer.finish({"name": "t"})
        assert Path(folder, "two").read_bytes() == clean.path.read_bytes()
        assert parts == clean.segments


def refreshed_by(how: str, old: list[str], same: list[str], documents: list[SourceDocument]):
    if how == "compared":
        return documents
    if how == "one by one":
        return [Unchanged(d.id) if d.id in same else d for d in documents]
    return in_runs(old.index(d.id) if d.id in same else d for d in documents)


def test_an_added_document_changes_at_most_its_neighbours(tmp_path):
    files = some_files()
    first = write(tmp_path / "one", [document(i, d) for i, d in files.items()])
    files["src/0100a.txt"] = b"new\n"
    second = write(tmp_path / "two", [document(i, d) for i, d in files.items()], previous=first)
    new = {s.sha256 for s in second.segments[1:-6]} - {s.sha256 for s in first.segments}
    assert len(new) <= 2


def test_flags_and_language_survive_a_takeover(tmp_path):
    kept = document(
        "a", b"x\n", flags=("crlf", "no-text-layer:3"), language="python", anchors=(Anchor(1, {"page": 1}),)
    )
    first = write(tmp_path / "one", [kept, document("b", b"")])
    second = write(tmp_path / "two", [Unchanged("a"), document("b", b"new")], previous=first)
    found = second.pack.document(0)
    assert (found.flags, found.language) == (("crlf", "no-text-layer:3"), "python")
    assert second.pack.anchor_at(0, 1) == {"line": 1, "page": 1}


def test_a_document_whose_flags_changed_is_written_anew(tmp_path):
    first = write(tmp_path / "one", [document("a", b"x")])
    second = write(tmp_path / "two", [document("a", b"x", flags=("generated",))], previous=first)
    assert second.pack.document(0).flags == ("generated",)


def test_unchanged_without_a_previous_pack_is_refused(tmp_path):
    with PackWriter(tmp_path / "pack") as writer, pytest.raises(PackError, match="does not hold it"):
        writer.add(Unchanged("a"))


def test_the_view_before_the_end_reads_what_was_added(tmp_path):
    with PackWriter(tmp_path / "pack") as writer:
        writer.add(document("a", b"x\ny\n"))
        view = writer.view()
        assert (len(view), view.text(0), view.lines(0, 2, 2)) == (1, "x\ny\n", b"y")
        writer.add_symbols(row("f", "f"))
        writer.finish({})
    assert [s["name"] for s in map_pack(tmp_path / "pack").symbols(0)] == ["f"]


def test_the_reader_needs_nothing_but_the_standard_library():
    source = Path(segments.__file__).with_name("reader.py").read_text(encoding="utf-8")
    module: dict[str, object] = {"__name__": "reader"}
    exec(compile(source, "reader", "exec"), module)
    assert "rlm_indexers" not in source
    assert callable(module["Pack"])


def test_whoever_goes_through_a_whole_pack_holds_a_part_of_it(tmp_path):
    size, count = 8 << 20, 8
    write(tmp_path / "pack", (document(f"{i}.txt", b"words\n" * (size // 6)) for i in range(count)))
    pack = map_pack(tmp_path / "pack")
    most = 0
    for i in passing(pack, range(count)):
        bytes(pack.data(i))
        most = max(most, held(tmp_path / "pack"))
    assert size // 2 < most < 4 * size
    assert held(tmp_path / "pack") < size


def held(path: Path) -> int:
    """Bytes of a mapped file that are in this process's memory."""
    rows = iter(Path("/proc/self/smaps").read_text().splitlines())
    return sum(_kilobytes(rows) << 10 for row in rows if row.endswith(str(path)))


def _kilobytes(rows: Iterator[str]) -> int:
    return next(int(row.split()[1]) for row in rows if row.startswith("Rss:"))
