"""Converters in their own process, on files that are fine, broken and hostile."""

import json
import os
from pathlib import Path

import pytest

from rlm_indexers.converters.base import Unreadable
from rlm_indexers.converters.process import Converter, Limits, checked
from rlm_indexers.folder import fetch
from tests.support.documents import encrypted_pdf, pdf, pdf_bomb


@pytest.fixture(scope="module")
def converter():
    with Converter() as converter:
        yield converter


def lines_under(converted):
    """Each line of the text with the anchor that holds there."""
    anchors = dict(converted.anchors)
    holding, placed = {}, []
    for number, line in enumerate(converted.text.split("\n")[:-1], 1):
        holding = anchors.get(number, holding)
        placed.append((line, holding))
    return placed


def test_every_line_of_a_long_pdf_is_known_by_its_page(tmp_path):
    pages = [[f"Clause {n}.{line} binds party {n * 7 + line}." for line in range(1, 6)] for n in range(1, 121)]
    (tmp_path / "contract.pdf").write_bytes(pdf(pages))
    (document,) = fetch(tmp_path).documents
    stored = bytes(document.data).decode().split("\n")
    anchors = {anchor.line: anchor.values["page"] for anchor in document.anchors}
    assert sorted(anchors.values()) == list(range(1, 121))
    for line, page in anchors.items():
        assert stored[line - 1 : line + 4] == pages[page - 1]


def test_page_without_text_keeps_its_place_and_is_flagged(converter):
    converted = converter.convert(
        "pdf", pdf([["A page with enough text on it."], [], ["short"], ["The last page, which speaks."]])
    )
    assert [values["page"] for _, values in lines_under(converted)] == [1, 2, 3, 4]
    assert converted.flags == ("no-text-layer:2-3",)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (pdf([[], []]), "no-text-layer: 2 pages"),
        (encrypted_pdf(), "encrypted"),
        (pdf([["text"]] * 3)[:400], "damaged: "),
        (b"%PDF-1.7\n" + os.urandom(5000), "damaged: "),
        (b"%PDF-", "damaged: "),
    ],
)
def test_pdf_without_text_is_refused_with_its_reason(converter, data, reason):
    with pytest.raises(Unreadable, match=reason):
        converter.convert("pdf", data)


def test_pdf_bomb_costs_one_file_and_is_reported(tmp_path):
    good = pdf([["A page with enough text on it."]])
    for name, data in {"a.pdf": good, "b.pdf": pdf_bomb(), "c.pdf": good}.items():
        (tmp_path / name).write_bytes(data)
    assert (tmp_path / "b.pdf").stat().st_size < 2_000_000
    fetched = fetch(tmp_path, limits=Limits(memory_bytes=400_000_000))
    assert [document.id for document in fetched.documents] == ["a.pdf", "c.pdf"]
    (skipped,) = fetched.skipped
    assert skipped.id == "b.pdf"
    assert skipped.reason == "converter-crashed: pdf (SIGABRT)"


def test_converter_that_takes_too_long_is_ended_by_the_clock(converter):
    with (
        Converter(Limits(wall_seconds=0.3)) as slow,
        pytest.raises(Unreadable, match=r"converter-timeout: html after 0\.3"),
    ):
        slow.convert("html", b"<p>word " * 4_000_000)


def test_converter_that_computes_too_long_is_ended_by_the_kernel():
    with Converter(Limits(cpu_seconds=0)) as slow:
        with pytest.raises(Unreadable, match="converter-timeout: html used up"):
            slow.convert("html", b"<p>word " * 8_000_000)
        assert slow.convert("html", b"<p>afterwards").text == "afterwards\n"


def test_text_beyond_the_cap_does_not_come_back():
    with (
        Converter(Limits(output_bytes=1000)) as small,
        pytest.raises(Unreadable, match="too-large: 1400000 bytes of text"),
    ):
        small.convert("html", b"<p>seven<b>s</b> " * 200_000)


