"""From a question about a corpus to an outcome: the engine's front door."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rlm_mcp.engine import agreement, prompt_files, routing, warm_start
from rlm_mcp.engine.answer import Outcome
from rlm_mcp.engine.budget import Budget, BudgetLimits, BudgetReached
from rlm_mcp.engine.children import Children
from rlm_mcp.engine.conversation import Conversation
from rlm_mcp.engine.direct import Direct
from rlm_mcp.engine.following import Followed
from rlm_mcp.engine.host_calls import HostCalls
from rlm_mcp.engine.loop import Loop
from rlm_mcp.engine.replay import NOTHING_RECORDED, Recorded
from rlm_mcp.engine.root_model import RootModel
from rlm_mcp.engine.routing import Route, Strategy
from rlm_mcp.engine.scope import Branch, Progress, Scope, digest
from rlm_mcp.engine.seen import Ledger
from rlm_mcp.engine.sessions import open_session, shown
from rlm_mcp.engine.sub_model import SubModel
from rlm_mcp.engine.texts import Texts
from rlm_mcp.journal import Journal
from rlm_mcp.models.base import Model
from rlm_mcp.models.errors import ContextOverflow, ModelError
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
    strategy: Strategy = "auto",
    recorded: Recorded = NOTHING_RECORDED,
    follows: Followed | None = None,
    samples: int = 1,
) -> Outcome:
    """The outcome of asking `question` about `corpus`.

    Raises ModelError when the root model cannot be reached at all, SandboxUnavailable when no session can be had.
    Cancelling it ends the session, its cells and every sub-call at once. `recorded`: what an earlier, interrupted try
    wrote to its journal; nothing in it is paid for again. `follows`: an earlier run whose variables this one has.
    `samples`: how many independent runs must agree; what they do not agree on is judged once more.
    """
    budget, branch = Budget(limits), Branch(journal)
    bounds = shown(session_limits or Limits())
    scope = Scope(Texts(corpus), root, sub, calls, branch, progress, bounds, digest(question, id(journal)), recorded)
    asked = Asked(question, strategy, provider, follows)
    if samples > 1:
        return await _agreed(asked, scope, budget, samples)
    return await _answered(asked, scope, budget)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and how it is to be answered."""

    question: str
    strategy: Strategy
    provider: Provider
    follows: Followed | None


async def _agreed(asked: Asked, scope: Scope, budget: Budget, samples: int) -> Outcome:
    """What independent runs agree on, or what one more look at their answers makes of it."""
    branches = [scope.journal.branch(f"sample-{n}") for n in range(1, samples + 1)]
    runs = (_answered(asked, replace(scope, journal=b), budget.part(1 / (samples + 0.5))) for b in branches)
    outcomes = await asyncio.gather(*runs)
    verdict = agreement.judge(outcomes)
    scope.journal.write("agreement", agreeing=verdict.agreeing, of=verdict.of, answers=[o.answer for o in outcomes])
    chosen = verdict.outcome
    reason = f"{verdict.agreeing} of {verdict.of} independent runs agree"
    if not verdict.settled:
        model, ledger = RootModel(scope, budget), Ledger(scope.texts)
        try:
            chosen = await Direct(model, ledger).judge(asked.question, outcomes) or chosen
        except (ModelError, BudgetReached) as error:
            reason += f"; they could not be judged: {error}"
        else:
            reason += "; their answers were judged once more"
    turns = sum(outcome.usage.iterations for outcome in outcomes) + budget.iterations
    ended = replace(chosen, reason=chosen.reason or reason, usage=replace(budget.usage(), iterations=turns))
    scope.journal.write("outcome", status=ended.status, reason=ended.reason, answer=ended.answer)
    return ended


async def _answered(asked: Asked, scope: Scope, budget: Budget) -> Outcome:
    """One run of the question."""
    root, ledger = RootModel(scope, budget), Ledger(scope.texts)
    route = routing.choose(asked.strategy, asked.question, scope.corpus, scope.root, budget)
    if asked.follows:
        route = Route("loop", "it follows an earlier run")
    scope.journal.write("strategy", strategy=route.strategy, reason=route.reason)
    outcome = await _asked_at_once(asked.question, route, root, ledger)
    return outcome or await _explored(asked, route, root, ledger)


async def _asked_at_once(question: str, route: Route, root: RootModel, ledger: Ledger) -> Outcome | None:
    """The outcome without a session, when the route is one that needs none and it was enough."""
    fell_back = root.scope.recorded.fell_back(root.scope.journal.path)
    if fell_back is not None:
        root.skip(fell_back)
        return None
    direct = Direct(root, ledger)
    try:
        if route.strategy == "direct":
            return await direct.everything(question)
        return await direct.hits(question) if route.strategy == "search" else None
    except (ContextOverflow, BudgetReached) as full:
        root.scope.journal.write("strategy", strategy="loop", reason=f"not at once: {full}", fell_back=root.answered)
        return None


async def _explored(asked: Asked, route: Route, root: RootModel, ledger: Ledger) -> Outcome:
    """The outcome of the loop, in a session of its own."""
    scope, budget, follows = root.scope, root.budget, asked.follows
    note = routing.map_note(scope.corpus, budget) if route.strategy == "map" else ""
    first = await asyncio.to_thread(warm_start.first_message, asked.question, scope.corpus, note)
    ledger.record(first, looked=False)
    conversation = Conversation(prompt_files.root_for(scope.root.name), first + (follows.told() if follows else ""))
    children = Children(scope, budget, ledger)
    table = HostCalls(scope, budget, SubModel(scope, budget, ledger), conversation, children.run)

    def say(told: str) -> None:
        scope.progress(Progress(0, budget.limits.iterations, 0, None, told))

    session = await open_session(scope.corpus, asked.provider, table.table(), scope.limits, say)
    try:
        children.session = session
        earlier = await follows.restore(session) if follows else 0
        strategy = "map" if route.strategy == "map" else "loop"
        return await Loop(root, ledger, conversation, table, session, strategy, earlier).run()
    finally:
        await session.close()
