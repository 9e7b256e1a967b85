"""The local provider: on Linux, sessions that lock themselves in, forked from a warm process. Needs no root.

What holds a session is in runner/lockdown.py. This file starts it, looks at it from outside, and ends it.
"""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from rlm_sandbox.base import JSON, Blob, HostCall, Limits, Preload, Probe, Session
from rlm_sandbox.channel import StreamChannel
from rlm_sandbox.errors import SandboxError, SandboxUnavailable
from rlm_sandbox.nursery import Newborn, Nursery, NurseryGone
from rlm_sandbox.session import Child, Opening, WireSession
from rlm_sandbox.watchdog import Watchdog

LAYERS = ("descriptors", "limits", "identity", "landlock", "seccomp")
"""All there are; see runner/lockdown.py, which cannot be imported where there is no Linux."""

BLOB_FD = 4
"""As in runner/zygote.py."""

SESSIONS = 64
"""At a time: each may use its memory limit, and nothing but this bounds them all together."""

DEATH_SECONDS = 5.0

WAY_OUT = "Choose another sandbox by RLM_SANDBOX: docker, or daytona with a DAYTONA_API_KEY."


class LocalChannel(StreamChannel):
    """A socket to a forked session, and the zygote that may signal it."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, nursery: Nursery, newborn: Newborn
    ) -> None:
        super().__init__(reader, writer)
        self._nursery = nursery
        self._newborn = newborn
        self._reason = ""
        self.pid = newborn.pid

    @property
    def dead(self) -> bool:
        return self._newborn.exited.done()

    async def interrupt(self) -> None:
        with contextlib.suppress(NurseryGone):
            await self._nursery.signal(self.pid, signal.SIGINT)

    async def put_down(self, why: str) -> None:
        """Kill it, for a reason that the session's user is told."""
        self._reason = why
        await self.kill()

    async def kill(self) -> None:
        with contextlib.suppress(NurseryGone, TimeoutError):
            if not self.dead:
                await self._nursery.signal(self.pid, signal.SIGKILL)
                await asyncio.wait_for(asyncio.shield(self._newborn.exited), DEATH_SECONDS)
        await self.close_streams()

    async def epitaph(self) -> str:
        try:
            code = await asyncio.wait_for(asyncio.shield(self._newborn.exited), DEATH_SECONDS)
        except TimeoutError:
            return self._reason
        words = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        return f"{words}, because {self._reason}" if self._reason else words

    def cpu_seconds(self) -> float | None:
        if self.dead:
            return None
        try:
            # The clock of another process, as clock_getcpuclockid(3) makes it.
            return time.clock_gettime((~self.pid << 3) | 2)
        except OSError:
            return None


