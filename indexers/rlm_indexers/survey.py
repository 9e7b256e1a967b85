"""The state of a tree's files, learnt by looking at each and reading only those that changed since the last time."""

import errno
from collections.abc import Iterator
from dataclasses import dataclass, field

from rlm_indexers import content
from rlm_indexers.corpus import Skipped
from rlm_indexers.files import Status, Tree
from rlm_indexers.listing import SYMLINK, Listed, document_id
from rlm_indexers.stat_cache import Seen, StatCache, now_ns

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
            reason = status.oddity or content.too_large(status.size)
            if reason == "directory" and mode == SYMLINK:
                reason = "symlink"
            if reason:
                self.skipped.append(Skipped(name, reason))
            else:
                self.files.append(File(name, path, mode is not None, status, self.cache.get(path, status)))
        self.files.sort(key=lambda file: file.id.encode())

    def _absent(self, name: str, path: bytes, error: OSError, *, sparse: bool) -> None:
        if not sparse:
            self.missing.append(path)
        self.skipped.append(Skipped(name, why_unreadable(error)))

    def settle(self) -> bool:
        """Read changed files, if they are few, to learn their hashes; whether all hashes are known then."""
        unknown = [file for file in self.files if file.seen is None]
        if sum(file.status.size for file in unknown) <= READ_AHEAD_BYTES:
            for file in unknown:
                self.read(file)
        return all(file.seen for file in self.files)

    def read(self, file: File) -> tuple[bytes, tuple[str, ...]] | None:
        """The bytes of a file and flags of the reading; None, and the reason in `skipped`, when it cannot be read."""
        at = now_ns()
        try:
            data, status, steady = self.tree.read(file.path, content.LARGEST_BYTES)
        except OSError as error:
            self._drop(file, why_unreadable(error))
            return None
        if reason := status.oddity or content.too_large(len(data)):
            self._drop(file, reason)
            return None
        file.seen = self._judge(data)
        if steady:
            self.cache.record(file.path, status, file.seen, at)
        return data, () if steady else ("changed-while-read",)

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
