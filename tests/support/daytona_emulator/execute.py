"""The toolbox's processes: one command, and sessions whose commands have a log to follow and an input to write to.

Commands of one session share its working folder but, unlike the daemon's, no shell variables: nothing of ours needs it.
"""

import asyncio
import contextlib
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import WSMsgType, web

from tests.support.daytona_emulator.control import failure
from tests.support.daytona_emulator.record import EXCHANGE
from tests.support.daytona_emulator.world import SANDBOX, Sandbox, kill_session

STDOUT, STDERR = b"\x01\x01\x01", b"\x02\x02\x02"
EXEC_POLL, LOG_POLL = 0.05, 0.02
"""The daemon's pace, in seconds: how often it looks for the end of a command, and for more of a log."""


@dataclass(eq=False)
class Command:
    """A command of a session. Its output is kept whole in a log file, each piece behind a mark of its stream."""

    id: str
    text: str
    log: Path
    echo: bool
    process: asyncio.subprocess.Process | None = None
    exit_code: int | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    grown: asyncio.Event = field(default_factory=asyncio.Event)

    def write(self, mark: bytes, data: bytes) -> None:
        with self.log.open("ab") as file:
            file.write(mark + data)
        self.grown.set()

    def as_json(self) -> dict[str, Any]:
        return {"id": self.id, "command": self.text, "exitCode": self.exit_code}


