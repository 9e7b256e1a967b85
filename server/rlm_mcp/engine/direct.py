"""One request that holds all the text there is, or all that a search finds: for what fits into a window."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rlm_indexers.corpus import Span
from rlm_mcp.engine import fencing, prompt_files, reply
from rlm_mcp.engine.answer import CheckedAnswer, Outcome, check, recorded_outcome
from rlm_mcp.engine.root_model import RootModel
from rlm_mcp.engine.scope import Progress
from rlm_mcp.engine.seen import Ledger
from rlm_mcp.models.base import Message

if TYPE_CHECKING:
    from rlm_indexers.store import Corpus

HITS = 16
AROUND = 8
"""Lines shown before and after a hit."""
HIT_LINES = 60
NOT_HERE = "NOT IN THIS TEXT"


class Direct:
    """One question asked at once. `None` as its outcome means: this was not enough, explore."""

    def __init__(self, root: RootModel, ledger: Ledger) -> None:
        self._root, self._scope, self._budget, self._ledger = root, root.scope, root.budget, ledger

    async def everything(self, question: str) -> Outcome | None:
        """The outcome of asking over the whole corpus."""
        pack = self._scope.corpus.pack
        whole = [Span(d.id, 1, d.lines) for d in pack.documents() if d.lines]
        return await self._ask(question, whole, "direct", "")

    async def hits(self, question: str) -> Outcome | None:
        """The outcome of asking over what a search for the question finds; None when that does not hold the answer."""
        found = await asyncio.to_thread(self._found, question)
        extra = f" If the text does not hold the answer, reply with exactly {NOT_HERE}."
        return await self._ask(question, found, "search", extra) if found else None

    async def judge(self, question: str, outcomes: Sequence[Outcome]) -> Outcome | None:
        """The outcome of one more look at answers that disagree, with the lines they cite."""
        spans = merged(self._scope.corpus, [c.citation.span for outcome in outcomes for c in outcome.citations])
        answers = "\n\n".join(f"Answer {n}:\n{outcome.answer}" for n, outcome in enumerate(outcomes, 1))
        extra = f" Several answers were given independently, and they disagree. Judge them by the text.\n\n{answers}"
        return await self._ask(question, spans, "agreement", extra) if spans else None

    def _found(self, question: str) -> list[Span]:
        corpus = self._scope.corpus
        return merged(corpus, [hit.span for hit in corpus.search(question, limit=HITS)])

    async def _ask(self, question: str, spans: list[Span], strategy: str, extra: str) -> Outcome | None:
        """Ask, check the citations, and ask once more when some do not hold."""
        data = "\n".join(fencing.numbered(self._scope.corpus.pack, span) for span in spans)
        asked = f"Question: {question}\n\n{fencing.fenced(data)}\n\nQuestion again: {question}"
        self._ledger.record(asked)
        messages = [Message("system", prompt_files.load("direct") + extra), Message("user", asked)]
        text, checked = await self._answer(messages)
        if NOT_HERE in text:
            return None
        faults = checked.faults()
        if faults and not self._budget.reached():
            told = prompt_files.load("mend").format(faults="\n".join(faults))
            text, checked = await self._answer([*messages, Message("assistant", text), Message("user", told)])
        if not checked.citations and reply.parse(text).code is not None:
            return None  # it wrote a cell: it wants to look around, and there is no session here
        self._scope.journal.write("final", form=strategy, text=text)
        return recorded_outcome(self._scope.journal, checked, "complete", "", self._budget.usage(), strategy)

    async def _answer(self, messages: list[Message]) -> tuple[str, CheckedAnswer]:
        budget = self._budget
        budget.turn()
        doing = "asking directly"
        self._scope.progress(
            Progress(budget.iterations, budget.limits.iterations, budget.calls, budget.known_usd, doing)
        )
        text = await self._root.ask(messages)
        parsed = reply.parse(text)
        final = parsed.final.value if parsed.final and parsed.final.kind == "text" else text.strip()
        return final, await check(final, self._scope.texts, self._ledger, {})


def merged(corpus: "Corpus", spans: list[Span]) -> list[Span]:
    """The spans with lines around them, those that touch made one, in order of place."""
    wide: list[Span] = []
    for span in sorted(spans):
        i = corpus.pack.index(span.document)
        last = corpus.pack.line_count(i) if i is not None else 0
        start, end = max(1, span.start - AROUND), min(last, span.start + HIT_LINES, span.end + AROUND)
        before = wide[-1] if wide else None
        if before and before.document == span.document and start <= before.end + 1:
            wide[-1] = Span(span.document, before.start, max(before.end, end))
        else:
            wide.append(Span(span.document, start, end))
    return wide
