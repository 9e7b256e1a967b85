"""Files of an untrusted tree, read so that nothing outside it is: no symbolic link is followed, parent or file."""

import errno
import os
import stat
from pathlib import Path
from typing import IO, NamedTuple, Self

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""Not blocking: opening a FIFO would wait for its writer."""
TRIES = 3
HELD_FOLDERS = 32
"""Folders that stay open on the way to a file; what lies deeper is opened anew for each folder."""


class Status(NamedTuple):
    """What tells one state of a file from the next, and what kind of thing it is."""

    mode: int
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    device: int

    @classmethod
    def of(cls, found: os.stat_result) -> Self:
        return cls(found.st_mode, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_dev)

    @property
    def oddity(self) -> str:
        """Why this is nothing to read: `symlink`, `directory`, `not-a-file`; "" for a regular file."""
        if stat.S_ISREG(self.mode):
            return ""
        if stat.S_ISLNK(self.mode):
            return "symlink"
        return "directory" if stat.S_ISDIR(self.mode) else "not-a-file"


class Tree:
    """The files below one folder, by their relative path as bytes. Errors are OSError; ELOOP or ENOTDIR: a symlink."""

    def __init__(self, root: Path) -> None:
        self._root = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._held: list[tuple[bytes, int]] = []
        """The folders on the way to the last file: names and descriptors."""
        self._deep = -1
        """The descriptor of a folder deeper than may be held."""
        self._parent, self._folder = b"", self._root

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._leave()
        os.close(self._root)

    def status(self, path: bytes) -> Status:
        folder, name = self._enter(path)
        return Status.of(os.stat(name, dir_fd=folder, follow_symlinks=False))

    def open(self, path: bytes) -> IO[bytes]:
        """A regular file, for those who read it in pieces; OSError for anything else."""
        folder, name = self._enter(path)
        file = os.fdopen(os.open(name, _FILE, dir_fd=folder), "rb", buffering=0)
        if Status.of(os.fstat(file.fileno())).oddity:
            file.close()
            raise OSError(errno.ENXIO, "no regular file any more")
        return file

    def read(self, path: bytes, limit: int) -> tuple[bytes, Status, bool]:
        """The bytes (at most `limit` + 1), the state they are of, and whether the file held still while it was read."""
        folder, name = self._enter(path)
        descriptor = os.open(name, _FILE, dir_fd=folder)
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            for _ in range(TRIES):
                before = Status.of(os.fstat(descriptor))
                if before.oddity:
                    return b"", before, True
                data = _read_all(file.fileno(), limit + 1)
                if Status.of(os.fstat(descriptor)) == before and len(data) == min(before.size, limit + 1):
                    return data, before, True
        return data, before, False

    def _enter(self, path: bytes) -> tuple[int, bytes]:
        """The descriptor of the folder that holds a path, opened step by step, and the name in it."""
        parent, _, name = path.rpartition(b"/")
        if parent != self._parent:
            self._descend(parent.split(b"/") if parent else [])
            self._parent = parent
        return self._folder, name

    def _descend(self, parts: list[bytes]) -> None:
        """Go to a folder: back to where the way to it parts from the present one, then down."""
        if not {b"", b".", b".."}.isdisjoint(parts):
            raise OSError(f"{parts!r} is no path below the root")
        same = 0
        while same < min(len(parts), len(self._held)) and self._held[same][0] == parts[same]:
            same += 1
        self._leave(same)
        try:
            for part in parts[same:HELD_FOLDERS]:
                self._folder = os.open(part, _FOLDER, dir_fd=self._folder)
                self._held.append((part, self._folder))
            for part in parts[HELD_FOLDERS:]:
                self._dive(part)
        except OSError:
            self._leave(same)
            raise

    def _dive(self, part: bytes) -> None:
        above, self._deep = self._deep, os.open(part, _FOLDER, dir_fd=self._folder)
        self._folder = self._deep
        if above >= 0:
            os.close(above)

    def _leave(self, kept: int = 0) -> None:
        """Close all but the first folders that are held."""
        if self._deep >= 0:
            os.close(self._deep)
            self._deep = -1
        while len(self._held) > kept:
            os.close(self._held.pop()[1])
        self._folder = self._held[-1][1] if self._held else self._root
        self._parent = b"/"  # no folder's name: where we are is not known before the next descent


def _read_all(descriptor: int, limit: int) -> bytes:
    """Up to `limit` bytes from the start."""
    parts: list[bytes] = []
    at = 0
    while at < limit and (part := os.pread(descriptor, min(1 << 20, limit - at), at)):
        parts.append(part)
        at += len(part)
    return b"".join(parts)
