"""The transport seam: what a provider must offer for `session.WireSession` to do the rest.

A provider starts the runner somewhere (`program.text()` is all of it, as one file), hands over a Channel to it, and
says in the start message how the blob is reached and which layers of the lock are wanted. Frames, caps, host calls,
time limits, replay and results live on this side of the seam, once, in `link.py` and `session.py`.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Protocol


class Channel(Protocol):
    """Bytes to and from one runner, in order. Chunk borders mean nothing; frames are found in `wire.py`."""

    async def send(self, data: bytes) -> None:
        """Returns when the data is on its way and the transport wants more. Called by one task at a time."""
        ...

    async def receive(self) -> bytes:
        """The next bytes, or b"" for ever once the runner is gone. Losing the transport is the same as that."""
        ...

    async def interrupt(self) -> None:
        """SIGINT to the runner's process. It must come from outside: a regex that hangs never reads a frame."""
        ...

    async def kill(self) -> None:
        """End the runner now; returns when it can run no more. Idempotent, also when it is gone already."""
        ...

    async def epitaph(self) -> str:
        """After the end: how the process ended, in words, as far as the transport can know; else an empty string."""
        ...

    def cpu_seconds(self) -> float | None:
        """Processor time the runner has used, or None where that cannot be read from outside."""
        ...


Launch = Callable[[], Awaitable[Channel]]
"""Starts one more runner. Raises SandboxUnavailable."""


class StreamChannel:
    """The byte half of a Channel over a pair of asyncio streams; a provider adds signals and death."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def send(self, data: bytes) -> None:
        # A runner that has gone is noticed by receive(), which every session listens to.
        with contextlib.suppress(ConnectionError):
            self._writer.write(data)
            await self._writer.drain()

    async def receive(self) -> bytes:
        try:
            return await self._reader.read(1 << 16)
        except ConnectionError:
            return b""

    async def close_streams(self) -> None:
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()
