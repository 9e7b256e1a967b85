"""A run's append-only record: one JSON object a line, the single truth for cost, traces, resume and replay."""

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


class FileJournal:
    """A journal in a file that only its owner can read."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = path
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._count = 0

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


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
