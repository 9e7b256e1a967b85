"""A transcript file as records with their place in it: one line each, streamed, whatever the lines are like."""

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

OVERSIZE = 64 * 1024 * 1024
"""A line above this is marked, not read: to parse it would take several times its size in memory."""
_CHUNK = 1 << 20


class Record(NamedTuple):
    """One line without its end. `data` is empty when the line is oversize; `whole` says whether its end was there."""

    number: int
    offset: int
    length: int
    data: bytes
    whole: bool


@dataclass(frozen=True, slots=True)
class Opened:
    """A file as it was at one moment: what is appended meanwhile belongs to the next load."""

    file: BinaryIO
    size: int
    sha256: str


def open_regular(path: Path) -> BinaryIO:
    """The file for reading, provided it is a regular one and not a link. OSError otherwise."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError("no regular file")
    return os.fdopen(descriptor, "rb", buffering=_CHUNK)


def opened(file: BinaryIO) -> Opened:
    """The file with its size now and the hash of so many bytes, rewound."""
    size = os.fstat(file.fileno()).st_size
    digest, left = hashlib.sha256(), size
    while left and (chunk := file.read(min(left, _CHUNK))):
        digest.update(chunk)
        left -= len(chunk)
    file.seek(0)
    return Opened(file, size - left, digest.hexdigest())


def records(source: Opened, oversize: int = OVERSIZE) -> Iterator[Record]:
    """Every line that is not blank, in order; numbers are 1-based and count all lines, offsets are in bytes."""
    file, size = source.file, source.size
    offset = number = 0
    while offset < size:
        number += 1
        line = file.readline(min(oversize + 1, size - offset))
        if not line:
            return
        length, whole = len(line), line.endswith(b"\n")
        if not whole and length > oversize:
            length, whole = _skip_line(file, length, size - offset)
            line = b""
        taken = length - whole
        if not line or not line.isspace():
            yield Record(number, offset, taken, line[:taken] if line else b"", whole)
        offset += length


def _skip_line(file: BinaryIO, length: int, left: int) -> tuple[int, bool]:
    """Read on to the end of the line; its length so far, and whether it had an end."""
    while length < left:
        chunk = file.readline(min(_CHUNK, left - length))
        if not chunk:
            break
        length += len(chunk)
        if chunk.endswith(b"\n"):
            return length, True
    return length, False