class Execute:
    """The routes under `/toolbox/{id}/process`, terminals apart."""

    def __init__(self, *, faithful: bool) -> None:
        self.faithful = faithful
        self.tasks: set[asyncio.Task[None]] = set()

    def routes(self, prefix: str) -> list[web.RouteDef]:
        session = prefix + "/process/session/{session}"
        return [
            web.post(prefix + "/process/execute", self.execute),
            web.post(prefix + "/process/session", self.create),
            web.get(session, self.get),
            web.delete(session, self.delete),
            web.post(session + "/exec", self.start),
            web.get(session + "/command/{command}", self.command),
            web.post(session + "/command/{command}/input", self.input),
            web.get(session + "/command/{command}/logs", self.logs),
        ]

    async def execute(self, request: web.Request) -> web.Response:
        sandbox = request[SANDBOX]
        asked = await request.json()
        folder = sandbox.path(asked.get("cwd") or ".")
        process = await self.shell(sandbox, folder, asked.get("envs"), stderr=asyncio.subprocess.STDOUT)
        talk = asyncio.create_task(process.communicate(asked["command"].encode()))
        try:
            output, _ = await asyncio.wait_for(talk, asked.get("timeout"))
        except TimeoutError:
            kill_session(process.pid)
            return failure(408, "command execution timeout", "PROCESS_EXECUTION_TIMEOUT")
        finally:
            sandbox.leaders.discard(process.pid)
        return web.json_response({"exitCode": process.returncode, "result": output.decode(errors="replace")})

    async def shell(
        self, sandbox: Sandbox, folder: Path, extra: dict[str, str] | None, *, stderr: int, script: str | None = None
    ) -> asyncio.subprocess.Process:
        """A shell that reads its commands from stdin, or runs `script` with stdin left to it."""
        arguments = ["-c", script] if script is not None else []
        process = await asyncio.create_subprocess_exec(
            "sh",
            *arguments,
            cwd=folder,
            env=sandbox.environment(extra),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
        )
        sandbox.leaders.add(process.pid)
        return process

    def sessions(self, request: web.Request) -> dict[str, dict[str, Command]]:
        known: dict[str, dict[str, Command]] = request[SANDBOX].parts.setdefault("sessions", {})
        return known

    def wanted(self, request: web.Request) -> Command:
        known = self.sessions(request).get(request.match_info["session"], {})
        found = known.get(request.match_info["command"])
        if found is None:
            raise web.HTTPNotFound(text='{"message": "no such command"}', content_type="application/json")
        return found

    async def create(self, request: web.Request) -> web.Response:
        name = (await request.json())["sessionId"]
        if name in self.sessions(request):
            return failure(409, "session already exists")
        self.sessions(request)[name] = {}
        return web.Response(status=201)

    async def get(self, request: web.Request) -> web.Response:
        name = request.match_info["session"]
        commands = self.sessions(request).get(name)
        if commands is None:
            return failure(404, "no such session")
        return web.json_response({"sessionId": name, "commands": [one.as_json() for one in commands.values()]})

    async def delete(self, request: web.Request) -> web.Response:
        for command in self.sessions(request).pop(request.match_info["session"], {}).values():
            if command.process is not None:
                kill_session(command.process.pid)
        return web.Response(status=204)

    async def start(self, request: web.Request) -> web.Response:
        sandbox = request[SANDBOX]
        commands = self.sessions(request).get(request.match_info["session"])
        if commands is None:
            return failure(404, "no such session")
        asked = await request.json()
        name = secrets.token_hex(6)
        command = Command(name, asked["command"], sandbox.folder / f"{name}.log", not asked.get("suppressInputEcho"))
        command.log.touch()
        pipe = asyncio.subprocess.PIPE
        command.process = await self.shell(sandbox, sandbox.home, None, stderr=pipe, script=asked["command"])
        commands[name] = command
        task = asyncio.create_task(self.follow(sandbox, command))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        if asked.get("runAsync"):
            return web.json_response({"cmdId": name}, status=202)
        await command.ended.wait()
        await asyncio.sleep(EXEC_POLL if self.faithful else 0)
        out, err = split(command.log.read_bytes())
        answer = {"cmdId": name, "exitCode": command.exit_code, "output": out + err, "stdout": out, "stderr": err}
        return web.json_response(answer)

    async def follow(self, sandbox: Sandbox, command: Command) -> None:
        process = command.process
        assert process is not None
        assert process.stdout is not None
        assert process.stderr is not None
        await asyncio.gather(self.copy(process.stdout, command, STDOUT), self.copy(process.stderr, command, STDERR))
        command.exit_code = await process.wait()
        sandbox.leaders.discard(process.pid)
        command.ended.set()
        command.grown.set()

    async def copy(self, stream: asyncio.StreamReader, command: Command, mark: bytes) -> None:
        while data := await stream.read(32 * 1024):
            command.write(mark, data)

    async def command(self, request: web.Request) -> web.Response:
        return web.json_response(self.wanted(request).as_json())

    async def input(self, request: web.Request) -> web.Response:
        command = self.wanted(request)
        process = command.process
        if process is None or process.stdin is None or command.ended.is_set():
            return failure(410, "command already completed", "COMMAND_ALREADY_COMPLETED")
        data = (await request.json())["data"].encode()
        data += b"" if data.endswith(b"\n") else b"\n"
        if command.echo:
            command.write(STDOUT, data)
        with contextlib.suppress(OSError):
            process.stdin.write(data)
            await process.stdin.drain()
        return web.Response(status=204)

    async def logs(self, request: web.Request) -> web.StreamResponse:
        command = self.wanted(request)
        if request.query.get("follow", "").lower() != "true":
            out, err = split(command.log.read_bytes())
            return web.json_response({"output": out + err, "stdout": out, "stderr": err})
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        request[EXCHANGE].websocket = True
        listen = asyncio.create_task(drain(socket))
        try:
            await self.stream(socket, command, request)
        finally:
            listen.cancel()
        await socket.close()
        return socket

    async def stream(self, socket: web.WebSocketResponse, command: Command, request: web.Request) -> None:
        """Send the log as it grows: the file is looked at every 20 ms, or when told, if the daemon's pace is off."""
        offset = 0
        while not socket.closed:
            command.grown.clear()
            over = command.ended.is_set()
            with command.log.open("rb") as file:
                file.seek(offset)
                data = file.read()
            offset += len(data)
            if data:
                await socket.send_bytes(data)
                request[EXCHANGE].messages_out += 1
                request[EXCHANGE].sent += len(data)
            if over:
                return
            await (asyncio.sleep(LOG_POLL) if self.faithful else command.grown.wait())


async def drain(socket: web.WebSocketResponse) -> None:
    """Read what a follower sends (nothing but pings and its goodbye)."""
    with contextlib.suppress(ConnectionError):
        while (await socket.receive()).type not in (WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.ERROR):
            pass


def split(log: bytes) -> tuple[str, str]:
    """The log's two streams apart."""
    streams: dict[bytes, list[bytes]] = {STDOUT: [], STDERR: []}
    rest = log
    while rest:
        mark, rest = rest[:3], rest[3:]
        ends = [at for at in (rest.find(STDOUT), rest.find(STDERR)) if at >= 0]
        cut = min(ends, default=len(rest))
        streams[mark].append(rest[:cut])
        rest = rest[cut:]
    return b"".join(streams[STDOUT]).decode(errors="replace"), b"".join(streams[STDERR]).decode(errors="replace")
