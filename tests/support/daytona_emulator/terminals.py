"""The toolbox's terminals: a real PTY with a shell, its bytes over a websocket, as the daemon does it.

A terminal outlives its websocket until it is deleted or its shell ends. In faithful mode a message to it is at most
64 KiB, and a client that is 256 chunks of 32 KiB behind is dropped.
"""

import asyncio
import base64
import contextlib
import fcntl
import json
import os
import shutil
import struct
import termios
from dataclasses import dataclass, field
from datetime import UTC, datetime

from aiohttp import WSCloseCode, WSMessage, WSMsgType, web

from tests.support.daytona_emulator.control import failure
from tests.support.daytona_emulator.faults import Faults
from tests.support.daytona_emulator.record import EXCHANGE, Exchange
from tests.support.daytona_emulator.world import SANDBOX, Sandbox, kill_session

CHUNK = 32 * 1024
QUEUE = 256
MESSAGE = 64 * 1024
ENVS = "X-Daytona-Pty-Envs~"
EXIT_CONTROL = "X-Daytona-Pty-Exit-Control"


@dataclass(eq=False)
class Client:
    """One websocket on a terminal."""

    socket: web.WebSocketResponse
    request: web.Request
    queue: asyncio.Queue[bytes | None]
    wants_exit: bool
    cut_after: int | None = None

    @property
    def exchange(self) -> Exchange:
        return self.request[EXCHANGE]

    def cut(self) -> None:
        """End the connection within a frame: a header that promises 4,096 bytes, ten of them, and no more."""
        if self.request.transport is not None:
            self.request.transport.write(b"\x82\x7e\x10\x00" + b"x" * 10)
            self.request.transport.close()


@dataclass(eq=False)
class Terminal:
    """A shell on a PTY, and who watches it."""

    id: str
    sandbox: Sandbox
    cwd: str
    envs: dict[str, str]
    cols: int
    rows: int
    limit: int
    master: int = -1
    process: asyncio.subprocess.Process | None = None
    clients: set[Client] = field(default_factory=set)
    exit_code: int | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    outbox: bytearray = field(default_factory=bytearray)
    drained: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self) -> None:
        self.master, tty = os.openpty()
        fcntl.ioctl(tty, termios.TIOCSWINSZ, struct.pack("HHHH", self.rows, self.cols, 0, 0))
        shell = shutil.which("bash") or "sh"
        flags = "--norc --noprofile" if shell.endswith("bash") else ""
        # A session leader that opens a terminal gets it as its controlling one: no code between fork and exec needed.
        self.process = await asyncio.create_subprocess_exec(
            "sh",
            "-c",
            f'exec {shell} {flags} -i <"$0" >"$0" 2>&1',
            os.ttyname(tty),
            cwd=self.sandbox.path(self.cwd),
            env=self.sandbox.environment(self.envs),
            start_new_session=True,
        )
        os.set_blocking(self.master, False)
        self.sandbox.leaders.add(self.process.pid)
        asyncio.get_running_loop().add_reader(self.master, self.readable)
        await asyncio.sleep(0)
        self.waiting = asyncio.create_task(self.wait(tty))

    async def wait(self, tty: int) -> None:
        """Our copy of the terminal's near end stays open until the shell is gone, so its last words are not lost."""
        assert self.process is not None
        code = await self.process.wait()
        self.readable()
        os.close(tty)
        asyncio.get_running_loop().remove_reader(self.master)
        asyncio.get_running_loop().remove_writer(self.master)
        os.close(self.master)
        self.sandbox.leaders.discard(self.process.pid)
        self.exit_code = code if code >= 0 else 128 - code
        self.ended.set()
        self.drained.set()
        for client in list(self.clients):
            client.queue.put_nowait(None)

    def readable(self) -> None:
        with contextlib.suppress(BlockingIOError, OSError):
            data = os.read(self.master, CHUNK)
            for client in list(self.clients):
                if self.limit and client.queue.qsize() >= self.limit:
                    self.clients.discard(client)
                    client.cut()
                else:
                    client.queue.put_nowait(data)

    async def write(self, data: bytes) -> None:
        """Type `data`; waits while the terminal's own buffer is full."""
        self.outbox += data
        self.drained.clear()
        self.writable()
        if self.outbox and not self.ended.is_set():
            asyncio.get_running_loop().add_writer(self.master, self.writable)
            await self.drained.wait()

    def writable(self) -> None:
        with contextlib.suppress(BlockingIOError, OSError):
            while self.outbox:
                del self.outbox[: os.write(self.master, self.outbox[:4096])]
        if not self.outbox and not self.ended.is_set():
            asyncio.get_running_loop().remove_writer(self.master)
            self.drained.set()

    def kill(self) -> None:
        if self.process is not None and not self.ended.is_set():
            kill_session(self.process.pid)

    def as_json(self) -> dict[str, object]:
        return {
            "id": self.id,
            "active": not self.ended.is_set(),
            "cols": self.cols,
            "rows": self.rows,
            "cwd": self.cwd,
            "envs": self.envs,
            "createdAt": self.created.isoformat(),
            "lazyStart": False,
        }