class LocalProvider:
    """Sessions on this machine. Bound to one event loop."""

    name = "local"
    isolation = "kernel-policy"

    def __init__(self, *, layers: Sequence[str] = LAYERS) -> None:
        """`layers` is for tests, which show what each one stops."""
        self._layers = tuple(layers)
        self._nursery: Nursery | None = None
        self._starting = asyncio.Lock()
        self._sessions: set[WireSession] = set()
        self._watchdog = Watchdog()

    async def probe(self) -> Probe:
        """See Provider.probe."""
        from rlm_sandbox.probe import examine

        return await examine(self)

    async def publish(self, blob: Blob, *, progress: Callable[[str], None] | None = None) -> None:
        """See Provider.publish: the file is already where sessions map it from."""
        del progress
        if not await asyncio.to_thread(blob.path.is_file):
            raise SandboxError(f"There is no file to map at {blob.path}. Load the corpus again.")

    async def open(
        self,
        blob: Blob | None,
        *,
        preloads: Sequence[Preload] = (),
        host_calls: Mapping[str, HostCall] | None = None,
        arguments: Mapping[str, JSON] | None = None,
        limits: Limits | None = None,
    ) -> Session:
        """See Provider.open."""
        opening = Opening(
            preloads=tuple(preloads),
            arguments=dict(arguments or {}),
            limits=limits or Limits(),
            blob=blob,
            place={"fd": BLOB_FD, "size": blob.size} if blob else None,
            layers=self._layers,
        )
        return await self._open(opening, host_calls or {})

    async def start(self, limits: Limits) -> "LocalSession":
        """A session with nothing in it, for looking at from outside."""
        return await self._open(Opening(limits=limits, layers=self._layers), {})

    async def close(self) -> None:
        """See Provider.close."""
        for session in list(self._sessions):
            await session.close()
        await self._watchdog.close()
        if self._nursery:
            await self._nursery.close()

    async def _open(self, opening: Opening, host_calls: Mapping[str, HostCall]) -> "LocalSession":
        if len(self._sessions) >= SESSIONS:
            raise SandboxUnavailable(f"{SESSIONS} sessions are open on this machine already; close one first.")
        session = LocalSession(opening, host_calls, self._launch, self._open, self._sessions.discard)
        self._sessions.add(session)
        try:
            await session.start()
        except SandboxUnavailable as refusal:
            await session.close()
            raise SandboxUnavailable(f"{refusal} {WAY_OUT}") from refusal
        except asyncio.CancelledError:
            await session.close()
            raise
        return session

    async def _launch(self, opening: Opening) -> LocalChannel:
        nursery = await self._warm()
        try:
            await nursery.learn(opening.preloads)
            channel = await _launch(nursery, opening.blob.path if opening.blob else None)
        except NurseryGone as error:
            raise SandboxUnavailable("The process that sessions are started from has ended; try once more.") from error
        self._watchdog.watch(channel, opening.limits)
        return channel

    async def _warm(self) -> Nursery:
        async with self._starting:
            if self._nursery is None or self._nursery.gone:
                if sys.platform != "linux":
                    raise SandboxUnavailable(f"The local sandbox needs Linux, and this is {sys.platform}.")
                if self._nursery:
                    await self._nursery.close()
                self._nursery = await Nursery().start()
            return self._nursery


class LocalSession(WireSession):
    """A session whose lock is looked at from outside before anything hostile is let in."""

    def __init__(
        self,
        opening: Opening,
        host_calls: Mapping[str, HostCall],
        launch: Callable[[Opening], Awaitable[LocalChannel]],
        child: Child,
        forget: Callable[[WireSession], None],
    ) -> None:
        super().__init__(self._start_process, opening, host_calls, child)
        self._launch_one = launch
        self._forget = forget
        self.pid = 0
        """The process behind the session; another one after a restoration."""

    async def _start_process(self) -> LocalChannel:
        channel = await self._launch_one(self._opening)
        self.pid = channel.pid
        return channel

    def _check(self, layers: Sequence[str]) -> None:
        super()._check(layers)
        refusal = contradiction(self.pid, layers)
        if refusal:
            raise SandboxUnavailable(f"The sandbox did not lock itself: {refusal}.")

    async def close(self) -> None:
        """See Session.close."""
        await super().close()
        self._forget(self)


async def _launch(nursery: Nursery, blob: Path | None) -> LocalChannel:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    fds = [theirs.fileno()]
    try:
        if blob is not None:
            fds.append(os.open(blob, os.O_RDONLY | os.O_CLOEXEC))
        newborn = await nursery.fork(*fds)
        reader, writer = await asyncio.open_unix_connection(sock=ours, limit=1 << 16)
    except (OSError, SandboxError, NurseryGone, asyncio.CancelledError):
        ours.close()  # a process that was forked nevertheless ends when it reads the end of this
        raise
    finally:
        theirs.close()
        for fd in fds[1:]:
            os.close(fd)
    return LocalChannel(reader, writer, nursery, newborn)


def contradiction(pid: int, layers: Sequence[str]) -> str:
    """What the kernel says of the process that is not as the layers promise; "" when all is well or not to be read."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text("ascii", "replace").splitlines()
    except OSError:
        return ""
    says = {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}
    promised = {"seccomp": {"Seccomp": "2"}, "identity": {"NoNewPrivs": "1", "CapEff": "0" * 16, "CapPrm": "0" * 16}}
    for layer in layers:
        for key, value in promised.get(layer, {}).items():
            if says.get(key) != value:
                return f"its {key} is {says.get(key)}"
    return ""
