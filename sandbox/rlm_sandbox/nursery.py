"""The host's end of the zygote: the warm process that local sessions are forked from."""

import asyncio
import contextlib
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from rlm_sandbox.base import Preload
from rlm_sandbox.errors import SandboxUnavailable
from rlm_sandbox.program import FOLDER
from rlm_sandbox.runner.frames import HEADER_BYTES, encode

ENVIRONMENT = {"LANG": "C.UTF-8", "PATH": "/usr/bin:/bin", "PYTHONHASHSEED": "0", "MALLOC_ARENA_MAX": "2"}
"""All of it. A fixed hash seed makes sets iterate alike in a replay; few arenas keep threads from reserving memory."""

START_SECONDS = 30.0


class NurseryGone(Exception):
    """The zygote has ended, and with it every session forked from it."""


@dataclass(slots=True)
class Newborn:
    """A process just forked."""

    pid: int
    exited: asyncio.Future[int] = field(repr=False)
    """Its exit code, or minus the number of the signal that ended it."""


class Nursery:
    """One zygote. Requests go one at a time, each with its reply; exits are told in between."""

    def __init__(self) -> None:
        self._socket, self._theirs = socket.socketpair()
        self._process: subprocess.Popen[bytes] | None = None
        self._turn = asyncio.Lock()
        self._reply: asyncio.Future[dict[str, Any]] | None = None
        self._exited: dict[int, asyncio.Future[int]] = {}
        self._learnt: set[Preload] = set()
        self._reader: asyncio.Task[None] | None = None
        self.gone = False

    async def start(self) -> "Nursery":
        """Itself, warm. Raises SandboxUnavailable."""
        self._socket.setblocking(False)
        try:
            with self._theirs:
                self._process = await asyncio.to_thread(_spawn, self._theirs.fileno())
            self._reply = asyncio.get_running_loop().create_future()
            self._reader = asyncio.create_task(self._read())
            warm = await asyncio.wait_for(self._reply, START_SECONDS)
        except (NurseryGone, TimeoutError, OSError) as error:
            await self.close()
            raise SandboxUnavailable(f"Python could not be started for the sandbox: {sys.executable}.") from error
        if warm["op"] != "warm":
            await self.close()
            raise SandboxUnavailable(f"The sandbox could not be started: {warm['message']}.")
        return self

    @property
    def pid(self) -> int:
        """The zygote's."""
        return self._process.pid if self._process else 0

    async def learn(self, preloads: Sequence[Preload]) -> None:
        """Have these compiled before the fork, once."""
        for preload in preloads:
            if preload not in self._learnt:
                await self._ask({"op": "learn", "name": preload.name, "source": preload.source})
                self._learnt.add(preload)

    async def fork(self, *fds: int) -> Newborn:
        """A new process that has these descriptors: its channel, then the blob."""
        reply = await self._ask({"op": "fork"}, fds)
        if reply["op"] != "forked":
            raise SandboxUnavailable(f"No process could be started for the sandbox: {reply['message']}.")
        newborn: Newborn = reply["newborn"]
        return newborn

    async def signal(self, pid: int, number: signal.Signals) -> None:
        """To a child of the zygote, if it is still one."""
        await self._ask({"op": "signal", "pid": pid, "signal": int(number)})

    async def close(self) -> None:
        """End the zygote, and so its children. Idempotent."""
        self._lose()
        if self._reader:
            self._reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reader
        self._socket.close()
        if self._process:
            await asyncio.to_thread(_bury, self._process)

    async def _ask(self, message: dict[str, Any], fds: Sequence[int] = ()) -> dict[str, Any]:
        async with self._turn:
            if self.gone:
                raise NurseryGone
            self._reply = asyncio.get_running_loop().create_future()
            # Shielded: a caller that is cancelled must not leave half a request, or its reply to the next one.
            exchange = asyncio.ensure_future(self._exchange(encode(message), fds, self._reply))
            try:
                return await asyncio.shield(exchange)
            except asyncio.CancelledError:
                with contextlib.suppress(NurseryGone):
                    await exchange
                raise

    async def _exchange(
        self, frame: bytes, fds: Sequence[int], reply: "asyncio.Future[dict[str, Any]]"
    ) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        try:
            if fds:
                socket.send_fds(self._socket, [frame[:HEADER_BYTES]], fds)
                frame = frame[HEADER_BYTES:]
            await loop.sock_sendall(self._socket, frame)
        except OSError:
            self._lose()
        return await reply

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        buffer = bytearray()
        with contextlib.suppress(OSError):
            while data := await loop.sock_recv(self._socket, 1 << 16):
                buffer += data
                while len(buffer) >= HEADER_BYTES:
                    end = HEADER_BYTES + int.from_bytes(buffer[:HEADER_BYTES], "big")
                    if len(buffer) < end:
                        break
                    self._take(json.loads(bytes(buffer[HEADER_BYTES:end])))
                    del buffer[:end]
        self._lose()

    def _take(self, message: dict[str, Any]) -> None:
        if message["op"] == "exited":
            self._exited.pop(message["pid"]).set_result(message["status"])
            return
        if message["op"] == "forked":
            # At once, before the next message: it may say that this very process has ended.
            exited = self._exited[message["pid"]] = asyncio.get_running_loop().create_future()
            message["newborn"] = Newborn(message["pid"], exited)
        if self._reply and not self._reply.done():
            self._reply.set_result(message)

    def _lose(self) -> None:
        """Every session dies with the zygote, by the signal that follows a parent's death."""
        self.gone = True
        if self._reply and not self._reply.done():
            self._reply.set_exception(NurseryGone())
            self._reply.exception()
        for exited in self._exited.values():
            exited.set_result(-signal.SIGKILL)
        self._exited.clear()


def _spawn(control: int) -> subprocess.Popen[bytes]:
    """A session of its own, so that Ctrl-C in the host's terminal is none of the zygote's business."""
    return subprocess.Popen(
        [sys.executable, "-s", "-P", "-S", str(FOLDER / "boot.py"), "zygote", str(control)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=(control,),
        env=ENVIRONMENT,
        cwd="/",
        start_new_session=True,
    )


def _bury(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
