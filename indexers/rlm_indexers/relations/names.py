r"""Where each name stands: a file beside the pack, from which a question learns what documents to look at.

Documents go in groups that end where an id's hash says so, whatever stands before; what is written of a group depends
on its documents alone. So a refresh takes over, byte for byte, every group in which nothing changed, and a file made
by refreshes is the file of a clean build.

The file, little-endian: header; for each group its key, first document, offset, sizes; then for each group
    names      b"\n" before and after each, sorted
    starts     for each name the number of its first posting, one more at the end
    postings   document within the group, definitions (high bit: imported), uses
"""

import hashlib
import mmap
import os
import secrets
import struct
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Self
from zlib import crc32

from rlm_indexers.pack.reader import Pack
from rlm_indexers.relations.said import DocumentNames, names_in

NAME = "names"
VERSION = 1
"""Raised when the same facts would be indexed another way."""
IMPORTED = "@"
"""Before a word by which imports mean documents; no name begins with it."""
_MAGIC = b"RLMNAME1"
_HEADER = struct.Struct("<8s32sQI4x")
_GROUP = struct.Struct("<32sQIIII")
_ENDS_ONE_IN = 128
_LONGEST = 512
"""Documents of one group."""
_MOST = 0x7FFF
_NUMBERS = 3
"""Of one posting."""

Facts = Callable[[Iterable[int]], Iterator[tuple[int, str]]]
"""Gives for documents, by number, their facts as they are kept."""


class Posting(NamedTuple):
    """What one document has of a name. Counts stop at 32,767."""

    document: int
    defined: int
    uses: int
    imported: bool


class _Group(NamedTuple):
    key: bytes
    offset: int
    first: int
    names_size: int
    names: int
    postings: int

    @property
    def size(self) -> int:
        return self.names_size + 4 * (self.names + 1) + 2 * _NUMBERS * self.postings


class Names:
    """An opened index; without a pack of any. ValueError when it is not whole or of another, OSError when not there."""

    def __init__(self, path: Path, pack: Pack | None = None, version: str = "") -> None:
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        if len(self._map) < _HEADER.size:
            raise ValueError("too short for an index of names")
        magic, key, size, count = _HEADER.unpack_from(self._map)
        if magic != _MAGIC or size != len(self._map):
            raise ValueError("not an index of names, or a part of one")
        if pack is not None and key != _key_of(pack, version):
            raise ValueError("the index of other names")
        self.groups = tuple(
            _Group._make(_GROUP.unpack_from(self._map, _HEADER.size + n * _GROUP.size)) for n in range(count)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._map.close()

    def of(self, name: str) -> list[Posting]:
        """The documents that define or use a name, in their order."""
        wanted = b"\n" + _encoded(name) + b"\n"
        found: list[Posting] = []
        for group in self.groups:
            at = self._map.find(wanted, group.offset, group.offset + group.names_size)
            if at >= 0 and name and "\n" not in name:
                found += self._postings(group, at)
        return found

    def words(self, word: str) -> set[int]:
        """The documents with an import that may mean one called so; "." for what names only folders above."""
        return {posting.document for posting in self.of(IMPORTED + word)}

    def body(self, group: _Group) -> bytes:
        """What is written of a group."""
        return self._map[group.offset : group.offset + group.size]

    def _postings(self, group: _Group, at: int) -> Iterator[Posting]:
        number = self._map[group.offset : at].count(b"\n")
        starts = group.offset + group.names_size
        first, last = struct.unpack_from("<II", self._map, starts + 4 * number)
        begin = starts + 4 * (group.names + 1) + 2 * _NUMBERS * first
        flat = struct.unpack_from(f"<{_NUMBERS * (last - first)}H", self._map, begin)
        for document, defined, uses in zip(flat[::3], flat[1::3], flat[2::3], strict=True):
            yield Posting(group.first + document, defined & _MOST, uses, defined > _MOST)


def build(target: Path, pack: Pack, version: str, facts: Facts, previous: Sequence[Names] = ()) -> None:
    """Write the index of a pack; what others know is taken over. `version`: of the extraction."""
    known = {group.key: (group, each) for each in reversed(previous) for group in each.groups}
    groups: list[_Group] = []
    passing = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    spans = list(_spans(pack))
    offset = _HEADER.size + _GROUP.size * len(spans)
    try:
        with passing.open("xb") as out:
            os.fchmod(out.fileno(), 0o600)
            out.seek(offset)
            for span in spans:
                key = _key(pack, span, version)
                if key in known:
                    old, holder = known[key]
                    group, body = old._replace(first=span.start, offset=offset), holder.body(old)
                else:
                    parts, body = _indexed(span, facts)
                    group = _Group(key, offset, span.start, *parts)
                out.write(body)
                groups.append(group)
                offset += len(body)
            out.seek(0)
            out.write(_HEADER.pack(_MAGIC, _key_of(pack, version), offset, len(groups)))
            out.write(b"".join(_GROUP.pack(*group) for group in groups))
        passing.replace(target)
    finally:
        passing.unlink(missing_ok=True)


def opened(path: Path, pack: Pack | None = None, version: str = "") -> Names | None:
    """The index if it is there, whole, and of this pack (or of any)."""
    try:
        return Names(path, pack, version)
    except (OSError, ValueError):
        return None


def _spans(pack: Pack) -> Iterator[range]:
    start = 0
    for i in range(len(pack)):
        if crc32(pack.id_bytes(i)) % _ENDS_ONE_IN == 0 or i + 1 - start == _LONGEST or i + 1 == len(pack):
            yield range(start, i + 1)
            start = i + 1


def _key_of(pack: Pack, version: str) -> bytes:
    return hashlib.sha256(f"{VERSION} {version} {pack.id} {len(pack)}".encode()).digest()


def _key(pack: Pack, span: range, version: str) -> bytes:
    """What changes when something of the documents does that facts depend on."""
    state = hashlib.sha256(f"{VERSION} {version}".encode())
    for i in span:
        sha256, _, _, language, flags = pack.description(i)
        state.update(sha256 + language + b"\0" + flags + b"\0")
    return state.digest()


def _indexed(span: range, facts: Facts) -> tuple[tuple[int, int, int], bytes]:
    """(bytes of names, number of names, number of postings), and the bytes of a group."""
    found: dict[str, array[int]] = {}
    for i, text in facts(span):
        for name, numbers in _numbers(i - span.start, names_in(text)):
            found.setdefault(name, array("H")).extend(numbers)
    named = sorted((_encoded(name), numbers) for name, numbers in found.items() if name and "\n" not in name)
    names = b"\n" + b"".join(name + b"\n" for name, _ in named)
    starts, total = array("I", [0]), 0
    for _, flat in named:
        total += len(flat) // _NUMBERS
        starts.append(total)
    sizes = (len(names) + -len(names) % 4, len(named), total)
    return sizes, b"".join((names.ljust(sizes[0], b"\n"), starts, *(flat for _, flat in named)))


def _numbers(document: int, said: DocumentNames) -> Iterator[tuple[str, tuple[int, int, int]]]:
    for name, (defined, uses, imported) in said.names.items():
        yield name, (document, min(defined, _MOST) | (_MOST + 1 if imported else 0), min(uses, _MOST))
    for word in said.modules:
        yield IMPORTED + word, (document, 0, 0)


def _encoded(name: str) -> bytes:
    return name.encode("utf-8", "surrogatepass")