class Terminals:
    """The routes under `/toolbox/{id}/process/pty`."""

    def __init__(self, faults: Faults, *, faithful: bool) -> None:
        self.faults = faults
        self.faithful = faithful
        self.all: set[Terminal] = set()

    def routes(self, prefix: str) -> list[web.RouteDef]:
        pty = prefix + "/process/pty"
        return [
            web.get(pty + "/create-connect", self.create_connect),
            web.get(pty, self.list),
            web.get(pty + "/{pty}", self.get),
            web.get(pty + "/{pty}/connect", self.connect),
            web.post(pty + "/{pty}/resize", self.resize),
            web.delete(pty + "/{pty}", self.delete),
        ]

    def known(self, request: web.Request) -> dict[str, Terminal]:
        terminals: dict[str, Terminal] = request[SANDBOX].parts.setdefault("terminals", {})
        return terminals

    async def create_connect(self, request: web.Request) -> web.StreamResponse:
        name = request.query["id"]
        if name in self.known(request):
            return failure(409, f"PTY session {name} already exists")
        cols, rows = int(request.query.get("cols", "80")), int(request.query.get("rows", "24"))
        limit = QUEUE if self.faithful else 0
        cwd = request.query.get("cwd", ".")
        terminal = Terminal(name, request[SANDBOX], cwd, sent_envs(request), cols, rows, limit)
        await terminal.start()
        self.known(request)[name] = terminal
        self.all.add(terminal)
        return await self.serve(terminal, request)

    async def connect(self, request: web.Request) -> web.StreamResponse:
        terminal = self.known(request).get(request.match_info["pty"])
        return await self.serve(terminal, request) if terminal else failure(404, "no such PTY session")

    async def serve(self, terminal: Terminal, request: web.Request) -> web.StreamResponse:
        size = MESSAGE if self.faithful else 0
        wants_exit = EXIT_CONTROL in protocols(request)
        socket = web.WebSocketResponse(max_msg_size=size, protocols=(EXIT_CONTROL,) if wants_exit else ())
        await socket.prepare(request)
        request[EXCHANGE].websocket = True
        client = Client(socket, request, asyncio.Queue(), wants_exit)
        client.cut_after = self.faults.cut_after.pop(0) if self.faults.cut_after else None
        await socket.send_str(json.dumps({"type": "control", "status": "connected"}))
        terminal.clients.add(client)
        if terminal.ended.is_set():
            client.queue.put_nowait(None)
        sending = asyncio.create_task(self.send(terminal, client))
        try:
            await self.receive(terminal, client)
        finally:
            terminal.clients.discard(client)
            client.queue.put_nowait(None)
            await asyncio.gather(sending, return_exceptions=True)
        return socket

    async def receive(self, terminal: Terminal, client: Client) -> None:
        async for message in client.socket:
            data = typed(message)
            client.exchange.messages_in += 1
            client.exchange.received += len(data)
            terminal.sandbox.active = datetime.now(UTC).timestamp()
            await terminal.write(data)

    async def send(self, terminal: Terminal, client: Client) -> None:
        with contextlib.suppress(ConnectionError):
            while (data := await client.queue.get()) is not None:
                if client.cut_after is not None and client.exchange.sent + len(data) > client.cut_after:
                    client.cut()
                    return
                await client.socket.send_bytes(data)
                client.exchange.messages_out += 1
                client.exchange.sent += len(data)
            if terminal.ended.is_set():
                ending = {"exitCode": terminal.exit_code}
                if client.wants_exit:
                    await client.socket.send_str(json.dumps({"type": "control", "status": "exited"} | ending))
                await client.socket.close(code=WSCloseCode.OK, message=json.dumps(ending).encode())

    async def list(self, request: web.Request) -> web.Response:
        return web.json_response({"sessions": [one.as_json() for one in self.known(request).values()]})

    async def get(self, request: web.Request) -> web.Response:
        found = self.known(request).get(request.match_info["pty"])
        return web.json_response(found.as_json()) if found else failure(404, "no such PTY session")

    async def resize(self, request: web.Request) -> web.Response:
        found = self.known(request).get(request.match_info["pty"])
        if found is None:
            return failure(404, "no such PTY session")
        asked = await request.json()
        found.cols, found.rows = asked["cols"], asked["rows"]
        fcntl.ioctl(found.master, termios.TIOCSWINSZ, struct.pack("HHHH", found.rows, found.cols, 0, 0))
        return web.json_response(found.as_json())

    async def delete(self, request: web.Request) -> web.Response:
        found = self.known(request).pop(request.match_info["pty"], None)
        if found is None:
            return failure(404, "no such PTY session")
        found.kill()
        self.all.discard(found)
        return web.json_response({"message": "killed"})

    def cut_all(self) -> int:
        """Cut every open terminal connection within a frame; returns how many there were."""
        clients = [client for terminal in self.all for client in terminal.clients]
        for client in clients:
            client.cut()
        return len(clients)


def typed(message: WSMessage) -> bytes:
    data: bytes = message.data.encode() if message.type is WSMsgType.TEXT else message.data
    return data


def protocols(request: web.Request) -> list[str]:
    offered = request.headers.getall("Sec-WebSocket-Protocol", [])
    return [one.strip() for line in offered for one in line.split(",")]


def sent_envs(request: web.Request) -> dict[str, str]:
    """The environment that rides in a sub-protocol token: base64url of a JSON object, without padding."""
    for token in protocols(request):
        if token.startswith(ENVS):
            text = token.removeprefix(ENVS)
            envs: dict[str, str] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
            return envs
    return {}
