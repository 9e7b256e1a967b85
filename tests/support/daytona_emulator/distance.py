"""A wire of a given length: a loopback relay that delays bytes, so that every protocol over it pays the same.

Half the round trip each way, order kept, bandwidth untouched. A new connection pays one round trip more, as its
handshake would. Bytes in flight are bounded, so that a slow reader is still felt by the writer.
"""

import asyncio
import contextlib

WINDOW = 8 * 1024 * 1024
READ = 256 * 1024


class Distance:
    """Listens on its own port and relays to `target`, `seconds` of round trip away."""

    def __init__(self, target: int, seconds: float) -> None:
        self.target = target
        self.seconds = seconds
        self.port = 0
        self.server: asyncio.Server | None = None
        self.relays: set[asyncio.Task[None]] = set()

    async def start(self, port: int) -> None:
        self.server = await asyncio.start_server(self.accept, "127.0.0.1", port, limit=READ)
        self.port = self.server.sockets[0].getsockname()[1]

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.relays.add(task)
        task.add_done_callback(self.relays.discard)
        await asyncio.sleep(self.seconds)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target, limit=READ)
            await asyncio.gather(
                Way(self.seconds / 2).carry(reader, far_writer), Way(self.seconds / 2).carry(far_reader, writer)
            )

    async def stop(self) -> None:
        if self.server is not None:
            self.server.close()
        for task in list(self.relays):
            task.cancel()
        await asyncio.gather(*self.relays, return_exceptions=True)


class Way:
    """One direction of one connection."""

    def __init__(self, delay: float) -> None:
        self.delay = delay
        self.queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        self.flying = 0
        self.landed = asyncio.Event()

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        landing = asyncio.create_task(self.land(writer))
        try:
            await self.take_off(reader)
            await landing
        finally:
            landing.cancel()
            writer.close()

    async def take_off(self, reader: asyncio.StreamReader) -> None:
        loop = asyncio.get_running_loop()
        data = b"?"
        while data:
            try:
                data = await reader.read(READ)
            except OSError:
                data = b""
            self.flying += len(data)
            self.queue.put_nowait((loop.time() + self.delay, data))
            while self.flying > WINDOW:
                self.landed.clear()
                await self.landed.wait()

    async def land(self, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due, data = await self.queue.get()
            if (early := due - loop.time()) > 0:
                await asyncio.sleep(early)
            if not data:
                return
            with contextlib.suppress(OSError):
                writer.write(data)
                await writer.drain()
            self.flying -= len(data)
            self.landed.set()
