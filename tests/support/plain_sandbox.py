"""The fake: the real runner in a plain subprocess, over standard input and output, with no isolation at all.

It is the smallest provider that can be written over the transport seam, and passes the contract like any other.
"""

import asyncio
import contextlib
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from rlm_sandbox import Blob, HostCall, Limits, Preload, Probe, Session
from rlm_sandbox.channel import StreamChannel
from rlm_sandbox.program import text
from rlm_sandbox.session import Opening, WireSession

PREAMBLE = "begin-frames"


class PipeChannel(StreamChannel):
    """A subprocess's standard streams."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        super().__init__(process.stdout, process.stdin)
        self._process = process

    async def begin(self) -> None:
        """Skip what comes before the preamble."""
        assert self._process.stdout is not None
        await self._process.stdout.readuntil(PREAMBLE.encode())

    async def interrupt(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGINT)

    async def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        await self.close_streams()

    async def epitaph(self) -> str:
        code = await self._process.wait()
        return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"

    def cpu_seconds(self) -> float | None:
        return None


class PlainProvider:
    """Starts one subprocess per session."""

    name = "plain"

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="plain-sandbox-")
        self._program = Path(self._folder.name) / "runner.py"
        self._program.write_text(text(), "utf-8")
        self._sessions: list[Session] = []

    async def probe(self) -> Probe:
        return Probe(self.name, available=True, isolation="none", reasons=("This is the fake of the tests.",))

    async def publish(self, blob: Blob, *, progress: object = None) -> None:
        del blob, progress

    async def open(
        self,
        blob: Blob | None,
        *,
        preloads: Sequence[Preload] = (),
        host_calls: Mapping[str, HostCall] | None = None,
        arguments: Mapping[str, object] | None = None,
        limits: Limits | None = None,
    ) -> Session:
        place = {"path": str(blob.path), "size": blob.size} if blob else None
        opening = Opening(tuple(preloads), dict(arguments or {}), limits or Limits(), blob, place)
        return await self._open(opening, host_calls or {})

    async def _open(self, opening: Opening, host_calls: Mapping[str, HostCall]) -> Session:
        session = WireSession(self._launch, opening, host_calls, self._open)
        self._sessions.append(session)
        return await session.start()

    async def _launch(self) -> PipeChannel:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-s", "-P", "-S", str(self._program), "stdio", PREAMBLE),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={"LANG": "C.UTF-8", "PYTHONHASHSEED": "0"},
            start_new_session=True,
        )
        channel = PipeChannel(process)
        await channel.begin()
        return channel

    async def close(self) -> None:
        for session in self._sessions:
            await session.close()
        self._folder.cleanup()
