"""A run's append-only record: one JSON object a line, the single truth for cost, traces, resume and replay."""

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

JSON = Any
SYNCED = frozenset({"run", "outcome"})
"""Kinds that are on the disk when `write` returns: the first and the last of a run."""

PAID = frozenset({"model_reply", "cell_result"})
"""Kinds that are synced at once, beside the loop: what they hold was paid for. A killed process loses none of them; a
machine that loses its power may lose those of the last few milliseconds."""


class Journal(Protocol):
    """Where a run writes down what happens to it, before it is used."""

    def write(self, kind: str, **fields: JSON) -> None:
        """Append one record. Synchronous; the record is on its way to disk when this returns."""
        ...


class JournalBusy(Exception):
    """Another process is writing this journal: its run is under way there."""


class FileJournal:
    """A journal in a file that only its owner can read. One that is there is gone on with; its torn end is cut off.

    Raises JournalBusy while another process holds it.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = path
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._fd)
            raise JournalBusy(str(path)) from error
        self._count = _mended(path, self._fd)
        self._syncs = ThreadPoolExecutor(1, "journal")
        self._sync: Future[None] | None = None

    def write(self, kind: str, **fields: JSON) -> None:
        record = {"n": self._count, "at": round(time.time(), 3), "kind": kind, **fields}
        line = json.dumps(record, ensure_ascii=False, separators=(",", ":"), default=str)
        _write_all(self._fd, line.encode("utf-8", "surrogatepass") + b"\n")
        self._count += 1
        if kind in SYNCED:
            os.fsync(self._fd)
        elif kind in PAID:
            self._sync_soon()

    def close(self) -> None:
        """Everything written is on the disk. Idempotent; raises OSError when the disk refused it."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            self._syncs.shutdown()
            os.close(fd)
            if self._sync:
                self._sync.result()

    def _sync_soon(self) -> None:
        """One that has not begun yet will cover this record too. Raises what the last one failed with."""
        last = self._sync
        if last and last.done():
            last.result()
        if last is None or last.running() or last.done():
            self._sync = self._syncs.submit(os.fsync, self._fd)


def read(path: Path) -> Iterator[dict[str, JSON]]:
    """The records of a journal, oldest first. A torn last line (the writer was killed) is left out."""
    with path.open("rb") as lines:
        for line in lines:
            if not line.endswith(b"\n"):
                return
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if isinstance(record, dict):
                yield record


def is_written(path: Path) -> bool:
    """Whether some process is writing this journal now."""
    with contextlib.suppress(OSError), path.open("rb") as journal:
        try:
            fcntl.flock(journal, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _mended(path: Path, fd: int) -> int:
    """The number of whole lines, after what follows the last of them was cut off."""
    count = size = 0
    with path.open("rb") as lines:
        for line in lines:
            if line.endswith(b"\n"):
                count, size = count + 1, size + len(line)
    os.ftruncate(fd, size)
    return count


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
