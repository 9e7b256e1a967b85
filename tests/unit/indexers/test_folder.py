import hashlib
import os
import socket

import pytest

from rlm_indexers import folder
from rlm_indexers.errors import SourceError
from rlm_indexers.folder import LINE_BYTES, TEXT_BYTES, fetch
from rlm_indexers.text import document_id


def read(source, **options):
    """The documents by id, and the reasons for what is none of them."""
    fetched = fetch(source, **options)
    documents = {document.id: document for document in fetched.documents}
    return documents, {skipped.id: skipped.reason for skipped in fetched.skipped}


def fill(root, files):
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def test_plain_files_are_stored_as_they_are_with_their_hash(tmp_path):
    fill(tmp_path, {"a.md": "# Title\n\ntext\n", "sub/b.txt": "last line without end"})
    documents, skipped = read(tmp_path)
    assert {name: bytes(d.data) for name, d in documents.items()} == {
        "a.md": b"# Title\n\ntext\n",
        "sub/b.txt": b"last line without end",
    }
    assert documents["a.md"].sha256 == hashlib.sha256(b"# Title\n\ntext\n").hexdigest()
    assert documents["a.md"].language == "markdown"
    assert skipped == {}


def test_documents_come_sorted_by_the_bytes_of_their_ids(tmp_path):
    fill(tmp_path, dict.fromkeys(["b.txt", "a/z.txt", "a.txt", "a-b/c.txt", "é.txt", "Z.txt"], "x\n"))
    ids = [document.id for document in fetch(tmp_path).documents]
    assert ids == sorted(ids, key=str.encode)
    assert len(ids) == 6


def test_nothing_is_followed_and_every_omission_has_its_reason(tmp_path):
    outside = tmp_path / "outside.txt"
    outside.write_text("secret\n")
    root = tmp_path / "root"
    fill(root, {"good.txt": "good\n", ".env": "KEY=1\n", ".git/config": "x", "node_modules/m/i.js": "x", "e.txt": ""})
    fill(root, {"image.png": b"\x89PNG\0\0", "program": b"\x7fELF\0"})
    (root / "link.txt").symlink_to(outside)
    (root / "loop").symlink_to(root)
    os.mkfifo(root / "pipe")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(os.path.relpath(root / "sock"))
    listener.close()
    documents, skipped = read(root)
    assert list(documents) == ["good.txt"]
    assert skipped == {
        ".env": "hidden",
        ".git": "hidden",
        "e.txt": "empty",
        "image.png": "binary: .png",
        "link.txt": "symlink",
        "loop": "symlink",
        "node_modules": "ignored-folder",
        "pipe": "no-regular-file",
        "program": "binary",
        "sock": "no-regular-file",
    }


def test_names_that_no_id_can_show_are_escaped(tmp_path):
    fill(tmp_path, {"two\nlines.txt": "a\n"})
    (tmp_path / os.fsdecode(b"latin-\xe9.txt")).write_text("b\n")
    documents, _ = read(tmp_path)
    assert sorted(documents) == ["latin-\\xe9.txt", "two\\x0alines.txt"]
    assert document_id("a/b c.txt") == "a/b c.txt"


def test_unreadable_folder_is_listed(tmp_path):
    fill(tmp_path, {"good.txt": "good\n", "closed/a.txt": "x"})
    (tmp_path / "closed").chmod(0)
    try:
        if os.access(tmp_path / "closed", os.R_OK):
            pytest.skip("this user reads everything")
        assert read(tmp_path)[1] == {"closed/": "unreadable: Permission denied"}
    finally:
        (tmp_path / "closed").chmod(0o700)


def test_file_that_is_too_large_is_not_read(tmp_path):
    with (tmp_path / "large.log").open("wb") as file:
        file.truncate(TEXT_BYTES + 1)
    assert read(tmp_path) == ({}, {"large.log": f"too-large: {TEXT_BYTES + 1} bytes"})


def test_line_that_is_too_long_is_cut_in_sight(tmp_path):
    fill(tmp_path, {"wide.json": b'{"a": "' + b"x" * LINE_BYTES + b'"}\nnext\n'})
    (document,) = read(tmp_path)[0].values()
    first, second, last = bytes(document.data).split(b"\n")
    assert first.endswith(" […] [9 bytes of this line left out]".encode())
    assert (second, last) == (b"next", b"")
    assert "long-lines-cut:1" in document.flags


@pytest.mark.parametrize(
    ("name", "content", "columns"),
    [
        ("t.csv", 'id,"full name",age\n1,A,2\n', ["id", "full name", "age"]),
        ("t.csv", "id;name\n1;A\n", ["id", "name"]),
        ("t.tsv", "id\tname\n", ["id", "name"]),
        ("t.jsonl", '{"id": 1, "text": "a"}\n{"id": 2}\n', ["id", "text"]),
    ],
)
def test_column_names_of_a_table_are_known_at_every_row(tmp_path, name, content, columns):
    fill(tmp_path, {name: content})
    (document,) = read(tmp_path)[0].values()
    assert bytes(document.data) == content.encode()
    assert [(anchor.line, anchor.values) for anchor in document.anchors] == [(1, {"columns": columns})]


@pytest.mark.parametrize("content", ["[1, 2]\n", "not json\n", "[" * 60000 + "\n", '"text"\n'])
def test_json_lines_without_keys_are_still_a_document(tmp_path, content):
    fill(tmp_path, {"t.jsonl": content})
    (document,) = read(tmp_path)[0].values()
    assert document.anchors == ()


def test_odd_encodings_become_utf8_and_say_so(tmp_path):
    fill(tmp_path, {"w.txt": "grün\r\n".encode("utf-16"), "l.txt": "grün grüßt über Größe\n".encode("latin-1")})
    documents, _ = read(tmp_path)
    assert bytes(documents["w.txt"].data) == "grün\r\n".encode()
    assert documents["w.txt"].flags == ("bom", "encoding:utf-16", "crlf")
    assert bytes(documents["l.txt"].data) == "grün grüßt über Größe\n".encode()


def test_unchanged_folder_is_known_without_being_read(tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "_RACY", -60_000_000_000)
    fill(tmp_path, {"a.txt": "one\n", "b.txt": "two\n"})
    first = fetch(tmp_path).fingerprint
    assert first
    assert fetch(tmp_path).fingerprint == first
    (tmp_path / "b.txt").write_text("two!\n")
    second = fetch(tmp_path).fingerprint
    (tmp_path / "b.txt").rename(tmp_path / "c.txt")
    third = fetch(tmp_path).fingerprint
    (tmp_path / ".hidden").write_text("x")
    assert len({first, second, third, fetch(tmp_path).fingerprint}) == 4


def test_folder_changed_a_moment_ago_is_read_again(tmp_path):
    fill(tmp_path, {"a.txt": "one\n"})
    assert fetch(tmp_path).fingerprint == ""


def test_one_file_can_be_the_source(tmp_path):
    fill(tmp_path, {"a.txt": "x\n", "b.txt": "y\n"})
    assert list(read(tmp_path / "a.txt")[0]) == ["a.txt"]


def test_missing_folder_is_an_error_that_names_it(tmp_path):
    with pytest.raises(SourceError, match=r"no file or folder .*nowhere"):
        fetch(tmp_path / "nowhere")
