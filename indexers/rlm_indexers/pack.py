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
from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

from rlm_indexers.corpus import Segment, SourceDocument, Unchanged
from rlm_indexers.errors import PackError
from rlm_indexers.lines import line_blocks
from rlm_indexers.reader import ENTRY, HEADER, HEADER_BYTES, MAGIC, SECTIONS, Document, Entry, Pack, header_line
from rlm_indexers.segments import Groups, segment_file
from rlm_indexers.takeover import Takeover

_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_LONG, _SHORT = struct.Struct("<Q"), struct.Struct("<I")
DOCUMENT_LIMIT = 2**32 - 1
"""Bytes of one document: offsets within it are 32 bits wide."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A pack on disk: opened, and with the segments that cover its file in order."""

    path: Path
    pack: Pack
    segments: tuple[Segment, ...]


def map_pack(path: Path) -> Pack:
    """The pack in a file, mapped read-only; PackError when it is none."""
    try:
        with path.open("rb") as file:
            return Pack(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except (OSError, ValueError, struct.error) as error:
        raise PackError(f"{path} is not a pack that can be read ({error}): load its source again") from error


class PackWriter:
    """Takes documents one by one, then their symbols, then the rest: `add`, …, `add_symbols`, …, `finish`."""

    def __init__(self, path: Path, previous: Packed | None = None) -> None:
        self.lines = 0
        self.bytes = 0
        self._out = path.open("xb+", buffering=1 << 20)
        self._out.write(bytes(HEADER_BYTES))
        self._takeover = Takeover(previous.pack, previous.path.open("rb"), self._out) if previous else None
        self._known_segments = previous.segments if previous else ()
        self._groups = Groups()
        self._region = 0
        self._last_id = b""
        self._table = bytearray()
        self._ids = bytearray()
        self._strings = _Strings()
        self._blocks = array("I")
        self._anchors: IO[bytes] = tempfile.TemporaryFile(dir=path.parent)  # noqa: SIM115 - closed in __exit__
        self._symbols: IO[bytes] = tempfile.TemporaryFile(dir=path.parent)  # noqa: SIM115 - closed in __exit__
        self._with_symbols = 0

    def __len__(self) -> int:
        return len(self._table) // ENTRY.size

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for file in (self._out, self._takeover, self._anchors, self._symbols):
            if file:
                file.close()

    # Documents

    def add(self, document: SourceDocument | Unchanged) -> None:
        """Take the next document; PackError when it is out of order, too long, or its id cannot be shown on a line."""
        id_bytes = self._checked_id(document.id)
        takeover = self._takeover
        old = takeover.walk.find(id_bytes) if takeover else None
        if takeover and old is not None and (isinstance(document, Unchanged) or takeover.holds(old, document)):
            self._take_over(takeover, id_bytes, old)
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
        data = bytes(document.data)
        if len(data) > DOCUMENT_LIMIT:
            raise PackError(f"{document.id} has {len(data)} bytes; a document may have {DOCUMENT_LIMIT}: split it")
        if self._takeover:
            self._takeover.flush()
        lines, blocks = line_blocks(data)
        known = Document(document.id, len(data), lines, document.language, document.flags, document.sha256, 0)
        anchors = b"".join(_row({"line": a.line, **a.values}) for a in document.anchors)
        self._enter(id_bytes, known, blocks, anchors)
        self._out.write(header_line(document.id))
        self._out.write(data)
        self._out.write(b"\n")

    def _take_over(self, takeover: Takeover, id_bytes: bytes, old: int) -> None:
        takeover.take(old, HEADER_BYTES + self._region)
        pack = takeover.pack
        self._enter(id_bytes, pack.document(old), pack.blocks(old), pack.anchor_rows(old))

    def _enter(self, id_bytes: bytes, known: Document, blocks: Iterable[int], anchors: bytes) -> None:
        flags, language = "\n".join(known.flags).encode(), known.language.encode()
        text = self._region + len(id_bytes) + len(header_line(""))
        entry = Entry(
            text=text,
            anchors=self._anchors.tell(),
            symbols=0,
            size=known.size,
            lines=known.lines,
            block=len(self._blocks),
            id=len(self._ids),
            language=self._strings.place(language),
            flags=self._strings.place(flags),
            anchors_size=len(anchors),
            symbols_size=0,
            id_size=len(id_bytes),
            flags_size=len(flags),
            language_size=len(language),
            sha256=bytes.fromhex(known.sha256),
        )
        self._table += ENTRY.pack(*entry)
        self._ids += id_bytes
        self._blocks.extend(blocks)
        self._anchors.write(anchors)
        self._groups.add(id_bytes, self._region, known.size)
        self._region = text + known.size + 1
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
        self._table[place + 16 : place + 24] = _LONG.pack(self._symbols.tell())
        self._table[place + 52 : place + 56] = _SHORT.pack(len(rows))
        self._symbols.write(rows)
        self._with_symbols += 1

    # The end

    def finish(self, meta: dict[str, Any]) -> tuple[str, tuple[Segment, ...]]:
        """Write what is left and make it durable; the corpus id, and the segments that cover the file."""
        for _ in range(self._with_symbols, len(self)):
            self.add_symbols(b"")
        places = self._write_tail(meta)
        self._out.flush()
        copies = self._takeover.copies if self._takeover else ()
        cuts = self._groups.cuts(HEADER_BYTES)
        parts = segment_file(self._out.fileno(), places, cuts, copies, self._known_segments)
        corpus_id = "c" + hashlib.sha256("".join(p.sha256 for p in parts).encode()).hexdigest()[:12]
        header = _header(corpus_id, len(self), places)
        self._out.seek(0)
        self._out.write(header)
        self._out.flush()
        os.fsync(self._out.fileno())
        return corpus_id, (Segment(hashlib.sha256(header).hexdigest(), 0, HEADER_BYTES), *parts)

    def _write_tail(self, meta: dict[str, Any]) -> list[tuple[int, int]]:
        """Write every section after the region, and a header without an id; where each section lies."""
        if self._takeover:
            self._takeover.flush()
        self._out.seek(HEADER_BYTES + self._region)
        self._out.truncate()
        places = [(HEADER_BYTES, self._region)]
        for name in SECTIONS[1:]:
            start = self._out.tell()
            self._write_section(name, meta)
            places.append((start, self._out.tell() - start))
        self._out.seek(0)
        self._out.write(_header("", len(self), places))
        return places

    def _write_section(self, name: str, meta: dict[str, Any]) -> None:
        match name:
            case "anchors":
                _pour(self._anchors, self._out)
            case "symbols":
                _pour(self._symbols, self._out)
            case "meta":
                self._out.write(_row(meta))
            case "blocks":
                self._out.write(self._blocks.tobytes())
            case _:
                self._out.write({"table": self._table, "ids": self._ids, "strings": self._strings.data}[name])


class _Strings:
    """Short strings, each stored once."""

    def __init__(self) -> None:
        self.data = bytearray()
        self._places: dict[bytes, int] = {b"": 0}

    def place(self, value: bytes) -> int:
        if value not in self._places:
            self._places[value] = len(self.data)
            self.data += value
        return self._places[value]


def _header(corpus_id: str, count: int, places: list[tuple[int, int]]) -> bytes:
    flat = [number for place in places for number in place]
    return HEADER.pack(MAGIC, corpus_id.encode(), count, *flat).ljust(HEADER_BYTES, b"\0")


def _row(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"


def _pour(spool: IO[bytes], out: IO[bytes]) -> None:
    spool.seek(0)
    while chunk := spool.read(1 << 20):
        out.write(chunk)
