"""Write a pack: documents in, sorted by id, streamed to one file that `reader.Pack` can map.

What an earlier pack of the same source already holds is copied inside the kernel and not hashed again. The same
documents give the same bytes whichever way they came.
"""

import hashlib
import json
import mmap
import os
import re
import struct
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

from rlm_indexers.corpus import Packable, Segment, Skipped, SourceDocument, Unchanged, UnchangedRun
from rlm_indexers.errors import PackError
from rlm_indexers.large import pieces
from rlm_indexers.pack.columns import Columns, assign
from rlm_indexers.pack.lines import line_blocks, line_blocks_of
from rlm_indexers.pack.reader import ENTRY, HEADER, HEADER_BYTES, MAGIC, SECTIONS, Document, Entry, Pack, header_line
from rlm_indexers.pack.segments import Copy, Groups, segment_file
from rlm_indexers.pack.tables import Tables, start_of
from rlm_indexers.pack.takeover import Rows, Takeover

_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_LONG, _SHORT = struct.Struct("<Q"), struct.Struct("<I")
DOCUMENT_LIMIT = 2**32 - 1
"""Bytes of one document: offsets within it are 32 bits wide."""


@dataclass(slots=True)
class Taken:
    """Documents in a row that stand in the previous pack as they do in the new one: their first numbers."""

    new: int
    old: int
    count: int


@dataclass(frozen=True, slots=True)
class Packed:
    """A pack on disk: opened, with the segments that cover its file, and which documents have no symbols and why."""

    path: Path
    pack: Pack
    segments: tuple[Segment, ...]
    without_symbols: tuple[Skipped, ...] = ()


