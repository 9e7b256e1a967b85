"""What one run and its children share, and what it says while it works."""

import asyncio
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rlm_mcp.engine.replay import NOTHING_RECORDED, Recorded
from rlm_mcp.engine.texts import Texts
from rlm_mcp.journal import Journal
from rlm_mcp.models.base import Model
from rlm_sandbox.base import Limits

if TYPE_CHECKING:
    from rlm_indexers.store import Corpus
    from rlm_mcp.models.calls import Calls

JSON = Any


@dataclass(frozen=True, slots=True)
class Progress:
    """What a run is doing now. `str(progress)` is one line for a person."""

    iteration: int
    iterations: int
    calls: int
    usd: float | None
    doing: str

    def __str__(self) -> str:
        money = "" if not self.usd else f", ${self.usd:.3f}"
        calls = f", {self.calls} sub-calls" if self.calls else ""
        return f"turn {self.iteration}/{self.iterations}{calls}{money}: {self.doing}"


class Room:
    """Wakes those who wait for a budget's room when some is given back."""

    def __init__(self) -> None:
        self._waiting: list[asyncio.Future[None]] = []

    async def wait(self) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        await future

    def freed(self) -> None:
        for future in self._waiting:
            if not future.done():
                future.set_result(None)
        self._waiting.clear()


class Branch:
    """A journal whose records say which child of the run they belong to."""

    def __init__(self, journal: Journal, path: str = "") -> None:
        self._journal = journal
        self.path = path
        """Empty for the run's own loop; `2-<name>` for a child of cell 2, `2-<name>/1-<name>` for a child of that."""

    def branch(self, path: str) -> "Branch":
        """The journal of a child."""
        return Branch(self._journal, path)

    def write(self, kind: str, **fields: JSON) -> None:
        self._journal.write(kind, **({"child": self.path} if self.path else {}), **fields)


@dataclass(frozen=True, slots=True)
class Scope:
    """Everything that a loop and its host calls work with."""

    texts: Texts
    """The corpus, and what was made of its history in this run."""
    root: Model
    sub: Model
    calls: "Calls"
    journal: Branch
    progress: Callable[[Progress], None]
    limits: Limits
    run: str
    """Calls of different runs take turns; children take theirs with their parent."""
    recorded: Recorded = NOTHING_RECORDED
    room: Room = field(default_factory=Room)

    @property
    def corpus(self) -> "Corpus":
        return self.texts.corpus


def digest(*parts: JSON) -> str:
    """A short name for what was asked: equal parts, equal names."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:32]
