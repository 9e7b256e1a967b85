"""DaytonaEmulator: the whole thing in a thread of its own, with what a test asks of it."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, TypeVar

from aiohttp import web

from tests.support.daytona_emulator.control import Control, failure
from tests.support.daytona_emulator.distance import Distance
from tests.support.daytona_emulator.execute import Execute
from tests.support.daytona_emulator.faults import Faults, Manner
from tests.support.daytona_emulator.files import Files
from tests.support.daytona_emulator.record import EXCHANGE, Exchange, Record
from tests.support.daytona_emulator.terminals import Terminals
from tests.support.daytona_emulator.world import SANDBOX, Sandbox, World

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
T = TypeVar("T")
TOOLBOX = "/toolbox/{sandbox}"
KEY = "emulated-key"
TICK = 0.02


class DaytonaEmulator:
    """A Daytona on loopback: `with DaytonaEmulator(latency=0.04) as emulator:`, then `emulator.url`, `emulator.key`.

    `latency` is the round-trip time in seconds, `minute` how long a minute lasts (for time to live and auto-stop),
    `faithful` the daemon's own pace and limits.
    """

    def __init__(
        self, *, latency: float = 0.0, faithful: bool = True, minute: float = 60.0, port: int = 0, key: str = KEY
    ) -> None:
        self.latency = latency
        self.key = key
        self.wanted_port = port
        self.world = World(minute)
        self.faults = Faults()
        self.record = Record()
        self.terminals = Terminals(self.faults, faithful=faithful)
        self.execute = Execute(faithful=faithful)
        self.url = ""
        self.thread = threading.Thread(target=lambda: asyncio.run(self.serve()), name="daytona-emulator", daemon=True)
        self.loop: asyncio.AbstractEventLoop | None = None
        self.ready = threading.Event()

    def __enter__(self) -> Self:
        self.thread.start()
        if not self.ready.wait(30):
            raise RuntimeError("the Daytona emulator did not start within 30 s")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop, and end every process and folder of its sandboxes."""
        if self.loop is not None and self.thread.is_alive():
            self.loop.call_soon_threadsafe(self.stopping.set)
            self.thread.join(30)

    # What a test asks of it, from its own thread.

    def sandboxes(self, **labels: str) -> list[Sandbox]:
        """Those that exist and carry the labels."""
        return [one for one in list(self.world.sandboxes.values()) if labels.items() <= one.labels.items()]

    def lose(self, sandbox: Sandbox, state: str = "destroyed") -> None:
        """The sandbox goes under us: `error`, `stopped` or `destroyed`, its processes with it."""
        self.run(self.in_state(sandbox, state))

    def cut_terminals(self) -> int:
        """Drop every open terminal connection within a frame; returns how many there were."""
        return self.run(self.cut())

    async def in_state(self, sandbox: Sandbox, state: str) -> None:
        if state == "destroyed":
            self.world.destroy(sandbox)
        else:
            self.world.stop(sandbox, state)

    async def cut(self) -> int:
        return self.terminals.cut_all()

    def run(self, task: Coroutine[Any, Any, T]) -> T:
        assert self.loop is not None
        return asyncio.run_coroutine_threadsafe(task, self.loop).result(30)

    # The server.

    async def serve(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.stopping = asyncio.Event()
        runner = web.AppRunner(self.application(), shutdown_timeout=0.2)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0 if self.latency else self.wanted_port).start()
        port = runner.addresses[0][1]
        far = Distance(port, self.latency) if self.latency else None
        if far is not None:
            await far.start(self.wanted_port)
            port = far.port
        self.url = f"http://127.0.0.1:{port}/api"
        self.world.toolbox = f"http://127.0.0.1:{port}/toolbox"
        self.ready.set()
        await self.live()
        self.world.close()
        if far is not None:
            await far.stop()
        await runner.cleanup()

    async def live(self) -> None:
        while not self.stopping.is_set():
            self.world.tick(time.time())
            with suppress(TimeoutError):
                await asyncio.wait_for(self.stopping.wait(), TICK)

    def application(self) -> web.Application:
        app = web.Application(middlewares=[self.recorded, self.faulty, self.admitted])
        app.add_routes(Control(self.world, self.faults).routes())
        for room in (Files(self.faults), self.execute, self.terminals):
            app.add_routes(room.routes(TOOLBOX))
        return app

    @web.middleware
    async def recorded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        exchange = Exchange(request.method, request.path)
        request[EXCHANGE] = exchange
        self.record.exchanges.append(exchange)
        try:
            answer = await handler(request)
            exchange.status = answer.status
        except web.HTTPException as error:
            exchange.status = error.status
            raise
        finally:
            exchange.received = exchange.received or request.content.total_bytes
        if isinstance(answer, web.Response) and not exchange.websocket:
            exchange.sent = len(answer.body) if isinstance(answer.body, bytes) else 0
        return answer

    @web.middleware
    async def faulty(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        fault = self.faults.take(request.method, request.path)
        if fault is None:
            return await handler(request)
        if fault.manner is Manner.REPLY:
            refusal = failure(fault.status, f"planned fault {fault.status}")
            refusal.headers.update(fault.headers)
            return refusal
        answer = await handler(request)
        if request.transport is not None:
            request.transport.abort()
        return answer

    @web.middleware
    async def admitted(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Only with the key; toolbox routes only while their sandbox runs."""
        if request.path.startswith("/api/socket.io"):
            return failure(404, "no event gateway here: the SDK falls back to polling")
        if request.headers.get("Authorization") != f"Bearer {self.key}":
            return failure(401, "Unauthorized")
        name = request.match_info.get("sandbox")
        if name is not None:
            found = self.world.find(name)
            if found is None:
                return failure(404, f"Sandbox {name} not found")
            if found.state != "started":
                return failure(400, f"Sandbox {name} is not running: {found.state}")
            found.active = time.time()
            request[SANDBOX] = found
        return await handler(request)
