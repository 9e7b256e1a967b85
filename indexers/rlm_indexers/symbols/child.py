"""The program in a worker's own process: units of documents in on standard input, facts out on standard output.

It bounds itself before it reads the first byte that is not ours.
"""

import os
import resource
from typing import Any, BinaryIO

from rlm_indexers.converters import frames
from rlm_indexers.symbols.units import kept_facts

UNIT_BYTES = 1 << 30
TOGETHER_BYTES = 64 << 10
"""Of documents whose answers are sent together: a write, and the parent woken up, for each would cost too much."""


def main(arguments: list[str]) -> None:
    """Answer units until the input ends. The one argument: bytes of memory."""
    bound(int(arguments[0]))
    source, sink = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb", 1 << 20)
    os.dup2(2, 1)  # whatever a library prints is no frame
    sink.write(frames.pack({}, b""))  # so that the time it took to start is not the first document's
    sink.flush()
    while True:
        try:
            header, body = frames.read(_reader(source), UNIT_BYTES)
        except EOFError:
            return
        _answer(header["documents"], memoryview(body), sink, 0 if header["singly"] else TOGETHER_BYTES)


def bound(memory_bytes: int) -> None:
    """Set what this process may use, for good: memory, no core dump, nothing written."""
    for kind, value in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
    ):
        resource.setrlimit(kind, (value, value))


def _answer(documents: list[tuple[str, int]], body: memoryview, sink: BinaryIO, together: int) -> None:
    """One frame per document, those of small ones sent together: what kills us comes soon after the last."""
    start = behind = 0
    for language, size in documents:
        if behind + size > together:
            sink.flush()
            behind = 0
        rows, failure, facts = kept_facts(language, bytes(body[start : start + size]))
        sink.write(frames.pack({"rows": len(rows), "failure": failure}, rows + facts))
        start += size
        behind += size
    sink.flush()


def _reader(source: BinaryIO) -> Any:
    def exactly(count: int) -> bytes:
        data = source.read(count)
        if len(data) < count:
            raise EOFError
        return data

    return exactly