def test_converter_process_has_no_environment_and_bounded_means(monkeypatch):
    monkeypatch.setenv("CANARY", "must not be inherited")
    with Converter() as converter:
        converter.convert("html", b"<p>x")
        proc = Path(f"/proc/{converter._process.pid}")
        assert (proc / "environ").read_bytes() == b""
        assert os.getsid(converter._process.pid) == converter._process.pid
        limits = {line[:26].strip(): line[26:].split()[0] for line in (proc / "limits").read_text().splitlines()}
    assert limits["Max address space"] == str(Limits().memory_bytes)
    assert limits["Max file size"] == "0"
    assert limits["Max core file size"] == "0"


def test_one_process_converts_many_files_and_none_is_left(converter):
    with Converter() as many:
        for _ in range(3):
            many.convert("html", b"<p>x")
            process = many._process
        assert many._files == 3
    assert process.returncode is not None


def test_html_is_reduced_to_what_a_reader_sees(converter):
    page = """<!doctype html><html><head><title>Terms &amp; Conditions</title><style>p {color: red}</style>
    <script>var hidden = "<p>no</p>";</script></head><body><h1>Part <em>One</em></h1>
    <p>First   sentence,
       see <a href="https://example.org/x">the annex</a> &mdash; or <a href="#top">go up</a>.</p>
    <ul><li>alpha<li>beta</ul><table><tr><th>Name</th><th>Age</th></tr><tr><td>Ada</td><td>36</td></tr></table>
    <pre>def f():
    return 1</pre><h2>Part Two</h2><img alt="a chart" src="x.png">done<br>really</body></html>"""
    converted = converter.convert("html", page.encode())
    assert converted.text.split("\n") == [
        "Terms & Conditions",
        "# Part One",
        "First sentence, see the annex <https://example.org/x> — or go up.",
        "- alpha",
        "- beta",
        "Name | Age",
        "Ada | 36",
        "def f():",
        "    return 1",
        "## Part Two",
        "[image: a chart]done really",
        "",
    ]
    assert converted.anchors == ((2, {"heading": "Part One"}), (10, {"heading": "Part Two"}))


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ('<meta charset="koi8-r"><p>цена'.encode("koi8-r"), "цена\n"),
        (b"<p>a<script>unclosed <p>b", "a\n"),
        (b"<p>a</p></p></div></pre><b>b", "a\nb\n"),
        (b"<svg/><p>after", "after\n"),
        (b"<<<>>&#xD800;&#0;<p x=>ok" + b"<div>" * 50_000 + b"deep", None),
    ],
)
def test_html_that_is_odd_still_gives_its_text(converter, page, text):
    converted = converter.convert("html", page)
    assert text is None or converted.text == text


def test_html_without_text_says_so(converter):
    with pytest.raises(Unreadable, match="no-text"):
        converter.convert("html", b"<script>render()</script>")


def test_notebook_cells_are_known_by_their_number(converter):
    cells = [
        {"cell_type": "markdown", "source": ["# Study\n", "of limits"]},
        {"cell_type": "code", "source": "print(1)", "outputs": [{"text": ["1\n"]}, {"data": {"image/png": "…"}}]},
        {"cell_type": "code", "source": "", "outputs": [{"ename": "ValueError", "evalue": "no"}]},
        "not a cell",
    ]
    converted = converter.convert("notebook", json.dumps({"cells": cells}).encode())
    places = lines_under(converted)
    assert ("of limits", {"cell": 1, "type": "markdown"}) in places
    assert ("print(1)", {"cell": 2, "type": "code"}) in places
    assert ("1", {"cell": 2, "type": "output"}) in places
    assert ("[image/png]", {"cell": 2, "type": "output"}) in places
    assert ("ValueError: no", {"cell": 3, "type": "output"}) in places


@pytest.mark.parametrize("data", [b"{", b"[]", b'{"cells": 3}', b"[" * 200_000])
def test_broken_notebook_is_refused(converter, data):
    with pytest.raises(Unreadable, match="damaged"):
        converter.convert("notebook", data)


