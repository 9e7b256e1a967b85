"""Runs: one question being answered, in a task of its own that outlives the request that began it."""

import asyncio
import contextlib
import hashlib
import json
import logging
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rlm_mcp import journal
from rlm_mcp.errors import RlmError, RunNotFound

JSON = Any
logger = logging.getLogger(__name__)

JOURNAL_NAME = "journal.jsonl"


@dataclass(eq=False, slots=True)
class Run:
    """One question being answered. It ended when `result` is set, or `error`: it could not be answered at all."""

    id: str
    question: str
    corpus: str
    key: str
    journal: journal.FileJournal
    started: float = field(default_factory=time.monotonic)
    message: str = "starting"
    result: dict[str, JSON] | None = None
    error: BaseException | None = None
    task: "asyncio.Task[None] | None" = None
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def ended(self) -> bool:
        return self.result is not None or self.error is not None

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started


Work = Callable[[Run, Callable[[str], None]], Awaitable[dict[str, JSON]]]
"""Answers a run's question: gives its result as JSON, and says what it is doing through the callback."""


class Runs:
    """The runs of this server, and the journals of all runs that ever used this folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._live: dict[str, Run] = {}

    def start(self, *, question: str, corpus: str, options: JSON, work: Work) -> Run:
        """A run that answers `question`. An identical one that is still running is joined instead of begun again."""
        key = _key(question, corpus, options)
        for run in self._live.values():
            if run.key == key and not run.ended:
                return run
        run = self._create(question, corpus, key)
        run.journal.write("run", id=run.id, question=question, corpus=corpus, options=options)
        run.task = asyncio.create_task(self._answer(run, work), name=f"run {run.id}")
        self._live[run.id] = run
        return run

    async def wait(self, run: Run, seconds: float | None = None) -> bool:
        """Whether the run ended, after waiting at most `seconds`. Being cancelled here leaves the run alone."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds), run.changed:
                await run.changed.wait_for(lambda: run.ended)
        return run.ended

    async def watch(self, run: Run, *, every: float) -> AsyncIterator[str]:
        """What the run is doing, now and then at least once in `every` seconds, until it ended."""
        while not run.ended:
            yield run.message
            await self.wait(run, every)

    async def cancel(self, run: Run) -> None:
        """Stop the run's work at once; what it knew stays in its journal. Returns when it has stopped."""
        if run.task is not None:
            run.task.cancel()
            await asyncio.wait([run.task])

    async def close(self) -> None:
        """Cancel whatever still runs."""
        for run in list(self._live.values()):
            await self.cancel(run)

    def live(self, run_id: str) -> Run:
        """A run of this server. Raises RunNotFound."""
        if run_id not in self._live:
            known = ", ".join(self._live) or "none"
            raise RunNotFound(f"No run {run_id!r} in this server. Running or done here: {known}. Ask with rlm_ask.")
        return self._live[run_id]

    def list(self) -> Iterator[dict[str, JSON]]:
        """Every recorded run as {run, question, corpus, status, at}, newest first."""
        for path in sorted(self.folder.glob(f"*/{JOURNAL_NAME}"), key=lambda p: p.stat().st_mtime, reverse=True):
            yield _summary(path)

    def show(self, run_id: str) -> Iterator[dict[str, JSON]]:
        """The records of one run's journal. Raises RunNotFound."""
        path = self.folder / run_id / JOURNAL_NAME
        if "/" in run_id or not path.is_file():
            known = ", ".join(p.parent.name for p in sorted(self.folder.glob(f"*/{JOURNAL_NAME}"))[-5:]) or "none"
            raise RunNotFound(f"No run {run_id!r} in {self.folder}. The last: {known}. See: rlm-mcp runs list.")
        return journal.read(path)

    def _create(self, question: str, corpus: str, key: str) -> Run:
        run_id = f"r-{time.strftime('%m%d%H%M%S')}-{secrets.token_hex(3)}"
        return Run(run_id, question, corpus, key, journal.FileJournal(self.folder / run_id / JOURNAL_NAME))

    async def _answer(self, run: Run, work: Work) -> None:
        def say(message: str) -> None:
            run.message = message

        try:
            run.result = await work(run, say)
        except asyncio.CancelledError as cancelled:
            run.error = cancelled
            run.journal.write("outcome", status="cancelled", reason="cancelled")
        except Exception as error:  # whatever a run dies of belongs to whoever waits for it
            if not isinstance(error, RlmError):
                logger.exception("run %s failed", run.id)
            run.error = error
            run.journal.write("outcome", status="failed", reason=f"{type(error).__name__}: {error}")
        finally:
            run.journal.close()
            async with run.changed:
                run.changed.notify_all()


def _key(question: str, corpus: str, options: JSON) -> str:
    text = json.dumps([question, corpus, options], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _summary(path: Path) -> dict[str, JSON]:
    summary: dict[str, JSON] = {
        "run": path.parent.name,
        "question": "",
        "corpus": "",
        "status": "unfinished",
        "at": 0.0,
    }
    for record in journal.read(path):
        if record.get("kind") == "run":
            summary |= {key: record[key] for key in ("question", "corpus", "at") if key in record}
        elif record.get("kind") == "outcome":
            summary["status"] = record.get("status", "unfinished")
    return summary
