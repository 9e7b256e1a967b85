"""From a question about a corpus to an outcome: the engine's front door."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from rlm_mcp.engine import prompt_files, warm_start
from rlm_mcp.engine.answer import Outcome
from rlm_mcp.engine.budget import Budget, BudgetLimits
from rlm_mcp.engine.children import Children
from rlm_mcp.engine.conversation import Conversation
from rlm_mcp.engine.host_calls import HostCalls
from rlm_mcp.engine.loop import Loop
from rlm_mcp.engine.replay import NOTHING_RECORDED, Recorded
from rlm_mcp.engine.scope import Branch, Progress, Scope, digest
from rlm_mcp.engine.seen import Ledger
from rlm_mcp.engine.sessions import open_session, shown
from rlm_mcp.engine.sub_model import SubModel
from rlm_mcp.journal import Journal
from rlm_mcp.models.base import Model
from rlm_sandbox.base import Limits, Provider

if TYPE_CHECKING:
    from rlm_indexers.store import Corpus
    from rlm_mcp.models.calls import Calls


async def ask(  # noqa: PLR0913 - the parts of a run, each named
    *,
    question: str,
    corpus: "Corpus",
    provider: Provider,
    root: Model,
    sub: Model,
    calls: "Calls",
    limits: BudgetLimits,
    journal: Journal,
    session_limits: Limits | None = None,
    progress: Callable[[Progress], None] = lambda _: None,
    recorded: Recorded = NOTHING_RECORDED,
) -> Outcome:
    """The outcome of asking `question` about `corpus`.

    Raises ModelError when the root model cannot be reached at all, SandboxUnavailable when no session can be had.
    Cancelling it ends the session, its cells and every sub-call at once. `recorded`: what an earlier, interrupted try
    wrote to its journal; nothing in it is paid for again.
    """
    budget, ledger = Budget(limits), Ledger(corpus.pack)
    bounds = shown(session_limits or Limits())
    branch = Branch(journal)
    scope = Scope(corpus, root, sub, calls, branch, progress, bounds, digest(question, id(journal)), recorded)
    first = await asyncio.to_thread(warm_start.first_message, question, corpus)
    ledger.record(first, looked=False)
    conversation = Conversation(prompt_files.load("root"), first)
    children = Children(scope, budget, ledger)
    table = HostCalls(scope, budget, SubModel(scope, budget, ledger), conversation, children.run)
    session = await open_session(
        corpus, provider, table.table(), bounds, lambda told: progress(_preparing(limits, told))
    )
    try:
        children.session = session
        return await Loop(scope, budget, ledger, conversation, table, session).run()
    finally:
        await session.close()


def _preparing(limits: BudgetLimits, told: str) -> Progress:
    return Progress(0, limits.iterations, 0, None, told)