def map_pack(path: Path) -> Pack:
    """The pack in a file, mapped read-only; PackError when it is none."""
    try:
        with path.open("rb") as file:
            return Pack(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except (OSError, ValueError, struct.error) as error:
        raise PackError(f"{path} is not a pack that can be read ({error}): load its source again") from error


class PackWriter:
    """Takes documents one by one or in runs, then their symbols: `add`, …, `add_symbols`, …, `finish`."""

    def __init__(self, path: Path, previous: Packed | None = None) -> None:
        self.lines = 0
        self.bytes = 0
        self.taken: list[Taken] = []
        """The documents that came from the previous pack, in order."""
        self._out = path.open("xb+", buffering=1 << 20)
        self._out.write(bytes(HEADER_BYTES))
        self._takeover = Takeover(previous.pack, previous.path, self._out) if previous else None
        self._known_segments = previous.segments if previous else ()
        self._groups = Groups()
        self._last_id = b""
        self._anchors: IO[bytes] = tempfile.TemporaryFile(dir=path.parent)  # noqa: SIM115 - closed in __exit__
        spool: IO[bytes] = tempfile.TemporaryFile(dir=path.parent)  # noqa: SIM115 - closed in __exit__
        self._tables = Tables(self._anchors)
        self._symbols = Rows(spool, self._takeover.source if self._takeover else None)
        self._with_symbols = 0

    def __len__(self) -> int:
        return len(self._tables)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for file in (self._out, self._takeover, self._anchors, self._symbols):
            if file:
                file.close()

    # Documents

    def add(self, document: Packable) -> None:
        """Take what comes next; PackError when it is out of order, too long, or its id cannot be shown on a line."""
        if isinstance(document, UnchangedRun):
            self._take_over(document)
            return
        id_bytes = self._checked_id(document.id)
        takeover = self._takeover
        old = takeover.walk.find(id_bytes) if takeover else None
        if takeover and old is not None and (isinstance(document, Unchanged) or takeover.holds(old, document)):
            self._copy(takeover, id_bytes, old)
        elif isinstance(document, Unchanged):
            raise PackError(f"{document.id} was said to be unchanged, but the previous pack does not hold it")
        else:
            self._write(id_bytes, document)

    def _checked_id(self, document_id: str) -> bytes:
        try:
            raw = document_id.encode()
        except UnicodeEncodeError as error:
            raise PackError(f"document id {document_id!r} is not valid text: escape what is not UTF-8") from error
        if not raw or len(raw) > 0xFFFF or _CONTROL.search(raw):
            raise PackError(f"{document_id[:200]!r} cannot be a document id: 1-65535 bytes, no control characters")
        if raw <= self._last_id:
            raise PackError(
                f"{document_id!r} came after {self._last_id.decode()!r}: sort ids by their bytes, each once"
            )
        self._last_id = raw
        return raw

    def _write(self, id_bytes: bytes, document: SourceDocument) -> None:
        data = document.data
        if len(data) > DOCUMENT_LIMIT:
            raise PackError(f"{document.id} has {len(data)} bytes; a document may have {DOCUMENT_LIMIT}: split it")
        if self._takeover:
            self._takeover.flush()
        lines, blocks = line_blocks_of(pieces(data)) if isinstance(data, memoryview) else line_blocks(data)
        known = Document(document.id, len(data), lines, document.language, document.flags, document.sha256, 0)
        anchors = b"".join(_row({"line": a.line, **a.values}) for a in document.anchors)
        self._enter(id_bytes, known, blocks, anchors)
        self._out.write(header_line(document.id))
        self._out.writelines(pieces(data) if isinstance(data, memoryview) else (data,))
        self._out.write(b"\n")

    def _copy(self, takeover: Takeover, id_bytes: bytes, old: int) -> None:
        """Take over one document."""
        takeover.take(old, old + 1, HEADER_BYTES + self._tables.region)
        self._note(old, 1)
        pack = takeover.pack
        self._enter(id_bytes, pack.document(old), pack.blocks(old), pack.anchor_rows(old))

    def _take_over(self, run: UnchangedRun) -> None:
        takeover = self._takeover
        if takeover is None or not 0 <= run.start < run.stop <= len(takeover.pack):
            raise PackError(f"{run} was said to be unchanged, but the previous pack does not hold it")
        old = Columns(takeover.pack, run.start, run.stop)
        ids = old.ids()
        self._checked_id(ids[0].decode())
        self._last_id = ids[-1]
        takeover.take(run.start, run.stop, HEADER_BYTES + self._tables.region)
        self._note(run.start, len(old))
        self._group(old, ids)
        self._tables.take(old)
        self.lines += sum(old.numbers("lines"))
        self.bytes += sum(old.numbers("size"))

    def _group(self, old: Columns, ids: list[bytes]) -> None:
        moved = self._tables.region - start_of(old.pack.entry(old.start)) - len(header_line(""))
        places = zip(old.numbers("text"), old.numbers("id_size"), strict=True)
        offsets = [text - id_size + moved for text, id_size in places]
        self._groups.add_all(len(self), ids, offsets, old.numbers("size"))

    def _note(self, old: int, count: int) -> None:
        last = self.taken[-1] if self.taken else None
        if last and (last.new + last.count, last.old + last.count) == (len(self), old):
            last.count += count
        else:
            self.taken.append(Taken(len(self), old, count))

    def _enter(self, id_bytes: bytes, known: Document, blocks: Iterable[int], anchors: bytes) -> None:
        self._groups.add(len(self), id_bytes, self._tables.region, known.size)
        self._tables.enter(id_bytes, known, blocks, anchors)
        self.lines += known.lines
        self.bytes += known.size

    # Symbols

    def view(self) -> Pack:
        """What was added, readable, for those who extract symbols; no document can be added any more."""
        self._write_tail({})
        self._out.flush()
        return Pack(mmap.mmap(self._out.fileno(), 0, access=mmap.ACCESS_READ))

    def add_symbols(self, rows: bytes) -> None:
        """The symbols of the next document as JSON lines, each starting with `name` and `qualname`."""
        place = self._with_symbols * ENTRY.size
        table = self._tables.rows
        table[place + 16 : place + 24] = _LONG.pack(self._symbols.size)
        table[place + 52 : place + 56] = _SHORT.pack(len(rows))
        self._symbols.write(rows)
        self._with_symbols += 1

    def take_symbols(self, old: int, count: int) -> None:
        """The symbols of the next documents, which the previous pack held from number `old` on."""
        if self._takeover is None:
            raise PackError("there is no previous pack to take symbols from")
        known = Columns(self._takeover.pack, old, old + count)
        places, sizes = known.numbers("symbols"), known.numbers("symbols_size")
        moved = self._symbols.size - places[0]
        rows = memoryview(self._tables.rows)[self._with_symbols * ENTRY.size :][: count * ENTRY.size]
        assign(rows, "symbols", [place + moved for place in places])
        assign(rows, "symbols_size", sizes)
        section, _ = known.pack.places["symbols"]
        self._symbols.take(section + places[0], places[-1] + sizes[-1] - places[0])
        self._with_symbols += count

    # The end

    def finish(self, meta: dict[str, Any]) -> tuple[str, tuple[Segment, ...]]:
        """Write what is left and make it durable; the corpus id, and the segments that cover the file."""
        for _ in range(self._with_symbols, len(self)):
            self.add_symbols(b"")
        places, taken = self._write_tail(meta)
        self._out.flush()
        copies = (*(self._takeover.copies if self._takeover else ()), *taken)
        parts = segment_file(self._out.fileno(), places, self._cuts(places), copies, self._known_segments)
        corpus_id = "c" + hashlib.sha256("".join(p.sha256 for p in parts).encode()).hexdigest()[:12]
        header = _header(corpus_id, len(self), places)
        self._out.seek(0)
        self._out.write(header)
        self._out.flush()
        os.fsync(self._out.fileno())
        return corpus_id, (Segment(hashlib.sha256(header).hexdigest(), 0, HEADER_BYTES), *parts)

    def _cuts(self, places: list[tuple[int, int]]) -> Iterator[int]:
        """Where groups of documents begin, in the text and in the symbols; the first needs no cut."""
        symbols = places[SECTIONS.index("symbols")][0]
        for number in self._groups.starts:
            entry = Entry._make(ENTRY.unpack_from(self._tables.rows, number * ENTRY.size))
            yield HEADER_BYTES + start_of(entry)
            yield symbols + entry.symbols

    def _write_tail(self, meta: dict[str, Any]) -> tuple[list[tuple[int, int]], list[Copy]]:
        """Write every section after the region, and a header without an id; where sections lie, what was taken over."""
        if self._takeover:
            self._takeover.flush()
        self._out.seek(HEADER_BYTES + self._tables.region)
        self._out.truncate()
        places = [(HEADER_BYTES, self._tables.region)]
        taken: list[Copy] = []
        for name in SECTIONS[1:]:
            start = self._out.tell()
            taken += self._write_section(name, meta)
            places.append((start, self._out.tell() - start))
        self._out.seek(0)
        self._out.write(_header("", len(self), places))
        return places, taken

    def _write_section(self, name: str, meta: dict[str, Any]) -> Iterable[Copy]:
        tables = self._tables
        match name:
            case "anchors":
                _pour(self._anchors, self._out)
            case "symbols":
                return self._symbols.pour(self._out)
            case "meta":
                self._out.write(_row(meta))
            case "blocks":
                self._out.write(tables.blocks.tobytes())
            case _:
                self._out.write({"table": tables.rows, "ids": tables.ids, "strings": tables.strings.data}[name])
        return ()


def _header(corpus_id: str, count: int, places: list[tuple[int, int]]) -> bytes:
    flat = [number for place in places for number in place]
    return HEADER.pack(MAGIC, corpus_id.encode(), count, *flat).ljust(HEADER_BYTES, b"\0")


def _row(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"


def _pour(spool: IO[bytes], out: IO[bytes]) -> None:
    spool.seek(0)
    while chunk := spool.read(1 << 20):
        out.write(chunk)
