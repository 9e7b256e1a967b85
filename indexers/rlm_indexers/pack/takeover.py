"""What a new pack takes over from the previous one of its source: runs of bytes, copied inside the kernel."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from rlm_indexers.corpus import SourceDocument
from rlm_indexers.pack.reader import HEADER_BYTES, Pack
from rlm_indexers.pack.segments import Copy, copy_range
from rlm_indexers.pack.tables import start_of
from rlm_indexers.pack.walk import Walk


class Takeover:
    """Gathers documents that lie side by side in both packs, so that a run of them costs one copy."""

    def __init__(self, pack: Pack, path: Path, out: IO[bytes]) -> None:
        self.pack = pack
        self.walk = Walk(pack)
        self.source = path.open("rb")
        self.copies: list[Copy] = []
        self._out = out
        self._done = 0

    def holds(self, old: int, document: SourceDocument) -> bool:
        """Whether document `old` of the previous pack is this one, bit for bit."""
        known = self.pack.document(old)
        described = (known.size, known.sha256, known.language, known.flags)
        if described != (len(document.data), document.sha256, document.language, document.flags):
            return False
        if isinstance(document.data, memoryview):  # as many bytes with the same hash, which were not rewritten
            return True
        anchors = [{"line": a.line, **a.values} for a in document.anchors]
        return self.pack.anchors(old) == anchors and bytes(self.pack.data(old)) == bytes(document.data)

    def take(self, start: int, stop: int, place: int) -> None:
        """Have documents of the previous pack copied to this offset of the new file, headers and all."""
        end = self.pack.entry(stop - 1)
        begin = start_of(self.pack.entry(start))
        length = end.text + end.size + 1 - begin
        last = self.copies[-1] if len(self.copies) > self._done else None
        if last and last.new + last.length == place and last.old + last.length == HEADER_BYTES + begin:
            last.length += length
        else:
            self.flush()
            self.copies.append(Copy(new=place, old=HEADER_BYTES + begin, length=length))

    def flush(self) -> None:
        """Do what is still to be done; the new file is then written up to the end of the run."""
        if self._done == len(self.copies):
            return
        copy = self.copies[-1]
        self._out.flush()
        copy_range(self.source.fileno(), self._out.fileno(), copy)
        self._out.seek(copy.new + copy.length)
        self._done = len(self.copies)

    def close(self) -> None:
        self.source.close()


class Rows:
    """Symbols on their way into a pack: new ones on a spool, those of the previous pack only by their place there."""

    def __init__(self, spool: IO[bytes], source: IO[bytes] | None) -> None:
        self.size = 0
        self._files = (spool, source or spool)
        self._parts: list[tuple[bool, int, int]] = []

    def write(self, rows: bytes) -> None:
        spool = self._files[0]
        self._add(taken=False, offset=spool.tell(), length=len(rows))
        spool.write(rows)

    def take(self, offset: int, length: int) -> None:
        """Bytes of the previous pack's file."""
        self._add(taken=True, offset=offset, length=length)

    def _add(self, *, taken: bool, offset: int, length: int) -> None:
        self.size += length
        last = self._parts[-1] if self._parts else None
        if last and last[0] == taken and last[1] + last[2] == offset:
            self._parts[-1] = (taken, last[1], last[2] + length)
        elif length:
            self._parts.append((taken, offset, length))

    def pour(self, out: IO[bytes]) -> Iterator[Copy]:
        """Write everything at the end of a file; which parts of that were taken over."""
        out.flush()
        self._files[0].flush()
        place = out.tell()
        for taken, offset, length in self._parts:
            copy = Copy(new=place, old=offset, length=length)
            copy_range(self._files[taken].fileno(), out.fileno(), copy)
            place += length
            if taken:
                yield copy
        out.seek(0, os.SEEK_END)

    def close(self) -> None:
        self._files[0].close()
