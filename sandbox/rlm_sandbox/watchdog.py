"""Looks at local sessions from outside, now and then: too many threads, too much memory, work while no cell runs."""

import asyncio
from pathlib import Path
from typing import Protocol

from rlm_sandbox.base import Limits

PERIOD_SECONDS = 0.25
OWN_THREADS = 2
NEIGHBOURS = 32
"""By how much an ordinary user's session may pass its threads, since the kernel counts a user's all together."""
SLACK = 1.25
"""Memory is limited by the kernel; this is for what it does not count, like page tables."""


class Watched(Protocol):
    """A process that can be ended."""

    pid: int

    @property
    def dead(self) -> bool: ...

    async def put_down(self, why: str) -> None: ...


def _status(pid: int) -> dict[str, int]:
    """Numbers from /proc/<pid>/status: threads, and sizes in kB. Empty where it cannot be read."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text("ascii", "replace").splitlines()
    except OSError:
        return {}
    pairs = (line.partition(":") for line in lines)
    return {key: int(value.split()[0]) for key, _, value in pairs if value.split() and value.split()[0].isdigit()}


def excess(pid: int, limits: Limits) -> str:
    """Which bound the process has outgrown, or ""."""
    status = _status(pid)
    if status.get("Threads", 0) > limits.processes + OWN_THREADS + NEIGHBOURS:
        return "threads"
    private = sum(status.get(key, 0) for key in ("RssAnon", "RssShmem", "VmSwap", "VmPTE"))
    return "memory" if private * 1024 > limits.memory_mb * 1_000_000 * SLACK else ""


class Watchdog:
    """One task for all sessions of a provider; it sleeps for good when there are none."""

    def __init__(self) -> None:
        self._watched: dict[Watched, Limits] = {}
        self._task: asyncio.Task[None] | None = None

    def watch(self, process: Watched, limits: Limits) -> None:
        """Until it is dead."""
        self._watched[process] = limits
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while self._watched:
            await asyncio.sleep(PERIOD_SECONDS)
            for process, limits in list(self._watched.items()):
                if process.dead:
                    del self._watched[process]
                elif too_much := excess(process.pid, limits):
                    await process.put_down(f"it used more {too_much} than it may")
