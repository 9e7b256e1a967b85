"""The whole engine in one process, asked as the command line asks it; only the models are scripted, over HTTP."""

import dataclasses
import itertools
import math
import os
import re
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlm_mcp import render, settings
from rlm_mcp.app import App, opened
from rlm_mcp.asking import Asking
from tests.evals.corpora import Line, Task
from tests.evals.model import ROOT, SUB, Remote, Seen, Steering
from tests.evals.policies import marked

JSON = Any
WIDEST = 64
"""Sub-calls under way at a time, at most: what the ideal wall time is counted with."""


@dataclass(frozen=True, slots=True)
class Row:
    """What one run did. Tokens are a quarter of the characters sent; seconds are wall time."""

    task: str
    policy: str
    seed: int
    corpus: str
    """The hash of its files."""
    bytes: int
    noise: str
    rate: float
    status: str
    reason: str
    exact: bool
    answer: str
    expected: str
    turns: int
    root_tokens: int
    sub_calls: int
    sub_tokens: int
    caller_tokens: int
    evidence: bool
    """Every line that proves the answer stands in a verified citation."""
    seen: bool
    """A model was shown every cited line."""
    rejected: int
    in_flight: int
    """Requests that the server was answering at a time, at most."""
    lost: int
    """Sub-calls that the engine counted and the server did not, or the reverse."""
    seconds: float
    longest_turn: float
    """Seconds between two requests of the root, at most: a reply, its cell, and all that the cell waited for."""
    ideal: float
    """The models' own time: delays, when as many sub-calls as may be under way always are, and their computing."""

    @property
    def overhead(self) -> float:
        """Seconds that were the engine's own."""
        return self.seconds - self.ideal

    def as_json(self) -> dict[str, JSON]:
        return dataclasses.asdict(self)


class House:
    """An App over a cache of its own, and the server its models are at."""

    def __init__(self, app: App, remote: Remote, folder: Path) -> None:
        self.app, self._remote, self._folder = app, remote, folder

    async def loaded(self, task: Task) -> str:
        """The task's corpus, loaded; what to call it."""
        folder = self._folder / f"{task.name.replace('/', '-')}-{task.hash}"
        if not folder.exists():
            task.write(folder)
            await self.app.library.load(str(folder))
        return str(folder)

    async def ask(self, task: Task, steering: Steering | None = None) -> Row:
        """One run of a task, by its policy unless told otherwise."""
        steering = steering or Steering(policy=task.kind)
        steering = dataclasses.replace(steering, seed=task.seed)
        corpus = await self.loaded(task)
        self._remote.steer(steering)
        started = time.perf_counter()
        result = await self.answer(marked(task.question), corpus)
        seconds = time.perf_counter() - started
        return _row(task, steering, result, self._remote.seen(), seconds)

    async def answer(self, question: str, corpus: str) -> dict[str, JSON]:
        """What `rlm-mcp ask --json` would print."""
        run = Asking(self.app).start(question, corpus)
        await self.app.runs.wait(run)
        if run.error is not None:
            raise run.error
        assert run.result is not None
        return run.result


@asynccontextmanager
async def house(remote: Remote, **limits: object) -> AsyncIterator[House]:
    """A house with an empty cache, gone at the end. `limits` are settings."""
    with tempfile.TemporaryDirectory(prefix="rlm-evals-") as home:
        os.environ.update(OPENAI_BASE_URL=remote.url, OPENAI_API_KEY="none")
        known = {"model": f"openai/{ROOT}", "sub_model": f"openai/{SUB}", "sandbox": "local", "strategy": "loop"}
        chosen = settings.load({}, **(known | {"cache_dir": f"{home}/cache", "budget_usd": 50} | limits))
        async with opened(chosen, cwd=Path(home)) as app:
            yield House(app, remote, Path(home))


def _row(task: Task, steering: Steering, result: dict[str, JSON], seen: Seen, seconds: float) -> Row:
    answer = re.search(r"ANSWER: ([^\n]*)", result["answer"])
    given = answer[1].strip() if answer else ""
    return Row(
        task=task.name,
        policy=steering.policy,
        seed=task.seed,
        corpus=task.hash,
        bytes=task.bytes,
        noise=steering.noise,
        rate=steering.rate,
        status=result["status"],
        reason=result["reason"],
        exact=given == task.answer,
        answer=given,
        expected=task.answer,
        turns=len(seen.root),
        root_tokens=sum(row["tokens"] for row in seen.root),
        sub_calls=len(seen.sub),
        sub_tokens=sum(row["tokens"] for row in seen.sub),
        caller_tokens=len(render.answer(result).encode()) // 4,
        evidence=task.evidence <= _cited(result),
        seen=all(row["seen"] for row in result["citations"]),
        rejected=len(result["rejected"]),
        in_flight=max(row["in_flight"] for row in seen.requests),
        lost=abs(len(seen.sub) - (result["usage"]["calls"] - result["usage"]["cached_calls"])),
        seconds=round(seconds, 4),
        longest_turn=max((b["at"] - a["at"] for a, b in itertools.pairwise(seen.root)), default=0.0),
        ideal=round(seen.busy + ideal(steering, len(seen.root), len(seen.sub)), 4),
    )


def ideal(steering: Steering, turns: int, sub_calls: int) -> float:
    """Seconds that the models take when the engine takes none."""
    return turns * steering.root_delay + math.ceil(sub_calls / WIDEST) * steering.sub_delay


def _cited(result: dict[str, JSON]) -> set[Line]:
    """The lines that stand in citations which hold."""
    return {
        (row["document"], line)
        for row in result["citations"]
        if row["state"] != "rejected"
        for line in range(row["start_line"], row["end_line"] + 1)
    }
