r"""Read a pack: the one reader, used by the host and, loaded from its source text, inside the sandbox.

Standard library only, and no other module of ours. Opening touches the header and nothing else; every table is read in
place, so a pack of 1 GB costs a session its mapped pages and no objects.

The file, little-endian throughout:

    header    4096 bytes: magic, corpus id, number of documents, (offset, length) of each section
    region    for each document "===== <id> =====\n", its bytes, "\n"
    table     one fixed-width entry per document, sorted by the bytes of the id
    ids, strings, blocks, anchors, symbols, meta

A line is what ends with b"\n" (the last one may lack it). Nothing else separates lines.
"""

import json
import re
import struct
from bisect import bisect_right
from collections.abc import Iterator
from typing import Any, NamedTuple

MAGIC = b"RLMPACK1"
HEADER_BYTES = 4096
SECTIONS = ("region", "table", "ids", "strings", "blocks", "anchors", "symbols", "meta")
HEADER = struct.Struct(f"<8s16sQ{2 * len(SECTIONS)}Q")
ENTRY = struct.Struct("<QQQIIIIIIIIHHB3x32s")
_ID = struct.Struct("<36xI16xH")
"""Of an entry, only where its id lies."""
STRIDE = 64
"""Lines per entry of the line index ("blocks"): offsets within the document of lines 1, 65, 129, …"""


class Entry(NamedTuple):
    """A document's row in the table; offsets count from the start of the section they point into."""

    text: int
    anchors: int
    symbols: int
    size: int
    lines: int
    block: int
    id: int
    language: int
    flags: int
    anchors_size: int
    symbols_size: int
    id_size: int
    flags_size: int
    language_size: int
    sha256: bytes


class Document(NamedTuple):
    """What is known of a document without touching its text. `offset` is that of its first byte in the region."""

    id: str
    size: int
    lines: int
    language: str
    flags: tuple[str, ...]
    sha256: str
    offset: int


def header_line(document_id: str) -> bytes:
    """The line that precedes a document in the region."""
    return b"===== " + document_id.encode() + b" =====\n"


