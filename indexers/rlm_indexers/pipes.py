"""Talking to a throw-away process of ours over its pipes: each wait is bounded, for the other end may hang or die."""

import contextlib
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import IO

CHUNK = 1 << 20


def started(arguments: Sequence[str], *, own_group: bool = False) -> subprocess.Popen[bytes]:
    """Our interpreter, isolated, with an empty environment and non-blocking pipes; `own_group`: killed as one."""
    process = subprocess.Popen(
        [sys.executable, "-I", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
        cwd="/",
        env={},
        start_new_session=own_group,
    )
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            os.set_blocking(pipe.fileno(), False)
    return process


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill it, wait for it, close its pipes."""
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()


def write(pipe: IO[bytes], data: bytes, deadline: float) -> None:
    """Hand over all of `data`. TimeoutError past the deadline (monotonic seconds), EOFError when nobody reads."""
    view = memoryview(data)
    while view:
        _wait(pipe, selectors.EVENT_WRITE, deadline)
        try:
            view = view[os.write(pipe.fileno(), view[:CHUNK]) :]
        except BrokenPipeError:
            raise EOFError from None


def reader(pipe: IO[bytes] | None, deadline: float) -> Callable[[int], bytes]:
    """A function that reads exactly so many bytes. TimeoutError past the deadline, EOFError at the end."""
    return Reader(pipe).until(deadline)


class Reader:
    """Reads what comes out of a pipe, more than is asked for at a time where more is there."""

    def __init__(self, pipe: IO[bytes] | None) -> None:
        self._pipe = pipe
        self._held = bytearray()

    def until(self, deadline: float) -> Callable[[int], bytes]:
        """A function that reads exactly so many bytes. TimeoutError past the deadline, EOFError at the end."""
        return partial(self._exactly, deadline)

    def _exactly(self, deadline: float, count: int) -> bytes:
        held = self._held
        while len(held) < count:
            held += self._more(deadline)
        taken = bytes(held[:count])
        del held[:count]
        return taken

    def _more(self, deadline: float) -> bytes:
        if self._pipe is None:
            raise EOFError
        _wait(self._pipe, selectors.EVENT_READ, deadline)
        chunk = os.read(self._pipe.fileno(), CHUNK)
        if not chunk:
            raise EOFError
        return chunk


def _wait(pipe: IO[bytes], event: int, deadline: float) -> None:
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, event)
        if not selector.select(max(0.0, deadline - time.monotonic())):
            raise TimeoutError
