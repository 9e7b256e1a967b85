"""What was found in a file when it last looked like this: so that an unchanged file is not read again.

An entry is believed only when size, times, inode and device agree, and the file had rested for two seconds when it was
read: a change within the grain of a clock would otherwise go unseen.
"""

import contextlib
import sqlite3
import time
from array import array
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import NamedTuple

from rlm_indexers.repo.files import Status

RESTED_NS = 2_000_000_000
FEW = 32
FEW_BYTES = 1 << 20
_SCHEMA = """
CREATE TABLE IF NOT EXISTS trees (
    root TEXT PRIMARY KEY, numbers BLOB NOT NULL, paths BLOB NOT NULL, texts TEXT NOT NULL
)
"""
_NUMBERS = 6
"""Of each file: size, mtime_ns, ctime_ns, inode, device, and when it was read."""
_TEXTS = 4


class Seen(NamedTuple):
    """What a file held: hashes of its raw bytes, and why it has no text in a corpus ("" when it has)."""

    sha256: str
    oid: str
    """Its name as a git blob."""
    oid_lf: str
    """The same with CRLF as LF: what git stores when it converts line ends; "" when there are none."""
    verdict: str


Entry = tuple[tuple[int, ...], Seen]
"""The numbers of a file as it was read, and what it held."""


class StatCache:
    """Entries of one root, loaded at once; what is recorded is written by `save`. One row holds a whole tree."""

    def __init__(self, database: Path, root: str) -> None:
        self._database = database
        self._root = root
        self._known = self._load()
        self._new: dict[bytes, Entry] = {}

    def get(self, path: bytes, status: Status) -> Seen | None:
        """What the file holds, if it must still be so."""
        entry = self._known.get(path)
        if entry is None or entry[0][:5] != status[1:]:
            return None
        rested = entry[0][5] - RESTED_NS
        return entry[1] if status.mtime_ns < rested and status.ctime_ns < rested else None

    def record(self, path: bytes, status: Status, seen: Seen, read_at_ns: int) -> None:
        """Remember what was read at that time (`time.time_ns`, taken before the reading)."""
        self._new[path] = ((*status[1:], read_at_ns), seen)

    def save(self, present: Collection[bytes]) -> None:
        """Write what was recorded, forget what is no longer there. A cache that cannot be written is no failure.

        A few small files are sooner read again than all entries written: they wait until there are more.
        """
        if self._known and len(self._new) <= FEW and sum(entry[0][0] for entry in self._new.values()) <= FEW_BYTES:
            return
        known = {path: entry for path, entry in self._known.items() if path in present} | self._new
        with contextlib.suppress(sqlite3.Error, OverflowError, UnicodeEncodeError):
            row = (self._root, *_packed(known))
            with contextlib.closing(self._open()) as database, database:
                database.execute("INSERT OR REPLACE INTO trees VALUES (?, ?, ?, ?)", row)

    def _load(self) -> dict[bytes, Entry]:
        query = "SELECT numbers, paths, texts FROM trees WHERE root = ?"
        with contextlib.suppress(sqlite3.Error, ValueError), contextlib.closing(self._open()) as database:
            row = database.execute(query, (self._root,)).fetchone()
            return _unpacked(*row) if row else {}
        return {}

    def _open(self) -> sqlite3.Connection:
        database = sqlite3.connect(self._database, timeout=10)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute(_SCHEMA)
        return database


def _packed(known: dict[bytes, Entry]) -> tuple[bytes, bytes, str]:
    numbers = array("q")
    for entry in known.values():
        numbers.extend(entry[0])
    texts = (text.replace("\n", " ") for _, seen in known.values() for text in seen)
    return numbers.tobytes(), b"\0".join(known), "\n".join(texts)


def _unpacked(numbers: bytes, paths: bytes, texts: str) -> dict[bytes, Entry]:
    """Raises ValueError when the parts do not fit each other."""
    read = iter(array("q", numbers))
    said = iter(texts.split("\n"))
    looks: Iterable[tuple[int, ...]] = zip(*[read] * _NUMBERS, strict=True)
    seen = map(Seen._make, zip(*[said] * _TEXTS, strict=True))
    return dict(zip(paths.split(b"\0"), zip(looks, seen, strict=True), strict=True))


def now_ns() -> int:
    return time.time_ns()
