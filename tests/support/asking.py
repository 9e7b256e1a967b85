"""Questions put to the engine as the server would: real corpus, real local sandbox, models scripted over HTTP."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rlm_indexers.store import Corpus, Store
from rlm_mcp.engine.answer import Outcome
from rlm_mcp.engine.ask import ask
from rlm_mcp.engine.budget import BudgetLimits
from rlm_mcp.engine.scratch import run_cell
from rlm_mcp.models.calls import Calls, Patience
from rlm_mcp.models.litellm_door import LitellmModel
from rlm_sandbox.base import Limits
from rlm_sandbox.local import LocalProvider
from tests.support.scripted_model import Asked, ScriptedModel

JSON = Any
ROOT, SUB = "root", "sub"
QUICK = Patience(first_wait=0.01, longest_wait=0.02)


@dataclass
class Records:
    """A journal in memory."""

    rows: list[dict[str, JSON]] = field(default_factory=list)

    def write(self, kind: str, **fields: JSON) -> None:
        self.rows.append({"kind": kind, **fields})

    def of(self, kind: str) -> list[dict[str, JSON]]:
        return [row for row in self.rows if row["kind"] == kind]


@dataclass
class Answered:
    """An outcome, and what was seen on the way to it."""

    outcome: Outcome
    records: Records
    server: ScriptedModel

    @property
    def told(self) -> list[str]:
        """What the root was told, turn by turn; the first is the warm start."""
        return [str(request.messages[-1]["content"]) for request in self.server.asked(ROOT)]

    def root_requests(self) -> list[Asked]:
        return self.server.asked(ROOT)


def cell(code: str) -> str:
    """A reply of one block."""
    return f"```repl\n{code}\n```"


def echo(asked: Asked) -> str:
    """A sub-model that says the start of what it was asked."""
    return asked.text[:200]


def load(folder: Path, cache: Path, **options: JSON) -> Corpus:
    return Store(cache).load(str(folder), cwd=folder, **options).corpus


def answered(
    corpus: Corpus,
    root: Iterable[str] | Callable[[Asked], Any],
    sub: Any = echo,
    *,
    question: str = "What is it?",
    strategy: str = "loop",
    delay: float = 0.0,
    models: tuple[str, str] = (f"openai/{ROOT}", f"openai/{SUB}"),
    limits: BudgetLimits | None = None,
    session_limits: Limits | None = None,
    **options: JSON,
) -> Answered:
    """The question, answered by the scripts. Runs an event loop of its own."""
    script = {models[0].partition("/")[2]: root if callable(root) else list(root), models[1].partition("/")[2]: sub}
    with ScriptedModel(script, delay=delay) as server:
        records = options.pop("records", None) or Records()
        outcome = asyncio.run(
            _ask(server, models, corpus=corpus, question=question, strategy=strategy, records=records,
                 limits=limits or BudgetLimits(), session_limits=session_limits, **options)
        )  # fmt: skip
        return Answered(outcome, records, server)


async def _ask(server: ScriptedModel, models: tuple[str, str], *, records: Records, **options: JSON) -> Outcome:
    provider, calls = LocalProvider(), Calls(patience=QUICK)
    made = [LitellmModel(name, api_base=server.url, api_key="none") for name in models]
    try:
        return await ask(provider=provider, root=made[0], sub=made[1], calls=calls, journal=records, **options)
    finally:
        await calls.close()
        await provider.close()
        for model in made:
            await model.close()


def printed(corpus: Corpus, code: str) -> str:
    """What one cell over a corpus prints; it may not raise."""

    async def once() -> dict[str, JSON]:
        provider = LocalProvider()
        try:
            return await run_cell(code, corpus, provider)
        finally:
            await provider.close()

    result = asyncio.run(once())
    assert result["error"] is None, result["error"]
    return str(result["stdout"])
