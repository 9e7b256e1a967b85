"""What the previous pack of a source holds: so that documents that did not change are neither read nor packed again."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from rlm_indexers import versions
from rlm_indexers.corpus import SourceDocument, UnchangedRun
from rlm_indexers.pack.columns import Columns
from rlm_indexers.pack.reader import Document, Pack


@dataclass(frozen=True)
class Previous:
    """The pack that a source was loaded into last. `below`: of several sources, what the ids of this one begin with."""

    pack: Pack
    below: str = ""

    def part(self, prefix: str) -> "Previous":
        """What was loaded of one of several sources."""
        return Previous(self.pack, self.below + prefix)

    def documents(self) -> Iterator[Document]:
        """Every document of this source, its id as the source gave it."""
        for document in self.pack.documents():
            if document.id.startswith(self.below):
                yield document._replace(id=document.id.removeprefix(self.below))

    def find(self, document: str, sha256: str) -> int | None:
        """The number of a document, if it was made of these bytes as it would be today."""
        number = self._numbers.get(document)
        return number if number is not None and self._sha256[number].hex() == sha256 else None

    def flags(self, number: int) -> frozenset[str]:
        """The flags of a document."""
        return self._flags[self._said[number]]

    @cached_property
    def _numbers(self) -> dict[str, int]:
        if self.pack.meta.get("content_version") != versions.documents():
            return {}
        start = self.below.encode()
        ids = enumerate(self._columns.ids())
        return {name[len(start) :].decode(): number for number, name in ids if name.startswith(start)}

    @cached_property
    def _columns(self) -> Columns:
        return Columns(self.pack)

    @cached_property
    def _sha256(self) -> list[bytes]:
        return self._columns.sha256()

    @cached_property
    def _said(self) -> list[tuple[int, int, int, int]]:
        return self._columns.said()

    @cached_property
    def _flags(self) -> dict[tuple[int, int, int, int], frozenset[str]]:
        found = {said: self._columns.words(said)[1].decode() for said in set(self._said)}
        return {said: frozenset(flags.split("\n") if flags else ()) for said, flags in found.items()}


def in_runs(found: Iterable[int | SourceDocument]) -> Iterator[SourceDocument | UnchangedRun]:
    """Documents as they come; numbers of the previous pack that follow each other as one run."""
    start = stop = 0
    for each in found:
        if each == stop and stop > start:
            stop += 1
            continue
        if stop > start:
            yield UnchangedRun(start, stop)
        start, stop = (each, each + 1) if isinstance(each, int) else (0, 0)
        if not isinstance(each, int):
            yield each
    if stop > start:
        yield UnchangedRun(start, stop)
