"""How a question is answered: asked directly when the text fits, searched first, read by sub-models, or by the loop.

Recursion inside the window hurts and costs tens of times more (facts on engines, section 5), so what fits is asked
directly. The choice and its reason stand in the journal, and `RLM_STRATEGY` forces one.
"""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from rlm_mcp.engine.budget import Budget
from rlm_mcp.engine.warm_start import IDENTIFIER
from rlm_mcp.models.base import Model
from rlm_mcp.models.offline import past

if TYPE_CHECKING:
    from rlm_indexers.store import Corpus

Strategy = Literal["auto", "direct", "search", "map", "loop"]

BYTES_PER_TOKEN = 3.0
"""Of numbered text, on the careful side."""
DIRECT_TOKENS = 40_000
"""Above this, reading everything costs more than looking, however large the window is."""
OFFLINE = "offline"

_COUNTING = re.compile(
    r"\b(how many|how often|count|number of|most (common|frequent|often)|least (common|often)|percent\w*|share of"
    r"|average|majority|distribution|for each|per (user|month|week|day|person|author)|which of (them|the)|classif\w+"
    r"|sentiment|themes?|topics?|contradict\w*)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Route:
    """A strategy and why it was chosen, in a sentence."""

    strategy: Strategy
    reason: str


def choose(wanted: Strategy, question: str, corpus: "Corpus", root: Model, budget: Budget) -> Route:
    """The route for a question. What was asked for is taken as it is, unless it cannot work."""
    tokens = int(len(corpus.pack.region) / BYTES_PER_TOKEN)
    if wanted == "direct" and root.window is not None and tokens > root.window * 0.9:
        return Route("loop", f"asked for directly, but its {tokens:,} tokens do not fit into {root.window:,}")
    if wanted != "auto":
        return Route(wanted, "asked for")
    if root.name == OFFLINE:
        return Route("loop", "the offline model only knows the loop")
    return _chosen(question, corpus, tokens, root, budget)


def _chosen(question: str, corpus: "Corpus", tokens: int, root: Model, budget: Budget) -> Route:
    if _COUNTING.search(question):
        return _counted(question)
    if (corpus.facts.get("git") or corpus.facts.get("sources")) and past.ASKED.search(question):
        return Route("loop", "the question is about the past: the history of the repository is asked, not its text")
    if _fits(tokens, root, budget):
        return Route("direct", f"the whole corpus, about {tokens:,} tokens, fits well into one request")
    return Route("loop", f"the corpus has about {tokens:,} tokens: it is explored")


def _counted(question: str) -> Route:
    """Code counts, however little there is to read; what has no name in code, sub-models label first."""
    if IDENTIFIER.search(question):
        return Route("loop", "the question asks for a count of what has a name in code")
    return Route("map", "the question asks for a count or a judgement over many texts")


def _fits(tokens: int, root: Model, budget: Budget) -> bool:
    """Whether everything can be asked at once: well inside the window, and not dear against the budget."""
    if root.window is None or not tokens or tokens > min(DIRECT_TOKENS, root.window / 2):
        return False
    price = root.price()
    return price is None or tokens * price.input <= budget.usd_left() / 2


def map_note(corpus: "Corpus", budget: Budget) -> str:
    """What the root is told when the question may need every text read: how much that is."""
    tokens = int(len(corpus.pack.region) / BYTES_PER_TOKEN)
    calls = min(budget.calls_left(), max(1, tokens // 4_000))
    return (
        f"This question may need the meaning of many texts. All of the corpus is about {tokens:,} tokens: some "
        f"{calls:,} sub-calls with llm_classify, llm_filter or llm_map over its records (narrow them by code first "
        "where a rule is certain), then counting in code. If code alone can decide it, do that instead."
    )
