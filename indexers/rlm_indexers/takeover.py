"""What a new pack takes over from the previous one of its source: runs of documents, copied inside the kernel."""

from typing import IO

from rlm_indexers.corpus import SourceDocument
from rlm_indexers.reader import HEADER_BYTES, Pack, header_line
from rlm_indexers.segments import Copy, copy_range
from rlm_indexers.walk import Walk


class Takeover:
    """Gathers documents that lie side by side in both packs, so that a run of them costs one copy."""

    def __init__(self, pack: Pack, source: IO[bytes], out: IO[bytes]) -> None:
        self.pack = pack
        self.walk = Walk(pack)
        self.copies: list[Copy] = []
        self._source = source
        self._out = out
        self._done = 0

    def holds(self, old: int, document: SourceDocument) -> bool:
        """Whether document `old` of the previous pack is this one, bit for bit."""
        known = self.pack.document(old)
        described = (known.size, known.sha256, known.language, known.flags)
        if described != (len(document.data), document.sha256, document.language, document.flags):
            return False
        anchors = [{"line": a.line, **a.values} for a in document.anchors]
        return self.pack.anchors(old) == anchors and bytes(self.pack.data(old)) == bytes(document.data)

    def take(self, old: int, place: int) -> None:
        """Have document `old` copied to this offset of the new file, header and all."""
        known = self.pack.entry(old)
        head = known.id_size + len(header_line(""))
        start, length = HEADER_BYTES + known.text - head, head + known.size + 1
        last = self.copies[-1] if len(self.copies) > self._done else None
        if last and last.new + last.length == place and last.old + last.length == start:
            last.length += length
        else:
            self.flush()
            self.copies.append(Copy(new=place, old=start, length=length))

    def flush(self) -> None:
        """Do what is still to be done; the new file is then written up to the end of the run."""
        if self._done == len(self.copies):
            return
        copy = self.copies[-1]
        self._out.flush()
        copy_range(self._source.fileno(), self._out.fileno(), copy)
        self._out.seek(copy.new + copy.length)
        self._done = len(self.copies)

    def close(self) -> None:
        self._source.close()
