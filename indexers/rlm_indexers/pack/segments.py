"""Where a pack file is cut into content-addressed segments, and how parts of an older one are taken over.

The symbols of a group of documents are a segment of their own, beside its text. Cuts depend on document ids and,
coarsely, on sizes: an edit moves none, an added document at most its neighbours.
"""

import errno
import hashlib
import os
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rlm_indexers.corpus import Segment

TARGET_BYTES = 6 << 20
LEAST_BYTES = 2 << 20
MOST_BYTES = 16 << 20
PIECE_BYTES = 8 << 20
"""What is cut by size alone: tables, and groups with a giant document in them."""


@dataclass(slots=True)
class Copy:
    """A run of bytes that the new file takes over from the old one; offsets in the files."""

    new: int
    old: int
    length: int


class Groups:
    """Gathers consecutive documents into groups of about `TARGET_BYTES`; a group begins where an id's hash says so."""

    def __init__(self) -> None:
        self.starts: list[int] = []
        """Numbers of the documents at which a group begins, but for the first."""
        self._last = 0

    def add(self, number: int, id_bytes: bytes, offset: int, size: int) -> None:
        """Take the next document, which begins at this offset of the region."""
        held = offset - self._last
        if held >= MOST_BYTES or (held >= LEAST_BYTES and self._chosen(id_bytes, size)):
            self.starts.append(number)
            self._last = offset

    def add_all(self, number: int, ids: Sequence[bytes], offsets: Sequence[int], sizes: Sequence[int]) -> None:
        """Take documents in a row, the first of which has this number."""
        at = 0
        while (at := bisect_left(offsets, self._last + LEAST_BYTES, at)) < len(ids):
            self.add(number + at, ids[at], offsets[at], sizes[at])
            at += 1

    @staticmethod
    def _chosen(id_bytes: bytes, size: int) -> bool:
        # The power of two above the size, not the size: otherwise each edit would move the odds, and with them cuts.
        odds = (1 << size.bit_length()) / TARGET_BYTES
        return int.from_bytes(hashlib.blake2b(id_bytes, digest_size=4).digest(), "big") < odds * 2**32


def copy_range(source: int, target: int, copy: Copy) -> None:
    """Copy between two files by descriptor, inside the kernel where it can."""
    done = 0
    while done < copy.length:
        done += _copy_some(source, target, copy.length - done, copy.old + done, copy.new + done)


def _copy_some(source: int, target: int, count: int, old: int, new: int) -> int:
    try:
        copied = os.copy_file_range(source, target, count, old, new)
    except (OSError, AttributeError) as error:
        known = (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM)
        if isinstance(error, OSError) and error.errno not in known:
            raise
        copied = os.pwrite(target, os.pread(source, min(count, 1 << 22), old), new)
    if copied == 0:
        raise OSError(errno.EIO, "the previous pack ended early")
    return copied


def segment_file(
    descriptor: int,
    places: Sequence[tuple[int, int]],
    cuts: Iterable[int],
    copies: Sequence[Copy],
    known: Iterable[Segment],
) -> tuple[Segment, ...]:
    """The segments that cover the file after its header; hashes of copied ones are taken from `known`."""
    hashes = {(segment.offset, segment.length): segment.sha256 for segment in known}
    bounds = _bounds(places, cuts)
    found = []
    for start, end in pairwise(bounds):
        old = _copied_from(start, end, copies)
        sha256 = hashes.get((old, end - start)) if old is not None else None
        found.append(Segment(sha256 or _sha256(descriptor, start, end), start, end - start))
    return tuple(found)


def _sha256(descriptor: int, start: int, end: int) -> str:
    """Of a part of a file: read, not mapped, so that it does not stay in memory."""
    digest = hashlib.sha256()
    for at in range(start, end, 1 << 20):
        digest.update(os.pread(descriptor, min(1 << 20, end - at), at))
    return digest.hexdigest()


def _bounds(places: Sequence[tuple[int, int]], cuts: Iterable[int]) -> list[int]:
    """Region groups, then each section, each cut further where it is longer than two groups may be."""
    end = max(offset + length for offset, length in places)
    marks = sorted({offset for offset, length in places if length} | set(cuts) | {end})
    bounds: list[int] = []
    for mark, following in pairwise(marks):
        bounds.extend([mark] if following - mark <= 2 * MOST_BYTES else range(mark, following, PIECE_BYTES))
    return [*bounds, end]


def _copied_from(start: int, end: int, copies: Sequence[Copy]) -> int | None:
    for copy in copies:
        if copy.new <= start and end <= copy.new + copy.length:
            return copy.old + start - copy.new
    return None