class Pack:
    """A pack over any buffer: mmap, memoryview or bytes. Documents go by number, in the order of their ids' bytes.

    `sections`: the parts of the file by name, as they are stored; `places`: offset and length of each in the file.
    """

    def __init__(self, buffer: Any) -> None:
        view = memoryview(buffer).toreadonly().cast("B")
        if len(view) < HEADER_BYTES or view[: len(MAGIC)] != MAGIC:
            raise ValueError("these bytes are no pack: load the source again")
        _, raw_id, self._count, *places = HEADER.unpack_from(view)
        self.places = {name: (o, n) for name, o, n in zip(SECTIONS, places[::2], places[1::2], strict=True)}
        parts = {name: view[o : o + n] for name, (o, n) in self.places.items()}
        self.id: str = raw_id.rstrip(b"\0").decode()
        self.sections = parts
        self.region: memoryview = parts["region"]
        self._table, self._ids, self._strings = parts["table"], parts["ids"], parts["strings"]
        self._blocks = parts["blocks"].cast("I")
        self._anchors, self._symbols, self._meta = parts["anchors"], parts["symbols"], parts["meta"]

    @property
    def meta(self) -> dict[str, Any]:
        """`id`, `name`, `kind`, `facts`, …: small, parsed anew at each use."""
        return {"id": self.id, **json.loads(bytes(self._meta))}

    def __len__(self) -> int:
        return int(self._count)

    def __contains__(self, document_id: object) -> bool:
        return isinstance(document_id, str) and self.index(document_id) is not None

    # Documents

    def entry(self, i: int) -> Entry:
        """Row `i` of the table; IndexError when there is none."""
        if not 0 <= i < self._count:
            raise IndexError(f"document {i} of {self._count}")
        return Entry._make(ENTRY.unpack_from(self._table, i * ENTRY.size))

    def id_of(self, i: int) -> str:
        if not 0 <= i < self._count:
            raise IndexError(f"document {i} of {self._count}")
        return self.id_bytes(i).decode()

    def index(self, document_id: str) -> int | None:
        """The number of the document with this id."""
        wanted = document_id.encode("utf-8", "surrogatepass")
        i = bisect_right(range(self._count), wanted, key=self.id_bytes) - 1
        return i if i >= 0 and self.id_bytes(i) == wanted else None

    def document(self, i: int) -> Document:
        e = self.entry(i)
        language, flags = self._said(e)
        return Document(
            id=bytes(self._ids[e.id : e.id + e.id_size]).decode(),
            size=e.size,
            lines=e.lines,
            language=language.decode(),
            flags=tuple(flags.decode().split("\n")) if flags else (),
            sha256=e.sha256.hex(),
            offset=e.text,
        )

    def documents(self) -> Iterator[Document]:
        return map(self.document, range(self._count))

    def id_bytes(self, i: int) -> bytes:
        """The id as it is sorted by."""
        start, size = _ID.unpack_from(self._table, i * ENTRY.size)
        return bytes(self._ids[start : start + size])

    def same(self, i: int, other: "Pack", j: int) -> bool:
        """Whether document `i` here is document `j` there: raw source, language and flags; ids are not compared."""
        return self.description(i) == other.description(j)

    def description(self, i: int) -> tuple[bytes, int, int, bytes, bytes]:
        """Hash, size, lines, language and flags of a document, as they are stored."""
        e = self.entry(i)
        return e.sha256, e.size, e.lines, *self._said(e)

    def _said(self, e: Entry) -> tuple[bytes, bytes]:
        strings = self._strings
        return bytes(strings[e.language : e.language + e.language_size]), bytes(
            strings[e.flags : e.flags + e.flags_size]
        )

    # Text and lines

    def data(self, i: int) -> memoryview:
        """The stored bytes, not copied."""
        e = self.entry(i)
        return self.region[e.text : e.text + e.size]

    def text(self, i: int) -> str:
        return bytes(self.data(i)).decode("utf-8", "replace")

    def line_count(self, i: int) -> int:
        return self.entry(i).lines

    def lines(self, i: int, start: int, end: int) -> bytes:
        """Lines `start` to `end`, 1-based and inclusive, without the last newline; IndexError when not all exist."""
        e = self.entry(i)
        if not 1 <= start <= end <= e.lines:
            raise IndexError(f"{self.id_of(i)} has {e.lines} lines; lines {start}-{end} were asked for")
        chunk = bytes(self.region[e.text + self._line_start(e, start) : e.text + self._line_start(e, end + 1)])
        return chunk.removesuffix(b"\n")

    def line_start(self, i: int, line: int) -> int:
        """The offset in the document at which a line begins; one past the last line begins at its end."""
        e = self.entry(i)
        if not 1 <= line <= e.lines + 1:
            raise IndexError(f"{self.id_of(i)} has {e.lines} lines; line {line} was asked for")
        return self._line_start(e, line)

    def line_at(self, i: int, byte_offset: int) -> int:
        """The line in which a byte of the document lies; the end belongs to the last line."""
        e = self.entry(i)
        if not 0 <= byte_offset <= e.size:
            raise IndexError(f"{self.id_of(i)} has {e.size} bytes; offset {byte_offset} was asked for")
        block = max(e.block, bisect_right(self._blocks, byte_offset, e.block, e.block + _blocks(e.lines)) - 1)
        known = self._blocks[block] if e.lines else 0
        passed = bytes(self.region[e.text + known : e.text + byte_offset]).count(b"\n")
        return min((block - e.block) * STRIDE + passed + 1, max(e.lines, 1))

    def locate(self, offset: int) -> tuple[int, int]:
        """Document and line of an offset in the region; a header counts as line 1, the gap after as the last line."""
        if not 0 <= offset < len(self.region):
            raise IndexError(f"the text has {len(self.region)} bytes; offset {offset} was asked for")
        i = bisect_right(range(self._count), offset, key=self._header_start) - 1
        e = self.entry(i)
        return i, self.line_at(i, min(max(offset - e.text, 0), e.size))

    def _header_start(self, i: int) -> int:
        e = self.entry(i)
        return e.text - e.id_size - len(b"=====  =====\n")

    def _line_start(self, e: Entry, line: int) -> int:
        if line > e.lines:
            return e.size
        block, rest = divmod(line - 1, STRIDE)
        start: int = self._blocks[e.block + block]
        if not rest:
            return start
        last = block + 1 == _blocks(e.lines)
        chunk = bytes(self.region[e.text + start : e.text + (e.size if last else self._blocks[e.block + block + 1])])
        return start + len(chunk) - len(chunk.split(b"\n", rest)[rest])

    def blocks(self, i: int) -> memoryview:
        """The line index of a document: offsets of lines 1, 65, 129, …"""
        e = self.entry(i)
        return self._blocks[e.block : e.block + _blocks(e.lines)]

    # Origins

    def anchors(self, i: int) -> list[dict[str, Any]]:
        """Where the text came from: `{"line": first line it holds for, …}`, in order."""
        return [json.loads(row) for row in self.anchor_rows(i).split(b"\n") if row]

    def anchor_at(self, i: int, line: int) -> dict[str, Any]:
        """The last anchor at or before a line; empty when there is none. Parses a few rows, not all."""
        rows = self.anchor_rows(i)
        low, high, found = 0, len(rows), b""
        while low < high:
            middle = rows.rfind(b"\n", low, (low + high) // 2) + 1 or low
            end = rows.index(b"\n", middle)
            if json.loads(rows[middle:end])["line"] <= line:
                found, low = rows[middle:end], end + 1
            else:
                high = middle
        return dict(json.loads(found)) if found else {}

    def anchor_rows(self, i: int) -> bytes:
        """The anchors as they are stored."""
        e = self.entry(i)
        return bytes(self._anchors[e.anchors : e.anchors + e.anchors_size])

    # Symbols

    def symbols(self, i: int) -> list[dict[str, Any]]:
        """The definitions in a document: name, qualname, kind, line, start_line, end_line, parent, signature, …"""
        document = self.document(i)
        return [_symbol(document, row) for row in self.symbol_rows(i).split(b"\n") if row]

    def symbol_rows(self, i: int) -> bytes:
        """The symbols as they are stored: JSON lines."""
        e = self.entry(i)
        return bytes(self._symbols[e.symbols : e.symbols + e.symbols_size])

    def find_symbols(self, pattern: str) -> Iterator[tuple[int, dict[str, Any]]]:
        """Definitions by name, or by the end of their qualified name if it has a dot; `*` and `?` are wild."""
        for match in _symbol_pattern(pattern).finditer(self._symbols):
            i = bisect_right(range(self._count), match.start(), key=self._symbols_start) - 1
            yield i, _symbol(self.document(i), match.group())

    def _symbols_start(self, i: int) -> int:
        return self.entry(i).symbols


def _symbol(document: Document, row: bytes) -> dict[str, Any]:
    return {"document": document.id, "language": document.language, **json.loads(row)}


def _blocks(lines: int) -> int:
    return (lines + STRIDE - 1) // STRIDE


def _symbol_pattern(pattern: str) -> "re.Pattern[bytes]":
    """What finds the rows of a name: each starts with `{"name":…,"qualname":…`, which no quoted text can hold."""
    wild = {"*": rb'(?:[^"\\\n]|\\[^\n])*', "?": rb'(?:[^"\\\n]|\\[^\n])'}
    parts = re.split(r"([*?])", pattern)
    wanted = b"".join(wild.get(p) or re.escape(json.dumps(p, ensure_ascii=False)[1:-1].encode()) for p in parts)
    if "." in pattern:
        return re.compile(rb'\{"name":"[^\n]*?","qualname":"(?:(?:[^"\\\n]|\\[^\n])*\.)?' + wanted + rb'"[^\n]*')
    return re.compile(rb'\{"name":"' + wanted + rb'"[^\n]*')
