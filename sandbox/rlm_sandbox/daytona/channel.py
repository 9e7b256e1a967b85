"""A Channel to a runner in the cloud. A broken connection is mended without the session noticing."""

import asyncio
import contextlib
import logging
from collections import deque
from dataclasses import replace

from rlm_sandbox.daytona.door import LOST, CloudError
from rlm_sandbox.daytona.inside.stream import DATA, END, INTERRUPT, LINE_BYTES, WINDOW, Stream
from rlm_sandbox.daytona.line import Line
from rlm_sandbox.daytona.patience import Patience

log = logging.getLogger(__name__)
TAKEN_LINES, TAKEN_BYTES = 32, 256 * 1024
"""After so many lines or bytes the bridge hears that they were taken."""

HELD_BYTES = 2 * WINDOW
OUTBOX_LINES = 2_000
"""A bridge of ours never goes beyond these: whoever does is not believed any further."""

MENDING_TRIES = 14
"""About two minutes with the usual patience: a train's tunnel, a change of networks."""

BARREN = 3
"""Connections in a row that brought nothing: then the line is given up."""


class CloudChannel:
    """See channel.Channel. Open it with `await CloudChannel(…).open()`."""

    def __init__(self, line: Line, prefix: bytes, patience: Patience) -> None:
        self._line = line
        self._mending = replace(patience, tries=MENDING_TRIES, longest_wait=min(patience.longest_wait, 10.0))
        self._stream = Stream(prefix)
        self._inbox: deque[tuple[int, bytes]] = deque()
        self._news = asyncio.Event()
        self._outbox: asyncio.Queue[bytes] = asyncio.Queue()
        self._room = asyncio.Event()
        self._spoken = asyncio.Event()
        self._since = [0, 0]
        self._held = 0
        self._words = ""
        self._over = False
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> "CloudChannel":
        """Itself, with the bridge started. Raises CloudError."""
        await self._line.open(self._hear)
        self._tasks = [asyncio.create_task(self._tend()), asyncio.create_task(self._speak())]
        return self

    @property
    def over(self) -> bool:
        """Whether the runner is gone."""
        return self._over

    async def spoken(self) -> None:
        """Returns when the bridge has been heard, or is gone."""
        await self._spoken.wait()

    # Channel

    async def send(self, data: bytes) -> None:
        for start in range(0, len(data), LINE_BYTES):
            self._outbox.put_nowait(self._stream.say(DATA, data[start : start + LINE_BYTES]))
            while self._stream.on_the_way > WINDOW and not self._over:
                self._room.clear()
                await self._room.wait()

    async def receive(self) -> bytes:
        while not self._inbox and not self._over:
            self._news.clear()
            await self._news.wait()
        parts = list(self._inbox)
        self._inbox.clear()
        self._held = 0
        if parts:
            self._take(parts[-1][0], len(parts), sum(len(data) for _, data in parts))
        return b"".join(data for _, data in parts)

    async def interrupt(self) -> None:
        self._outbox.put_nowait(self._stream.say(INTERRUPT))

    async def kill(self) -> None:
        if self._tasks:
            tasks, self._tasks = self._tasks, []
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            try:
                await self._line.kill()
            except CloudError as error:
                if error.status not in LOST:
                    log.info("could not end a runner in the cloud: %s It ends with its sandbox.", error)
        self._finish("")

    async def epitaph(self) -> str:
        return self._words

    def cpu_seconds(self) -> float | None:
        return None

    # The line

    def _hear(self, data: bytes) -> None:
        """Called for all that the line brings, as it brings it: never waits, so that the line is always drained."""
        for number, kind, body in self._stream.feed(data):
            if kind == DATA and body and not self._over:
                self._inbox.append((number, body))
                self._held += len(body)
            elif kind == END:
                self._finish(body.decode(errors="replace"))
            self._news.set()
            self._spoken.set()
        for answer in self._stream.answers:
            self._outbox.put_nowait(answer)
        self._stream.answers.clear()
        self._room.set()
        if self._held > HELD_BYTES or self._outbox.qsize() > OUTBOX_LINES:
            self._finish("more than it may send")

    def _take(self, number: int, lines: int, size: int) -> None:
        self._since[0] += lines
        self._since[1] += size
        if self._since[0] >= TAKEN_LINES or self._since[1] >= TAKEN_BYTES:
            self._since = [0, 0]
            self._outbox.put_nowait(self._stream.taken(number))

    async def _speak(self) -> None:
        while True:
            data = await self._outbox.get()
            # What cannot be sent now is kept by the stream, and sent again once the line is mended.
            with contextlib.suppress(CloudError):
                await self._line.send(data)

    async def _tend(self) -> None:
        """Mend the line until the bridge is gone, or nothing more comes of mending."""
        barren = 0
        while not await self._line.ended():
            barren = 0 if self._spoken.is_set() else barren + 1
            if barren > BARREN:
                break
            self._spoken.clear()
            try:
                await self._mending.keep_trying(lambda: self._line.again(self._hear))
            except CloudError as error:
                self._finish(f"the connection was lost: {error}")
                return
            log.info("the connection to a runner in the cloud was lost, and is mended")
            self._outbox.put_nowait(self._stream.resume())
        self._finish(self._words or "its terminal ended")

    def _finish(self, words: str) -> None:
        self._words = self._words or words
        self._over = True
        self._news.set()
        self._room.set()
        self._spoken.set()
