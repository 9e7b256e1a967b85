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
from rlm_mcp.errors import RlmError, RunBusy, RunNotFound

JSON = Any
logger = logging.getLogger(__name__)

JOURNAL_NAME = "journal.jsonl"
CANCEL_NAME = "cancel"
"""A file beside a journal that asks whichever process works on the run to stop."""
KNOWN_CHARS = 2_000
CANCEL_SECONDS = 0.25
"""How often that file is looked for."""


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
    recorded: tuple[dict[str, JSON], ...] = ()
    """What the journal held when this run was resumed."""
    task: "asyncio.Task[None] | None" = None
    ending: str = "interrupted"
    """What being stopped means: `cancelled` for good, or `interrupted`, to be resumed."""
    watcher: "asyncio.Task[None] | None" = None
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
        run_id = f"r-{time.strftime('%m%d%H%M%S')}-{secrets.token_hex(3)}"
        run = Run(run_id, question, corpus, key, journal.FileJournal(self.folder / run_id / JOURNAL_NAME))
        run.journal.write("run", id=run.id, question=question, corpus=corpus, options=options)
        return self._begin(run, work)

    def resume(self, run_id: str, work: Work) -> Run:
        """A run going on from where its journal ends; one that had ended gives its answer again, for nothing.

        Raises RunNotFound, or RunBusy while it is under way.
        """
        records = tuple(self.show(run_id))
        first = records[0] if records and records[0]["kind"] == "run" else {}
        question, corpus, options = (first.get(field, "") for field in ("question", "corpus", "options"))
        try:
            reopened = journal.FileJournal(self.folder / run_id / JOURNAL_NAME)
        except journal.JournalBusy as busy:
            raise RunBusy(f"Run {run_id} is under way in another process. Wait for it, or cancel it.") from busy
        (self.folder / run_id / CANCEL_NAME).unlink(missing_ok=True)
        reopened.write("resumed", records=len(records))
        return self._begin(
            Run(run_id, question, corpus, _key(question, corpus, options), reopened, recorded=records), work
        )

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
        """Stop the run's work at once, for good; what it knew stays in its journal. Returns when it has stopped."""
        await self._stop(run, "cancelled")

    async def interrupt(self, run: Run) -> None:
        """Stop the run's work at once; it can be resumed. Returns when it has stopped."""
        await self._stop(run, "interrupted")

    async def _stop(self, run: Run, ending: str) -> None:
        if run.task is not None and not run.ended:
            run.ending = ending
            run.task.cancel()
            await asyncio.wait([run.task])

    def request_cancel(self, run_id: str) -> None:
        """Ask whichever process works on a run to stop. Raises RunNotFound, or RunBusy when none does."""
        path = self._journal_of(run_id)
        if not journal.is_written(path):
            raise RunBusy(f"Run {run_id} is not under way. See: rlm-mcp runs show {run_id}.")
        path.with_name(CANCEL_NAME).touch()

    async def close(self) -> None:
        """Interrupt whatever still runs."""
        for run in list(self._live.values()):
            await self.interrupt(run)

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
        return journal.read(self._journal_of(run_id))

    def known(self, run_id: str) -> str:
        """What a run without an answer came to, in words: its turns and the last output of a cell."""
        records = list(self.show(run_id))
        turns = sum(record["kind"] == "model_reply" for record in records)
        outputs = [str(record.get("stdout", "")).strip() for record in records if record["kind"] == "cell_result"]
        last = f" The last output:\n{outputs[-1][-KNOWN_CHARS:]}" if outputs else ""
        return f"It had taken {turns} turns; its record: rlm-mcp runs show {run_id}.{last}"

    def _journal_of(self, run_id: str) -> Path:
        path = self.folder / run_id / JOURNAL_NAME
        if "/" in run_id or not path.is_file():
            known = ", ".join(p.parent.name for p in sorted(self.folder.glob(f"*/{JOURNAL_NAME}"))[-5:]) or "none"
            raise RunNotFound(f"No run {run_id!r} in {self.folder}. The last: {known}. See: rlm-mcp runs list.")
        return path

    def _begin(self, run: Run, work: Work) -> Run:
        run.task = asyncio.create_task(self._answer(run, work), name=f"run {run.id}")
        run.watcher = asyncio.create_task(_cancel_on_request(run))
        self._live[run.id] = run
        return run

    async def _answer(self, run: Run, work: Work) -> None:
        def say(message: str) -> None:
            run.message = message

        try:
            run.result = await work(run, say)
        except asyncio.CancelledError as cancelled:
            run.error = cancelled
            if run.ending == "cancelled":
                run.journal.write("outcome", status="cancelled", reason="somebody cancelled it")
            else:
                run.journal.write("interrupted")
        except Exception as error:  # whatever a run dies of belongs to whoever waits for it
            if not isinstance(error, RlmError):
                logger.exception("run %s failed", run.id)
            run.error = error
            run.journal.write("outcome", status="failed", reason=f"{type(error).__name__}: {error}")
        finally:
            run.journal.close()
            if run.watcher is not None:
                run.watcher.cancel()
            async with run.changed:
                run.changed.notify_all()


async def _cancel_on_request(run: Run) -> None:
    """Cancels the run when another process asks for it."""
    wish = run.journal.path.with_name(CANCEL_NAME)
    while not run.ended:
        await asyncio.sleep(CANCEL_SECONDS)
        if wish.exists() and run.task is not None:
            run.ending = "cancelled"
            run.task.cancel()
            return


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
    if summary["status"] == "unfinished" and journal.is_written(path):
        summary["status"] = "running"
    return summary
