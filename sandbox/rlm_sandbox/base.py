"""The contract: a Provider isolates code, a Session is one live REPL in it.

A session maps one blob of bytes read-only, holds a Python namespace that outlives each cell, and can reach the host
only through a fixed table of host calls. What the blob means, and what the calls do, is the business of whoever opens
the session. Nothing that comes out of a session is believed: it is data from an adversary.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

JSON = Any
"""What `json.dumps` accepts. Past the wall it is parsed and size-capped; its shape is the handler's to check."""

HostCall = Callable[[dict[str, JSON]], Awaitable[JSON]]
"""Answers one host call: keyword arguments in, JSON out. Raise HostCallError for a failure that the cell should see."""


class HostCallError(Exception):
    """A host call that failed in a way the cell may handle: it is re-raised there as `HostCallError(kind, message)`."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on one session. Times in seconds, sizes in bytes unless the name says MB (10^6)."""

    cell_seconds: float = 60.0
    """How long a cell may compute; time spent waiting for host calls does not count."""
    grace_seconds: float = 1.0
    """After the interrupt, how long a cell may take to stop before its process is killed."""
    memory_mb: int = 1024
    """Private memory of the child; the mapped blob does not count."""
    output_bytes: int = 20_000
    """How much of a cell's output comes back: head and tail, with the true size."""
    output_kept_bytes: int = 8_000_000
    """How much of it the child keeps, as `out[n]`."""
    frame_bytes: int = 8 * 1024 * 1024
    cell_traffic_bytes: int = 64 * 1024 * 1024
    """What one cell may send to the host in all its frames; and be answered, before its calls are refused."""
    calls_per_cell: int = 10_000
    calls_in_flight: int = 256
    processes: int = 48
    """Threads the child may have; it can have no processes."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A content-addressed part of a blob: what is uploaded, or found to be there already."""

    sha256: str
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes that a session maps read-only, as `path` on the host. The segments cover them without gaps, in order."""

    path: Path
    sha256: str
    size: int
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class Preload:
    """A module of the standard library's means only, loaded into the child before it locks itself.

    Modules are loaded in order and become importable by name. After the last one, each that defines `setup(session)`
    has it called, inside the lock: `session` offers `.blob`, a read-only memoryview or None, whose `.obj` is the mmap
    itself; `.call(name, **arguments)`, a host call; `.HostCallError`, what such a call raises, with `.kind` and
    `.message`; `.arguments`, the dict given to `open`. The dict it returns enters the namespace as reserved names,
    restored after each cell. Each that defines `after_cell(namespace)` has it called after each cell; the last JSON
    value returned is the result's `state`.
    """

    name: str
    source: str


@dataclass(frozen=True, slots=True)
class CellError:
    """Why a cell did not end well. `kind`: the exception's class, or `Interrupted`, `Timeout`, `Died`, `Protocol`."""

    kind: str
    message: str
    traceback: str = ""
    """Frames of the cell only, with its line numbers."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One host call and what it answered, as a journal keeps it: exactly one of `value` and `error` counts."""

    name: str
    arguments: JSON
    """As given; or, when longer than 16 KiB as JSON, `{"sha256": …, "bytes": …}` of that: enough to know them again."""
    value: JSON = None
    error: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class CellRecord:
    """A cell that ran, with its host calls' answers in the order they were given: enough to run it again."""

    code: str
    answers: tuple[Answer, ...] = ()
    stopped_line: int | None = None
    """Set when the cell was interrupted there: run again, only the statements that end before this line are run."""
    seconds: float | None = None
    """What it computed; run again it may take a few times as long. None: as long as any cell."""


@dataclass(frozen=True, slots=True)
class CellResult:
    """What one cell did."""

    stdout: str
    """Head and tail when longer than `Limits.output_bytes`; the cut is marked in the text."""
    stdout_bytes: int
    """The true size, in bytes of UTF-8."""
    error: CellError | None
    calls: int
    seconds: float
    """Time spent computing, without waits for host calls."""
    died: bool
    """The process was lost. The session is still usable if it could be restored by replay: then `restored` is True."""
    restored: bool = False
    """Restored by replay: after this cell when it `died`, else before it, the process having been lost in between."""
    left_out: tuple[int, ...] = ()
    """Earlier cells, by their number in the session (from 1), that broke the process a second time when they were run
    again, or are under suspicion of it: the session was restored without them, and names they made are gone."""
    state: JSON = None
    """What the preloaded `after_cell` returned."""
    answers: tuple[Answer, ...] = field(default=(), repr=False)
    """Every host call of this cell and its answer, for the journal."""
    stopped_line: int | None = None
    """Where an interrupted cell was stopped; belongs into its CellRecord. A cell that `died` is not to be recorded."""


def without(cells: Sequence[int]) -> str:
    """A sentence for whoever may miss the names of these cells; "" for none."""
    if not cells:
        return ""
    who, it = ("Cells", "they") if len(cells) > 1 else ("Cell", "it")
    were = "were" if len(cells) > 1 else "was"
    return (
        f"{who} {', '.join(map(str, cells))} {were} left out: {it} broke the process twice; names made there are gone."
    )


@dataclass(frozen=True, slots=True)
class Probe:
    """Whether a provider works here, found out by starting one. `reasons` are sentences for a person."""

    provider: str
    available: bool
    isolation: str
    """`microvm`, `container`, `kernel-policy` or `none`."""
    reasons: tuple[str, ...]


class Session(Protocol):
    """One persistent REPL. Not safe for two cells at a time; everything else may be called while a cell runs."""

    async def exec(self, code: str, *, seconds: float | None = None) -> CellResult:
        """What running `code` did. Its failures are in the result; SessionLost means that no REPL is left."""
        ...

    async def interrupt(self) -> None:
        """Stop the running cell, if there is one; its namespace is kept when the cell lets go in time."""
        ...

    async def child(self, *, arguments: Mapping[str, JSON], host_calls: Mapping[str, HostCall]) -> "Session":
        """A session of its own over the same blob, with the same preloads and limits."""
        ...

    async def replay(self, records: Sequence[CellRecord]) -> None:
        """Run recorded cells again with recorded answers: the namespace is what it was. Makes no live host call.

        A cell that breaks the process is left out; the next result says so.
        """
        ...

    async def close(self) -> None:
        """End the process. Idempotent."""
        ...


@runtime_checkable
class Serving(Protocol):
    """A provider that keeps something elsewhere, which can carry the name of the run that it is there for."""

    def serve(self, run: str) -> None:
        """A run begins, whose sessions this provider will open. Returns at once, and never fails."""
        ...


class Provider(Protocol):
    """A way to isolate code."""

    name: str

    async def probe(self) -> Probe:
        """Whether it works here and what it holds, by starting one and attacking it. Never raises."""
        ...

    async def publish(self, blob: Blob, *, progress: Callable[[str], None] | None = None) -> None:
        """Make the blob mappable by sessions. Idempotent: only segments that are missing are moved."""
        ...

    async def open(
        self,
        blob: Blob | None,
        *,
        preloads: Sequence[Preload] = (),
        host_calls: Mapping[str, HostCall] | None = None,
        arguments: Mapping[str, JSON] | None = None,
        limits: Limits | None = None,
    ) -> Session:
        """A new session over a published blob. Raises SandboxUnavailable with the way out."""
        ...

    async def close(self) -> None:
        """End every session and whatever was started for them."""
        ...
