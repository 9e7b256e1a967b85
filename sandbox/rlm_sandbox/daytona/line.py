"""What carries lines to a bridge and back: a terminal over one websocket or, where none can be had, a session's log."""

import asyncio
import contextlib
import logging
import shlex
from collections.abc import Callable
from typing import Protocol

from rlm_sandbox.daytona.door import LOST, CloudError, Machine, Terminal
from rlm_sandbox.daytona.inside.bridge import PREFIX_VARIABLE

log = logging.getLogger(__name__)
OnData = Callable[[bytes], None]


class Line(Protocol):
    """A connection to one bridge. What is lost with it is the stream's business (inside/stream.py)."""

    async def open(self, on_data: OnData) -> None:
        """Start the bridge. Raises CloudError."""
        ...

    async def again(self, on_data: OnData) -> None:
        """Connect once more to the same bridge. Raises CloudError."""
        ...

    async def send(self, data: bytes) -> None:
        """Raises CloudError when the connection is gone."""
        ...

    async def ended(self) -> bool:
        """Returns when the connection has ended: whether the bridge did too."""
        ...

    async def kill(self) -> None:
        """End the bridge, and the runner with it."""
        ...


class TerminalLine:
    """One round trip per answer, both ways on one websocket."""

    def __init__(self, machine: Machine, name: str, command: str, prefix: str) -> None:
        self._machine = machine
        self._name = name
        self._command = command
        self._prefix = prefix
        self._terminal: Terminal | None = None

    async def open(self, on_data: OnData) -> None:
        envs = {PREFIX_VARIABLE: self._prefix}
        self._terminal = await self._machine.terminal(self._name, on_data, envs)
        # The shell's own echo and line editing end here; the bridge makes the terminal raw once more, for sure.
        await self._terminal.send(f"stty raw -echo; exec {self._command}\n".encode())

    async def again(self, on_data: OnData) -> None:
        self._terminal = await self._machine.terminal_again(self._name, on_data)

    async def send(self, data: bytes) -> None:
        if self._terminal is not None:
            await self._terminal.send(data)

    async def ended(self) -> bool:
        return self._terminal is None or await self._terminal.ended() is not None

    async def kill(self) -> None:
        try:
            await self._machine.kill_terminal(self._name)
        finally:
            if self._terminal is not None:
                await self._terminal.disconnect()


class LogLine:
    """The fallback: the bridge as a session's command, its output followed as a log, its input posted."""

    def __init__(self, machine: Machine, name: str, command: str, prefix: str) -> None:
        self._machine = machine
        self._name = name
        self._command = f"{PREFIX_VARIABLE}={shlex.quote(prefix)} exec {command}"
        self._id = ""
        self._following: asyncio.Task[bool] | None = None

    async def open(self, on_data: OnData) -> None:
        self._id = await self._machine.start_command(self._name, self._command)
        self._following = asyncio.create_task(self._follow(on_data))

    async def again(self, on_data: OnData) -> None:
        """The log is followed from its beginning; the stream knows what it had already."""
        await self._machine.running(self._name, self._id)
        self._following = asyncio.create_task(self._follow(on_data))

    async def _follow(self, on_data: OnData) -> bool:
        try:
            await self._machine.follow(self._name, self._id, lambda text: on_data(text.encode()))
        except CloudError as error:
            return error.status in LOST
        return True

    async def send(self, data: bytes) -> None:
        await self._machine.feed(self._name, self._id, data.decode("ascii"))

    async def ended(self) -> bool:
        return self._following is None or await asyncio.shield(self._following)

    async def kill(self) -> None:
        try:
            await self._machine.end_session(self._name)
        finally:
            if self._following is not None:
                self._following.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await self._following
