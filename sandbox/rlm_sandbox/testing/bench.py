"""What the checks stand on: a provider, blobs, host calls that can be waited for, and a way to say what is broken."""

import asyncio
import hashlib
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from rlm_sandbox.base import (
    JSON,
    Blob,
    CellResult,
    HostCall,
    HostCallError,
    Limits,
    Preload,
    Provider,
    Segment,
    Session,
)

HELPER = Preload(
    "helper",
    '''"""What the checks ask of the inside."""
import functools

def setup(session):
    names = {"blob": session.blob, "arguments": session.arguments, "HostCallError": session.HostCallError}
    for name in ("echo", "fail", "crash", "wait", "missing"):
        names[name] = functools.partial(session.call, name)
    return names

def after_cell(namespace):
    return {"x": namespace.get("x")}
''',
)

PATIENCE_SECONDS = 60.0
"""For anything that must end; never asserted on, only waited for."""

ENDLESS = "while True: pass"
HUNGRY_REGEX = "import re\nre.match(r'(a+)+$', 'a' * 64 + 'b')"
STUBBORN = "while True:\n    try:\n        while True: pass\n    except BaseException: pass"


class BrokenContract(AssertionError):
    """A provider does not do what base.py says."""


def expect(holds: bool, what: str, seen: object = None) -> None:
    """Raises BrokenContract unless it holds."""
    if not holds:
        raise BrokenContract(f"{what}; seen: {seen!r}" if seen is not None else what)


def make_blob(folder: Path, data: bytes, segment_bytes: int = 1 << 20) -> Blob:
    """`data` as a blob on disk."""
    path = folder / f"{hashlib.sha256(data).hexdigest()[:16]}.blob"
    path.write_bytes(data)
    parts = range(0, len(data), segment_bytes)
    segments = tuple(
        Segment(hashlib.sha256(data[at : at + segment_bytes]).hexdigest(), at, len(data[at : at + segment_bytes]))
        for at in parts
    )
    return Blob(path, hashlib.sha256(data).hexdigest(), len(data), segments)


class Bench:
    """A provider, a folder for blobs, and host calls that can be waited for."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self.asked: list[dict[str, JSON]] = []
        self.waiting = asyncio.Event()
        """Set when a `wait` call has arrived."""
        self.release = asyncio.Event()
        """Set it to have `wait` calls answered."""

    async def __aenter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="sandbox-contract-")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.provider.close()
        self._folder.cleanup()

    def calls(self) -> Mapping[str, HostCall]:
        """The table: echo its arguments, fail in a typed way, crash, wait until released."""
        return {"echo": self._echo, "fail": self._fail, "crash": self._crash, "wait": self._wait}

    async def _echo(self, arguments: dict[str, JSON]) -> JSON:
        self.asked.append(arguments)
        return arguments

    async def _fail(self, arguments: dict[str, JSON]) -> JSON:
        raise HostCallError("refused", f"no {arguments['what']} today")

    async def _crash(self, arguments: dict[str, JSON]) -> JSON:
        raise RuntimeError(f"the key is hunter2, {arguments}")

    async def _wait(self, arguments: dict[str, JSON]) -> JSON:
        self.waiting.set()
        await self.release.wait()
        return arguments

    async def open(self, data: bytes | None = None, *, limits: Limits | None = None) -> Session:
        """A session with the helper preloaded, over `data` if given."""
        blob = None
        if data is not None:
            blob = make_blob(Path(self._folder.name), data)
            await self.provider.publish(blob)
        limits = limits or Limits(cell_seconds=PATIENCE_SECONDS, memory_mb=512)
        return await self.provider.open(
            blob, preloads=[HELPER], host_calls=self.calls(), arguments={"depth": 0}, limits=limits
        )


Check = Callable[[Bench], Awaitable[None]]


async def run(session: Session, code: str, seconds: float | None = None) -> CellResult:
    """The cell's result, which must come."""
    return await asyncio.wait_for(session.exec(code, seconds=seconds), 2 * PATIENCE_SECONDS)


async def printed(session: Session, code: str) -> str:
    """What a cell printed that must not fail."""
    result = await run(session, code)
    expect(result.error is None, f"{code!r} runs", result.error)
    return result.stdout


async def failed(session: Session, code: str, kind: str) -> CellResult:
    """The result of a cell that must end with an error of this kind."""
    result = await run(session, code)
    expect(result.error is not None and result.error.kind == kind, f"{code!r} ends with {kind}", result)
    return result
