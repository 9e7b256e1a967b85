"""What was found in a file when it last looked like this: so that an unchanged file is not read again.

An entry is believed only when size, times, inode and device agree, and the file had rested for two seconds when it was
read: a change within the grain of a clock would otherwise go unseen.
"""

import contextlib
import sqlite3
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rlm_indexers.files import Status

RESTED_NS = 2_000_000_000
_SCHEMA = """
CREATE TABLE IF NOT EXISTS files (
    root TEXT NOT NULL, path BLOB NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    ctime_ns INTEGER NOT NULL, inode INTEGER NOT NULL, device INTEGER NOT NULL, recorded_ns INTEGER NOT NULL,
    sha256 TEXT NOT NULL, oid TEXT NOT NULL, oid_lf TEXT NOT NULL, verdict TEXT NOT NULL, PRIMARY KEY (root, path)
) WITHOUT ROWID
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a file held: hashes of its raw bytes, and why it has no text in a corpus ("" when it has)."""

    sha256: str
    oid: str
    """Its name as a git blob."""
    oid_lf: str
    """The same with CRLF as LF: what git stores when it converts line ends; "" when there are none."""
    verdict: str


class StatCache:
    """Entries of one root, loaded at once; what is recorded is written by `save`."""

    def __init__(self, database: Path, root: str) -> None:
        self._database = database
        self._root = root
        self._known = self._load()
        self._new: dict[bytes, tuple[Status, int, Seen]] = {}

    def get(self, path: bytes, status: Status) -> Seen | None:
        """What the file holds, if it must still be so."""
        entry = self._known.get(path)
        if entry is None:
            return None
        looks = (status.size, status.mtime_ns, status.ctime_ns, status.inode, status.device)
        rested = entry[5] - RESTED_NS > max(status.mtime_ns, status.ctime_ns)
        return Seen(*entry[6:]) if entry[:5] == looks and rested else None

    def record(self, path: bytes, status: Status, seen: Seen, read_at_ns: int) -> None:
        """Remember what was read at that time (`time.time_ns`, taken before the reading)."""
        self._new[path] = (status, read_at_ns, seen)

    def save(self, present: Iterable[bytes]) -> None:
        """Write what was recorded, forget what is no longer there. A cache that cannot be written is no failure."""
        gone = set(self._known).difference(present)
        if not gone and not self._new:
            return
        rows = [
            (
                self._root,
                path,
                s.size,
                s.mtime_ns,
                s.ctime_ns,
                s.inode,
                s.device,
                at,
                f.sha256,
                f.oid,
                f.oid_lf,
                f.verdict,
            )
            for path, (s, at, f) in self._new.items()
        ]
        with contextlib.suppress(sqlite3.Error), contextlib.closing(self._open()) as database, database:
            database.executemany("DELETE FROM files WHERE root = ? AND path = ?", ((self._root, path) for path in gone))
            database.executemany("INSERT OR REPLACE INTO files VALUES (?,?,?,?,?,?,?,?,?,?,?,?)", rows)

    def _load(self) -> dict[bytes, tuple[int, int, int, int, int, int, str, str, str, str]]:
        columns = "path, size, mtime_ns, ctime_ns, inode, device, recorded_ns, sha256, oid, oid_lf, verdict"
        with contextlib.suppress(sqlite3.Error), contextlib.closing(self._open()) as database:
            rows = database.execute(f"SELECT {columns} FROM files WHERE root = ?", (self._root,))  # noqa: S608
            return {row[0]: row[1:] for row in rows}
        return {}

    def _open(self) -> sqlite3.Connection:
        database = sqlite3.connect(self._database, timeout=10)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute(_SCHEMA)
        return database


def now_ns() -> int:
    return time.time_ns()
