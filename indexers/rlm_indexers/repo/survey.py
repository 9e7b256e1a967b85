"""The state of a tree's files, learnt by looking at each and reading only those that changed since the last time."""

import contextlib
import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rlm_indexers import large
from rlm_indexers.corpus import Skipped, SourceDocument
from rlm_indexers.repo import content
from rlm_indexers.repo.files import Status, Tree
from rlm_indexers.repo.listing import SYMLINK, Listed, document_id
from rlm_indexers.repo.stat_cache import Seen, StatCache, now_ns
from rlm_indexers.text import SNIFFED_BYTES, is_binary

READ_AHEAD_BYTES = 64 << 20
"""Up to this many bytes of changed files are read at once to learn whether anything really changed."""


@dataclass(slots=True)
class File:
    """One file of the tree: `seen` is None until its bytes were read."""

    id: str
    path: bytes
    tracked: bool
    status: Status
    seen: Seen | None


@dataclass(slots=True)
class Survey:
    """The files of a tree in order of their ids, and what was left out."""

    tree: Tree
    cache: StatCache
    room: Path
    """Where a copy of a large file has room."""
    algorithm: str = "sha1"
    files: list[File] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    missing: list[bytes] = field(default_factory=list)

    def look(self, listed: Listed) -> None:
        """Take the state of every listed file."""
        self.skipped.extend(listed.skipped)
        for path in listed.paths():
            mode = listed.tracked.get(path)
            name = document_id(path)
            try:
                status = self.tree.status(path)
            except OSError as error:
                self._absent(name, path, error, sparse=path in listed.sparse)
                continue
            reason = status.oddity or self._too_large(path, status)
            if reason == "directory" and mode == SYMLINK:
                reason = "symlink"
            if reason:
                self.skipped.append(Skipped(name, reason))
            else:
                self.files.append(File(name, path, mode is not None, status, self.cache.get(path, status)))
        self.files.sort(key=lambda file: file.id.encode())

    def _too_large(self, path: bytes, status: Status) -> str:
        """Why a file is not read at all; "" when it is. What is large and no text is not read to the end."""
        if status.size <= large.HELD_BYTES or self.cache.get(path, status):
            return ""
        with contextlib.suppress(OSError), self.tree.open(path) as file:
            if status.size > large.MOST_BYTES or is_binary(os.pread(file.fileno(), SNIFFED_BYTES, 0)):
                return f"too-large: {status.size} bytes"
        return ""

    def _absent(self, name: str, path: bytes, error: OSError, *, sparse: bool) -> None:
        if not sparse:
            self.missing.append(path)
        self.skipped.append(Skipped(name, why_unreadable(error)))

    def settle(self) -> bool:
        """Read changed files, if they are few, to learn their hashes; whether all hashes are known then."""
        unknown = [file for file in self.files if file.seen is None]
        held = all(file.status.size <= large.HELD_BYTES for file in unknown)
        if held and sum(file.status.size for file in unknown) <= READ_AHEAD_BYTES:
            for file in unknown:
                self._learn(file)
        return all(file.seen for file in self.files)

    def read(self, file: File) -> SourceDocument | None:
        """What a file holds as a document; None, and the reason in `skipped` or `file.seen`, when it holds none."""
        if file.status.size > large.HELD_BYTES:
            try:
                return self._read_large(file)
            except OSError as error:
                self._drop(file, why_unreadable(error))
                return None
        found = self._learn(file)
        if found is None or file.seen is None or file.seen.verdict:
            return None
        return content.document(file.id, found[0], _flags(file, steady=found[1]))

    def _learn(self, file: File) -> tuple[bytes, bool] | None:
        """The bytes of a file, and whether it held still; `file.seen` is known then."""
        at = now_ns()
        try:
            data, status, steady = self.tree.read(file.path, large.HELD_BYTES)
        except OSError as error:
            self._drop(file, why_unreadable(error))
            return None
        if reason := status.oddity or (f"too-large: {status.size} bytes" if len(data) > large.HELD_BYTES else ""):
            self._drop(file, reason)
            return None
        file.seen = self._judge(data)
        if steady:
            self.cache.record(file.path, status, file.seen, at)
        return data, steady

    def _read_large(self, file: File) -> SourceDocument | None:
        """The same of a file that is not held in memory; while it only grows, what was there at first is taken."""
        at = now_ns()
        with self.tree.open(file.path) as opened:
            status = Status.of(os.fstat(opened.fileno()))
            try:
                found = large.read(opened.fileno(), status.size, self.room, self.algorithm)
                file.seen = Seen(found.sha256, found.oid, "", "")
            except large.NoText as error:
                found, file.seen = None, Seen(error.sha256, error.oid, "", str(error))
            steady = Status.of(os.fstat(opened.fileno())) == status
        if steady:
            self.cache.record(file.path, status, file.seen, at)
        return content.large_document(file.id, found, _flags(file, steady=steady)) if found else None

    def _judge(self, data: bytes) -> Seen:
        name = content.blob_name(data, self.algorithm)
        lf = content.blob_name(data.replace(b"\r\n", b"\n"), self.algorithm) if b"\r\n" in data else ""
        return Seen(content.digest(data), name, lf, content.verdict(data))

    def _drop(self, file: File, reason: str) -> None:
        self.missing.append(file.path)
        self.skipped.append(Skipped(file.id, reason))
        file.seen = Seen("", "", "", "gone")

    def judged(self) -> Iterator[Skipped]:
        """What has no text though it could be read."""
        for file in self.files:
            if file.seen and file.seen.verdict not in ("", "gone"):
                yield Skipped(file.id, file.seen.verdict)


def _flags(file: File, *, steady: bool) -> tuple[str, ...]:
    return (() if steady else ("changed-while-read",)) + (() if file.tracked else ("untracked",))


def why_unreadable(error: OSError) -> str:
    """A slug for what the system said."""
    known = {
        errno.ENOENT: "not-on-disk",
        errno.ELOOP: "symlink",
        errno.ENOTDIR: "symlink",
        errno.ENXIO: "not-a-file",
        errno.EACCES: "unreadable: permission denied",
        errno.ENAMETOOLONG: "unreadable: name too long",
    }
    return known.get(error.errno or 0, f"unreadable: {error.strerror or error}")
