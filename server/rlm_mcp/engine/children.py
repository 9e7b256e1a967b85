"""`rlm_query`: child runs, each with a session, a loop and a budget of its own, over the same corpus."""

import asyncio
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rlm_mcp.engine import prompt_files, warm_start
from rlm_mcp.engine.answer import Outcome
from rlm_mcp.engine.budget import Budget
from rlm_mcp.engine.conversation import Conversation
from rlm_mcp.engine.host_calls import HostCalls
from rlm_mcp.engine.loop import Loop
from rlm_mcp.engine.root_model import RootModel
from rlm_mcp.engine.scope import Scope, digest
from rlm_mcp.engine.seen import Ledger
from rlm_mcp.engine.sub_model import Row, SubModel, failure
from rlm_mcp.models.errors import ModelError
from rlm_sandbox.errors import SandboxError

if TYPE_CHECKING:
    from rlm_sandbox.base import Session

JSON = Any
WIDEST = 8
"""Children of one parent at work at a time: each holds a process."""


class Children:
    """The children of one loop. `session` is the parent's: theirs are opened beside it."""

    def __init__(self, scope: Scope, budget: Budget, ledger: Ledger) -> None:
        self._scope, self._budget, self._ledger = scope, budget, ledger
        self._names: Counter[str] = Counter()
        self._slots = asyncio.Semaphore(WIDEST)
        self.session: Session | None = None

    async def run(self, cell: int, questions: list[str], spans: list[JSON]) -> list[Row]:
        """A row per question, in order. Cancelling ends them all."""
        jobs = [(self._name(cell, *job), *job) for job in zip(questions, spans, strict=True)]
        return list(await asyncio.gather(*(self._one(*job) for job in jobs)))

    def _name(self, cell: int, question: str, spans: JSON) -> str:
        """The child's place in the journal: the same again when the cell is run again, in whatever order it asks."""
        name = f"{cell}-{digest(question, spans)[:8]}"
        self._names[name] += 1
        again = f"-{self._names[name]}" if self._names[name] > 1 else ""
        above = self._scope.journal.path
        return f"{above}/{name}{again}" if above else name + again

    async def _one(self, path: str, question: str, spans: JSON) -> Row:
        async with self._slots:
            if reason := self._budget.closed():
                return failure("budget", reason)
            try:
                outcome = await self._answer(path, question, spans)
            except (ModelError, SandboxError) as error:
                return failure(getattr(error, "kind", "sandbox"), str(error))
        if outcome.status == "failed":
            return failure("failed", outcome.reason)
        note = f"[partial: {outcome.reason}]\n" if outcome.status == "partial" else ""
        return {"ok": True, "text": note + outcome.answer}

    async def _answer(self, path: str, question: str, spans: JSON) -> Outcome:
        if self.session is None:
            raise SandboxError("the parent has no session")
        scope = replace(self._scope, journal=self._scope.journal.branch(path))
        budget, ledger = self._budget.child(), self._ledger.child()
        first = f"Question: {question}\n\n{warm_start.facts(scope.corpus)}\n\n{_handed(spans)}"
        conversation = Conversation(prompt_files.load("root") + "\n\n" + prompt_files.load("child"), first)
        children = Children(scope, budget, ledger)
        calls = HostCalls(scope, budget, SubModel(scope, budget, ledger), conversation, children.run)
        scope.journal.write("child", question=question, depth=budget.depth, spans=spans and len(spans))
        session = await self.session.child(arguments={"spans": spans}, host_calls=calls.table())
        try:
            children.session = session
            return await Loop(RootModel(scope, budget), ledger, conversation, calls, session).run()
        finally:
            await session.close()


def _handed(spans: JSON) -> str:
    """What the child was handed, by address."""
    if not spans:
        return "You were handed no spans: the whole corpus is yours to search."
    listed = "\n".join(f"- {document}:{start}-{end}" for document, start, end in spans[:20])
    more = f"\n- and {len(spans) - 20} more" if len(spans) > 20 else ""
    return f"You were handed {len(spans)} spans, in `given`:\n{listed}{more}"
