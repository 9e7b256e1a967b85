"""One cell in a fresh session over a corpus, without any model: what `rlm-mcp exec` runs."""

from typing import TYPE_CHECKING, Any

from rlm_mcp.engine.budget import Budget, BudgetLimits
from rlm_mcp.engine.conversation import Conversation
from rlm_mcp.engine.host_calls import HostCalls
from rlm_mcp.engine.scope import Branch, Scope
from rlm_mcp.engine.seen import Ledger
from rlm_mcp.engine.sessions import open_session
from rlm_mcp.engine.sub_model import Row, SubModel, failure
from rlm_mcp.engine.texts import Texts
from rlm_mcp.models.calls import Calls
from rlm_mcp.models.offline import NoSubModel, OfflineModel
from rlm_sandbox.base import Limits, Provider

if TYPE_CHECKING:
    from rlm_indexers.store import Corpus

JSON = Any


class _NoJournal:
    """Nothing of a single cell is kept."""

    def write(self, kind: str, **fields: JSON) -> None:
        """Forget it."""


async def run_cell(code: str, corpus: "Corpus", provider: Provider, limits: Limits | None = None) -> dict[str, JSON]:
    """What the cell did, as {stdout, stdout_bytes, error, calls, seconds, died}. Sub-calls fail as `no_model`."""
    texts = Texts(corpus)
    budget, ledger = Budget(BudgetLimits()), Ledger(texts)
    branch = Branch(_NoJournal())
    scope = Scope(texts, OfflineModel(), NoSubModel(), Calls(), branch, lambda _: None, limits or Limits(), "exec")
    table = HostCalls(scope, budget, SubModel(scope, budget, ledger), Conversation("", ""), _no_children)
    session = await open_session(corpus, provider, table.table(), limits, lambda _: None)
    try:
        result = await session.exec(code)
    finally:
        await session.close()
    error = result.error
    return {
        "stdout": result.stdout,
        "stdout_bytes": result.stdout_bytes,
        "error": {"kind": error.kind, "message": error.message, "traceback": error.traceback} if error else None,
        "calls": result.calls,
        "seconds": round(result.seconds, 4),
        "died": result.died,
    }


async def _no_children(_cell: int, questions: list[str], _spans: list[JSON]) -> list[Row]:
    return [failure("no_model", "a single cell has no model to ask") for _ in questions]
