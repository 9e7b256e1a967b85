"""Sessions over any transport: cells in, results out, and a lost process brought back by replay."""

import asyncio
import contextlib
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
    without,
)
from rlm_sandbox.channel import Launch
from rlm_sandbox.errors import ProtocolViolation, SandboxError, SandboxUnavailable, SessionLost
from rlm_sandbox.hostcalls import CallTable, LiveCalls, NoCalls, RecordedCalls
from rlm_sandbox.link import Link, Outcome
from rlm_sandbox.past import Past, PastCell
from rlm_sandbox.runner.frames import CHECK, PROTOCOL
from rlm_sandbox.runner.output import shorten, utf8_size

MESSAGE_CHARS = 4_000
TRACEBACK_CHARS = 8_000
CHECK_SECONDS = 3.0
"""For an empty cell to end, by which a process is found well."""

SETTLE_SECONDS = 0.5
"""How long a cell's threads are watched when it has been run again: they may end the process after the cell."""

RESTORE_TRIES = 3
"""Processes in which all cells that are not left out are run again, before one is started with none of them."""

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


class Strayed(SessionLost):
    """A cell that was run again asked what it had not asked before: the namespace is not what it was."""


class WireSession:
    """The one implementation of Session. Open it with `WireSession.start`."""

    def __init__(self, launch: Launch, opening: Opening, host_calls: Mapping[str, HostCall], child: Child) -> None:
        self._launch = launch
        self._opening = opening
        self._live = LiveCalls(host_calls)
        self._child = child
        self._link: Link | None = None
        self._past = Past()
        self._threads = 0
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
            if outcome.stop and not await self._is_well():
                outcome.lost = link.lost or SessionLost("an empty cell no longer ran in it")
            result = self._result(outcome, self._seconds(seconds))
            if outcome.lost:
                return await self._after_death(result, outcome.lost, stopped=outcome.stop is not None)
            record = CellRecord(code, result.answers, result.stopped_line, result.seconds)
            self._past.add(PastCell(self._number, record, self._new_threads(outcome)), outcome.weight)
            return replace(result, restored=revived, left_out=self._past.told())
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
            cells = [PastCell(self._number + place, record) for place, record in enumerate(records, 1)]
            self._number += len(cells)
            self._past.cells += cells
            if not await self._run_all_again(cells) and not await self._restored():
                raise self._linked().lost or SessionLost("the session could not be restored")
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
        self._threads = 0
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
        lost = self._linked().lost
        if not lost:
            return False
        self._past.suspect(lost, stopped=False)
        if not await self._restored():
            raise self._linked().lost or SessionLost("the session could not be restored")
        return True

    async def _after_death(self, result: CellResult, lost: SessionLost, *, stopped: bool) -> CellResult:
        """The result of a cell that lost the process, and what could be done about it."""
        self._past.suspect(lost, stopped=stopped)
        restored = await self._restored()
        left_out = self._past.told()
        error = result.error and replace(
            result.error, message=f"{result.error.message} {_fate(restored, left_out)}".rstrip()
        )
        return replace(result, restored=restored, left_out=left_out, error=error)

    async def _restored(self) -> bool:
        """Whether a new runner is in the place of the lost one, with every recorded cell run again but those that break
        it. Bounded: by tries, and each cell by the time that it took at first.
        """
        if self._closed or self._past.too_much:
            return False
        try:
            for _ in range(RESTORE_TRIES):
                if await self._started_again():
                    return True
            self._past.leave_out(*self._past.cells)
            return await self._started_again()
        except SandboxUnavailable:
            return False

    async def _started_again(self) -> bool:
        await self._linked().close()
        await self._connect(self._live)
        with contextlib.suppress(Strayed):
            return await self._run_all_again(self._past.cells)
        return False

    async def _run_all_again(self, cells: Sequence[PastCell]) -> bool:
        """Whether the process is well after all of them. The first after which it is not is left out of the past."""
        for cell in cells:
            try:
                well = await self._run_again(cell)
            except Strayed:
                self._past.leave_out(cell)
                raise
            if not well:
                self._past.leave_out(cell)
                return False
        return await self._is_well()

    async def _run_again(self, cell: PastCell) -> bool:
        """Whether the process is well after it."""
        record, calls = cell.record, RecordedCalls(cell.record.answers)
        message = {"cell": cell.number, "code": record.code, "stop_line": record.stopped_line}
        outcome = await self._linked().cell(message, calls, cell.may_take(self._seconds(None)))
        if outcome.lost or outcome.stop:
            return False
        if calls.strayed:
            raise Strayed(f"cell {cell.number} could not be run again: it asked {calls.strayed} something new")
        cell.threads = self._new_threads(outcome)
        well = await self._is_well()
        return await self._settled() if well and cell.threads > 0 else well

    async def _is_well(self) -> bool:
        outcome = await self._linked().cell({"cell": CHECK, "code": ""}, NoCalls(), CHECK_SECONDS)
        return outcome.done is not None and not outcome.stop and not outcome.done["error"]

    async def _settled(self) -> bool:
        return await self._linked().outlives(SETTLE_SECONDS) and await self._is_well()

    def _new_threads(self, outcome: Outcome) -> int:
        """How many more threads run than before, if the runner can be believed: it judges its own cells by it."""
        said = (outcome.done or {}).get("threads")
        before, self._threads = self._threads, said if isinstance(said, int) else 0
        return self._threads - before

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


def _fate(restored: bool, left_out: Sequence[int]) -> str:
    """What became of the earlier cells, in words."""
    return (
        f"The earlier cells were run again. {without(left_out)}" if restored else "The session could not be restored."
    )


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
