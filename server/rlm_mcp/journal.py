"""A run's append-only record: one JSON object a line, the single truth for cost, traces, resume and replay."""

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

JSON = Any
DURABLE = frozenset({"run", "model_reply", "cell_result", "outcome"})
"""Kinds after which the file is synced: what they hold was paid for, or ends the run."""


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
            self.close()
            raise JournalBusy(str(path)) from error
        self._count = _mended(path, self._fd)

    def write(self, kind: str, **fields: JSON) -> None:
        record = {"n": self._count, "at": round(time.time(), 3), "kind": kind, **fields}
        line = json.dumps(record, ensure_ascii=False, separators=(",", ":"), default=str)
        _write_all(self._fd, line.encode("utf-8", "surrogatepass") + b"\n")
        self._count += 1
        if kind in DURABLE:
            os.fsync(self._fd)

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


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
