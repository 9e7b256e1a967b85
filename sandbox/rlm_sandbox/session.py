"""Sessions over any transport: cells in, results out, and a lost process brought back by replay."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rlm_sandbox.base import (
    JSON,
    Blob,
    CellError,
    CellRecord,
    CellResult,
    HostCall,
    Limits,
    Preload,
    Session,
)
from rlm_sandbox.channel import Launch
from rlm_sandbox.errors import ProtocolViolation, SandboxError, SandboxUnavailable, SessionLost
from rlm_sandbox.hostcalls import CallTable, LiveCalls, RecordedCalls
from rlm_sandbox.link import Link, Outcome
from rlm_sandbox.runner.frames import PROTOCOL
from rlm_sandbox.runner.output import shorten, utf8_size

MESSAGE_CHARS = 4_000
TRACEBACK_CHARS = 8_000
WELL = (0, CellRecord(""))
"""Run after a replay: a process that survives it will run cells."""

REMEMBERED_BYTES = 64 * 1024 * 1024
"""What recorded cells and their calls may come to; a session that did more can no longer be restored."""

MARKER_BYTES = 200
"""How much longer than `Limits.output_bytes` a text may be, for the mark of the cut."""


@dataclass(frozen=True, slots=True)
class Opening:
    """All that a runner is told when it starts; kept, because a lost one is started again with the same."""

    preloads: Sequence[Preload] = ()
    arguments: Mapping[str, JSON] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    blob: Blob | None = None
    place: Mapping[str, JSON] | None = None
    """Where the runner finds the blob: `{"fd": 4, "size": n}` or `{"path": "/…", "size": n}`."""
    layers: Sequence[str] = ()
    """The layers of the lock to put on, see runner/lockdown.py; any that fails is a refusal to start …"""
    required: bool = True
    """… unless this is False: then it is left out of what the runner reports to hold."""

    def message(self) -> dict[str, Any]:
        """The start message."""
        limits = self.limits
        return {
            "t": "start",
            "protocol": PROTOCOL,
            "preloads": [[preload.name, preload.source] for preload in self.preloads],
            "arguments": dict(self.arguments),
            "blob": dict(self.place) if self.place else None,
            "limits": {
                "memory_bytes": limits.memory_mb * 1_000_000,
                "output_bytes": limits.output_bytes,
                "output_kept_bytes": limits.output_kept_bytes,
                "frame_bytes": limits.frame_bytes,
                "threads": limits.processes,
            },
            "lock": {"layers": list(self.layers), "required": self.required},
        }


Child = Callable[[Opening, Mapping[str, HostCall]], Awaitable[Session]]
"""How a provider opens one more session over the same blob."""


class WireSession:
    """The one implementation of Session. Open it with `WireSession.start`."""

    def __init__(self, launch: Launch, opening: Opening, host_calls: Mapping[str, HostCall], child: Child) -> None:
        self._launch = launch
        self._opening = opening
        self._live = LiveCalls(host_calls)
        self._child = child
        self._link: Link | None = None
        self._records: list[tuple[int, CellRecord]] = []
        self._remembered = 0
        self._number = 0
        self._busy = False
        self._closed = False
        self.layers: tuple[str, ...] = ()
        """What the runner said it put on."""

    async def start(self) -> "WireSession":
        """Itself, with a runner that is ready. Raises SandboxUnavailable."""
        await self._connect(self._live)
        return self

    async def exec(self, code: str, *, seconds: float | None = None) -> CellResult:
        """See Session.exec. One cell at a time: a second one raises SandboxError."""
        self._enter()
        try:
            revived = await self._revive()
            link = self._linked()
            self._number += 1
            message = {"cell": self._number, "code": code}
            outcome = await link.cell(message, self._live, self._seconds(seconds))
            result = self._result(outcome, self._seconds(seconds))
            if result.died:
                return await self._after_death(result)
            self._remember(CellRecord(code, result.answers, result.stopped_line), outcome.weight)
            return replace(result, restored=revived)
        except asyncio.CancelledError:
            self._linked().abandon()
            raise
        finally:
            self._busy = False

    async def interrupt(self) -> None:
        """See Session.interrupt."""
        if self._link:
            self._link.interrupt()

    async def child(self, *, arguments: Mapping[str, JSON], host_calls: Mapping[str, HostCall]) -> Session:
        """See Session.child."""
        return await self._child(replace(self._opening, arguments=dict(arguments)), host_calls)

    async def replay(self, records: Sequence[CellRecord]) -> None:
        """See Session.replay. Raises SessionLost when a cell asks what its record does not answer."""
        self._enter()
        try:
            for record in records:
                self._number += 1
                await self._run_again(self._number, record)
                self._records.append((self._number, record))
        finally:
            self._busy = False

    async def close(self) -> None:
        """See Session.close."""
        self._closed = True
        if self._link:
            await self._link.close()

    def _enter(self) -> None:
        if self._closed:
            raise SessionLost("the session was closed")
        if self._busy:
            raise SandboxError("a cell is running in this session; wait for it, interrupt it, or open a child session")
        self._busy = True

    def _seconds(self, seconds: float | None) -> float:
        return self._opening.limits.cell_seconds if seconds is None else seconds

    def _linked(self) -> Link:
        if self._link is None:
            raise SessionLost("the session was never started")
        return self._link

    # Losing and restoring

    async def _connect(self, calls: CallTable) -> None:
        link = self._link = Link(await self._launch(), self._opening.limits)
        self.layers = tuple(await link.begin(self._opening.message(), calls))
        try:
            self._check(self.layers)
        except SandboxUnavailable:
            await link.close()
            raise

    def _check(self, layers: Sequence[str]) -> None:
        """Raises SandboxUnavailable when a required layer is missing. A provider adds what it can see from outside."""
        missing = set(self._opening.layers) - set(layers)
        if missing and self._opening.required:
            raise SandboxUnavailable(f"The sandbox did not lock itself: {', '.join(sorted(missing))} is missing.")

    async def _revive(self) -> bool:
        """Whether the process was lost between two cells and has been restored now."""
        if not self._linked().lost:
            return False
        if not await self._restored():
            raise self._linked().lost or SessionLost("the session could not be restored")
        return True

    async def _after_death(self, result: CellResult) -> CellResult:
        """The result of a cell that lost the process, and what could be done about it."""
        known = len(self._records)
        restored = await self._restored()
        fate = "The earlier cells were run again" if restored else "The session could not be restored"
        if restored and len(self._records) < known:
            fate += ", but for the last: the process did not survive it"
        error = result.error and replace(result.error, message=f"{result.error.message} {fate}.")
        return replace(result, restored=restored, error=error)

    async def _restored(self) -> bool:
        """Start a runner in the place of the lost one and run every recorded cell again."""
        if self._closed or self._remembered > REMEMBERED_BYTES:
            return False
        try:
            return await self._run_all_again() or await self._run_all_again()
        except SandboxUnavailable:
            return False

    async def _run_all_again(self) -> bool:
        """Whether a new process survived every recorded cell. If not, the last one is forgotten: it may have ended well
        and yet have poisoned the process for what came after it.
        """
        try:
            await self._linked().close()
            await self._connect(self._live)
            for number, record in [*self._records, WELL]:
                await self._run_again(number, record)
        except SessionLost:
            await self._linked().close()
            self._records = self._records[:-1]
            return False
        return True

    async def _run_again(self, number: int, record: CellRecord) -> None:
        calls = RecordedCalls(record.answers)
        message = {"cell": number, "code": record.code, "stop_line": record.stopped_line}
        outcome = await self._linked().cell(message, calls, self._seconds(None))
        if outcome.lost or outcome.stop or calls.strayed:
            why = f"it asked {calls.strayed} something new" if calls.strayed else outcome.lost or "it did not end"
            raise SessionLost(f"cell {number} could not be run again: {why}")

    def _remember(self, record: CellRecord, weight: int) -> None:
        self._remembered += weight + len(record.code)
        if self._remembered > REMEMBERED_BYTES:
            self._records.clear()  # too much to be run again, so none of it needs to be kept
        else:
            self._records.append((self._number, record))

    # Results

    def _result(self, outcome: Outcome, seconds: float) -> CellResult:
        done = outcome.done or {"stdout": "", "size": 0, "error": None, "line": None, "state": None}
        stdout = str(done["stdout"])
        error = _lost(outcome) if outcome.lost else _error(done["error"], outcome, seconds)
        return CellResult(
            stdout=self._shorten(stdout),
            stdout_bytes=min(max(int(done["size"]), 0), 1 << 53),
            error=error,
            calls=outcome.calls,
            seconds=outcome.seconds,
            died=outcome.lost is not None,
            state=done.get("state"),
            answers=tuple(outcome.answers),
            stopped_line=done["line"] if outcome.stop and error else None,
        )

    def _shorten(self, stdout: str) -> str:
        """The runner has done this already, if it is still ours."""
        limit = self._opening.limits.output_bytes
        size = utf8_size(stdout)
        return stdout if size <= limit + MARKER_BYTES else shorten(stdout, size, limit, "")


def _lost(outcome: Outcome) -> CellError:
    kind = outcome.stop or ("Protocol" if isinstance(outcome.lost, ProtocolViolation) else "Died")
    return CellError(kind, f"The process of this session was lost: {outcome.lost}.")


def _error(said: dict[str, Any] | None, outcome: Outcome, seconds: float) -> CellError | None:
    """What the runner said of an exception, cut to size; an interrupt of ours is named by its cause."""
    if said is None:
        return None
    trace = str(said.get("traceback", ""))[:TRACEBACK_CHARS]
    if outcome.stop == "Timeout":
        message = f"The cell computed for more than {seconds:g} s and was interrupted; its names are kept."
        return CellError("Timeout", message, trace)
    if outcome.stop:
        return CellError("Interrupted", "The cell was interrupted; its names are kept.", trace)
    return CellError(str(said.get("kind", ""))[:200], str(said.get("message", ""))[:MESSAGE_CHARS], trace)
