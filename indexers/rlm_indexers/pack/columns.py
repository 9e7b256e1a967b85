"""The table of a pack by columns: what a refresh asks of tens of thousands of documents, in a few passes."""

import struct
from array import array
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Literal

from rlm_indexers.pack.reader import ENTRY, Pack

_PLACES: dict[str, tuple[Literal["Q", "I", "H", "B"], int]] = {
    "text": ("Q", 0),
    "anchors": ("Q", 8),
    "symbols": ("Q", 16),
    "size": ("I", 24),
    "lines": ("I", 28),
    "block": ("I", 32),
    "id": ("I", 36),
    "language": ("I", 40),
    "flags": ("I", 44),
    "symbols_size": ("I", 52),
    "id_size": ("H", 56),
    "flags_size": ("H", 58),
    "language_size": ("B", 60),
}
"""Where a number stands in an entry (`reader.ENTRY`): its format and the offset in bytes."""
_SHA256 = 64
Said = tuple[int, int, int, int]
"""Where a document's language and flags stand among the strings: offset and size of each."""


def column(rows: memoryview, name: str) -> memoryview:
    """One number of every row, to be read or assigned."""
    form, offset = _PLACES[name]
    width = struct.calcsize(form)
    return rows.cast(form)[offset // width :: ENTRY.size // width]


def assign(rows: memoryview, name: str, numbers: Iterable[int]) -> None:
    """Set one number of every row."""
    form, _ = _PLACES[name]
    column(rows, name)[:] = array(form, numbers)


def move(rows: memoryview, name: str, by: int) -> None:
    """Add to one number of every row."""
    if by:
        assign(rows, name, [number + by for number in column(rows, name).tolist()])


class Columns:
    """Documents `start` to `stop` of a pack, by columns."""

    def __init__(self, pack: Pack, start: int = 0, stop: int | None = None) -> None:
        self.pack = pack
        self.start = start
        self.stop = len(pack) if stop is None else stop
        self._rows = pack.sections["table"][self.start * ENTRY.size : self.stop * ENTRY.size]

    def __len__(self) -> int:
        return self.stop - self.start

    def numbers(self, name: str) -> list[int]:
        """One number of each document."""
        return column(self._rows, name).tolist()

    def ids(self) -> list[bytes]:
        ids = bytes(self.pack.sections["ids"])
        return [ids[at : at + size] for at, size in zip(self.numbers("id"), self.numbers("id_size"), strict=True)]

    def sha256(self) -> list[bytes]:
        rows = bytes(self._rows)
        return [rows[at : at + 32] for at in range(_SHA256, len(rows), ENTRY.size)]

    def said(self) -> list[Said]:
        """Where language and flags of each document stand: few differ."""
        names = ("language", "language_size", "flags", "flags_size")
        return list(zip(*map(self.numbers, names), strict=True))

    def words(self, said: Said) -> tuple[bytes, bytes]:
        """Language and flags themselves."""
        strings = self.pack.sections["strings"]
        return bytes(strings[said[0] : said[0] + said[1]]), bytes(strings[said[2] : said[2] + said[3]])


def runs(numbers: Iterable[int]) -> list[range]:
    """Ascending numbers as the fewest ranges."""
    ascending: Sequence[int] = list(numbers)
    breaks = [at for at, (one, next_) in enumerate(pairwise(ascending), 1) if next_ != one + 1]
    bounds = [0, *breaks, len(ascending)] if ascending else []
    return [range(ascending[start], ascending[stop - 1] + 1) for start, stop in pairwise(bounds)]