def test_mail_gives_headers_and_text_and_names_its_attachments(converter):
    mail = (
        b"From: =?utf-8?q?J=C3=BCrgen?= <j@example.org>\nTo: team@example.org\nSubject: limits\n"
        b'Content-Type: multipart/mixed; boundary="b"\n\n--b\nContent-Type: text/plain; charset=latin-1\n\n'
        b"gr\xfc\xdfe\n--b\nContent-Type: application/pdf\nContent-Disposition: attachment; filename=a.pdf\n\nxx\n"
        b"--b\nContent-Type: text/csv\nContent-Disposition: attachment; filename=t.csv\n\nid,name\n--b--\n"
    )
    converted = converter.convert("mail", mail)
    assert "From: Jürgen <j@example.org>" in converted.text
    places = lines_under(converted)
    assert ("grüße", {"part": 1}) in places
    assert places[-2:] == [
        ("[attachment: a.pdf, application/pdf, 2 bytes]", {"part": 2}),
        ("[attachment: t.csv, text/csv, 7 bytes]", {"part": 3}),
    ]


def test_mail_of_html_alone_is_read_as_html(converter):
    mail = b"Subject: x\nContent-Type: text/html; charset=utf-8\n\n<h1>Limits</h1><script>no()</script><p>five"
    assert converter.convert("mail", mail).text == "Subject: x\n\n# Limits\nfive\n\n"


def test_second_load_converts_only_what_changed(tmp_path):
    root, cache = tmp_path / "root", tmp_path / "cache"
    root.mkdir()
    (root / "a.html").write_text("<p>one")
    (root / "b.html").write_text("<p>two")
    (root / "bad.pdf").write_text("%PDF-rubbish")
    first = list(fetch(root, cache=cache).documents)
    (root / "b.html").write_text("<p>three")
    again = fetch(root, cache=cache)
    entries = {path: path.stat().st_mtime_ns for path in cache.rglob("*") if path.is_file()}
    second = list(again.documents)
    assert second[0] == first[0]
    assert bytes(second[1].data) == b"three\n"
    assert [skipped.reason[:8] for skipped in again.skipped] == ["damaged:"]
    kept = {path: path.stat().st_mtime_ns for path in cache.rglob("*") if path.is_file()}
    assert len(kept) == len(entries) + 1
    assert entries.items() <= kept.items()


def test_cache_entry_that_was_tampered_with_is_not_believed(tmp_path):
    root, cache = tmp_path / "root", tmp_path / "cache"
    root.mkdir()
    (root / "a.html").write_text("<p>true words")
    before = list(fetch(root, cache=cache).documents)
    (entry,) = (path for path in (cache / "derived").rglob("*") if path.is_file())
    entry.write_bytes(entry.read_bytes().replace(b"true", b"fals"))
    assert list(fetch(root, cache=cache).documents) == before


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"anchors": 1, "flags": []},
        {"anchors": [[0, {}]], "flags": []},
        {"anchors": [[True, {}]], "flags": []},
        {"anchors": [[1, {"page": [1]}]], "flags": []},
        {"anchors": [[1]], "flags": []},
    ],
)
def test_reply_of_another_shape_is_not_believed(header):
    with pytest.raises(ValueError):  # noqa: PT011 - any of them: the caller treats them alike
        checked(header, b"text")


def test_reason_given_by_a_converter_cannot_break_a_line():
    with pytest.raises(Unreadable, match="a b"):
        checked({"error": "a\nb"}, b"")


def test_damaged_stream_of_one_page_does_not_cost_the_others(converter):
    whole = pdf([[f"Page {n} with enough text on it."] for n in (1, 2, 3)])
    first, one, two, three = whole.split(b">>\nstream\n")
    damaged = b">>\nstream\n".join([first, one, b"~" * 60 + two[60:], three])
    converted = converter.convert("pdf", damaged)
    assert lines_under(converted)[0] == ("Page 1 with enough text on it.", {"page": 1})
    assert lines_under(converted)[2] == ("Page 3 with enough text on it.", {"page": 3})
    assert converted.flags == ("no-text-layer:2",)
