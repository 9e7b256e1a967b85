"""Texts too large to be held in memory: read once, in pieces, into a file of ours that has no name, and mapped there.

What is asked of such a text is little: that it is UTF-8 and has lines. Else it is left out, with the reason.
"""

import codecs
import hashlib
import mmap
import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from rlm_indexers.pack.reader import Pack

HELD_BYTES = 64 << 20
"""Up to this size a file is read whole."""
MOST_BYTES = 2**32 - 1
"""Offsets within a document are 32 bits wide."""
LINE_BYTES = 1 << 20
PIECE_BYTES = 1 << 20
FORGET_BYTES = 16 << 20
"""How much of a mapped file is touched before its pages are given back."""


@dataclass(frozen=True, slots=True)
class Large:
    """A large text: its bytes (mapped, without a byte order mark), hashes of the raw file, and the flags of a text."""

    text: memoryview
    sha256: str
    oid: str
    flags: tuple[str, ...]


class NoText(Exception):
    """The bytes are no text that can be taken in pieces; the message is the reason, a slug. Carries their hashes."""

    def __init__(self, reason: str, sha256: str, oid: str) -> None:
        super().__init__(reason)
        self.sha256, self.oid = sha256, oid


def read(descriptor: int, size: int, folder: Path, algorithm: str = "sha1") -> Large:
    """A file of `size` bytes as a text. `folder`: where room for a copy is. Raises NoText, and OSError."""
    scan = _Scan(size, algorithm)
    with tempfile.TemporaryFile(dir=folder) as copy:
        at = 0
        while at < size and (piece := os.pread(descriptor, min(PIECE_BYTES, size - at), at)):
            scan.take(piece)
            copy.write(piece)
            at += len(piece)
        reason, flags = scan.end()
        if reason:
            raise NoText(reason, scan.raw.hexdigest(), scan.blob.hexdigest())
        mapped = memoryview(mmap.mmap(_flushed(copy), 0, access=mmap.ACCESS_READ))
    start = len(codecs.BOM_UTF8) if "bom" in flags else 0
    return Large(mapped[start:], scan.raw.hexdigest(), scan.blob.hexdigest(), flags)


def _flushed(file: BinaryIO) -> int:
    file.flush()
    return file.fileno()


class _Scan:
    """What is learnt of a file while it passes."""

    def __init__(self, size: int, algorithm: str) -> None:
        self.raw = hashlib.sha256()
        self.blob = hashlib.new(algorithm, b"blob %d\0" % size, usedforsecurity=False)
        self._size = size
        self._decoder = codecs.getincrementaldecoder("utf-8")("strict")
        self._reason = ""
        self._first = b""
        self._line = 0
        self._returns = self._pairs = 0
        self._last = b""

    def take(self, piece: bytes) -> None:
        self.raw.update(piece)
        self.blob.update(piece)
        self._first = self._first or piece[:8192]
        self._reason = self._reason or self._refused(piece)
        self._returns += piece.count(b"\r")
        self._pairs += piece.count(b"\r\n") + (self._last == b"\r" and piece[:1] == b"\n")
        self._last = piece[-1:]

    def _refused(self, piece: bytes) -> str:
        """Why the text cannot be taken, as far as it goes."""
        try:
            self._decoder.decode(piece)
        except UnicodeDecodeError:
            return f"too-large: {self._size} bytes and not UTF-8"
        lines = piece.split(b"\n")
        lengths = [self._line + len(lines[0]), *map(len, lines[1:])]
        self._line = lengths[-1]
        return f"too-large: {self._size} bytes in lines too long to show" if max(lengths) > LINE_BYTES else ""

    def end(self) -> tuple[str, tuple[str, ...]]:
        """Why there is no text ("" when there is), and flags of it."""
        bom = ("bom",) if self._first.startswith(codecs.BOM_UTF8) else ()
        ends = (("crlf",) if self._pairs else ()) + (("cr",) if self._returns > self._pairs else ())
        return self._reason, (*bom, *ends)


def pieces(data: memoryview) -> Iterator[bytes]:
    """The bytes of a mapped file in pieces; pages that were passed do not stay in our memory."""
    for at in range(0, len(data), PIECE_BYTES):
        yield bytes(data[at : at + PIECE_BYTES])
        if at % FORGET_BYTES == 0:
            forget(data)
    forget(data)


def passing(pack: "Pack", documents: Iterable[int]) -> Iterator[int]:
    """Numbers of documents as they come; pages of a mapped pack that were passed do not stay in our memory."""
    passed = 0
    for i in documents:
        yield i
        passed += pack.entry(i).size
        if passed >= FORGET_BYTES:
            forget(pack.region)
            passed = 0
    forget(pack.region)


def forget(data: memoryview) -> None:
    """Give back the pages of a mapped file; the system may hold them still, for whoever asks next."""
    if isinstance(data.obj, mmap.mmap):
        data.obj.madvise(mmap.MADV_DONTNEED)
