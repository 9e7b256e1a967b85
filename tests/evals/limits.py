"""The budget table: roots that spend without end, a limit for each, and by how much it was overshot."""

import asyncio
import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rlm_mcp import render
from tests.evals import shapes
from tests.evals.corpora import Task
from tests.evals.house import house
from tests.evals.model import Remote, Seen, Steering

JSON = Any
PATIENCE = 90.0
"""Seconds after which a run that does not end counts as endless."""


@dataclass(frozen=True, slots=True)
class Case:
    """A bomb, and the setting that must stop it."""

    bomb: str
    setting: str
    limit: float
    spent: Callable[[dict[str, JSON], Seen, float], float]
    settings: dict[str, object] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """What became of it. `overshoot` in the limit's own unit."""

    bomb: str
    setting: str
    limit: float
    spent: float
    status: str
    reason: str
    got: str
    """The first line of what the agent was given."""
    caller_tokens: int
    seconds: float

    @property
    def overshoot(self) -> float:
        return max(0.0, round(self.spent - self.limit, 6))

    def as_json(self) -> dict[str, JSON]:
        return dataclasses.asdict(self) | {"overshoot": self.overshoot}


def _calls(result: dict[str, JSON], seen: Seen, __: float) -> float:
    """All requests but the root's own turns and its last words: sub-calls, and the turns of children."""
    return len(seen.requests) - result["usage"]["iterations"] - 1


def _usd(result: dict[str, JSON], _: Seen, __: float) -> float:
    return float(result["usage"]["usd"] or 0.0)


def _tokens(result: dict[str, JSON], _: Seen, __: float) -> float:
    return float(result["usage"]["input_tokens"] + result["usage"]["output_tokens"])


def _turns(_: dict[str, JSON], seen: Seen, __: float) -> float:
    return len(seen.root) - 1  # the last request, for the best answer, is not a turn


def _seconds(_: dict[str, JSON], __: Seen, seconds: float) -> float:
    return round(seconds, 2)


def _errors(_: dict[str, JSON], seen: Seen, __: float) -> float:
    return len(seen.root) - 2  # the first cell goes well


CASES = (
    Case("fan_out", "max_calls", 200, _calls),
    Case("fan_out", "budget_usd", 0.02, _usd),
    Case("fan_out", "max_tokens", 60_000, _tokens),
    Case("nested", "max_calls", 100, _calls, {"max_depth": 2, "max_iterations": 4}),
    Case("nested", "budget_usd", 0.10, _usd, {"max_depth": 2}),
    Case("nested", "max_seconds", 5, _seconds, {"max_depth": 3}),
    Case("fat", "max_tokens", 2_000_000, _tokens, {"max_iterations": 6}),
    Case("endless", "max_seconds", 3, _seconds),
    Case("endless", "max_errors", 3, _errors, {"cell_timeout": 1}),
    Case("stubborn", "max_errors", 3, _errors, {"cell_timeout": 1}),
    Case("sleeping", "max_seconds", 3, _seconds),
    Case("sleeping", "max_errors", 3, _errors, {"cell_timeout": 1}),
    Case("printing", "max_iterations", 5, _turns),
    Case("talking", "max_iterations", 5, _turns),
    Case("silent", "max_errors", 3, lambda _, seen, __: len(seen.root) - 1),
)


async def table(remote: Remote) -> list[Held]:
    """Every case, one after the other."""
    return [await held(case, remote) for case in CASES]


async def held(case: Case, remote: Remote) -> Held:
    """What one case comes to."""
    settings = {case.setting: case.limit, **case.settings}
    async with house(remote, **settings) as home:
        task = tiny(f"{case.bomb} until {case.setting}")
        corpus = await home.loaded(task)
        remote.steer(Steering(policy=case.bomb))
        started = time.perf_counter()
        try:
            async with asyncio.timeout(PATIENCE):
                result = await home.answer(task.question, corpus)
        except TimeoutError:
            result = {**_NEVER}
        seconds = time.perf_counter() - started
        return _held(case, result, remote.seen(), seconds)


_NEVER: dict[str, JSON] = {
    "status": "NEVER ENDED",
    "reason": "",
    "answer": "",
    "usage": {"usd": 0, "input_tokens": 0, "output_tokens": 0, "iterations": 0},
}


def _held(case: Case, result: dict[str, JSON], seen: Seen, seconds: float) -> Held:
    text = render.answer(result) if "citations" in result else ""
    return Held(
        bomb=case.bomb,
        setting=case.setting,
        limit=case.limit,
        spent=case.spent(result, seen, seconds),
        status=result["status"],
        reason=result["reason"],
        got=text.split("\n")[0],
        caller_tokens=len(text.encode()) // 4,
        seconds=round(seconds, 2),
    )


def tiny(question: str) -> Task:
    """A corpus of one short file."""
    files = {shapes.FILE: "The first line.\nThe second line.\n"}
    return Task(
        "tiny", 2, 1, hostile=False, question=question, answer="", evidence=frozenset({(shapes.FILE, 1)}), files=files
    )
