"""The fixed table of what a cell may ask the host. Arguments are checked; answers are recorded before they are used."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from rlm_indexers.corpus import GrepResult
from rlm_indexers.errors import IndexerError
from rlm_mcp.engine import checks
from rlm_mcp.engine.budget import Budget
from rlm_mcp.engine.checks import Arguments
from rlm_mcp.engine.code_calls import CodeCalls
from rlm_mcp.engine.conversation import Conversation
from rlm_mcp.engine.scope import Scope
from rlm_mcp.engine.sub_model import Row, SubModel
from rlm_sandbox.base import Answer, HostCall, HostCallError

if TYPE_CHECKING:
    from rlm_indexers.store import Corpus

JSON = Any
Children = Callable[[int, list[str], list[JSON]], Awaitable[list[Row]]]
"""Runs children side by side: the cell that asks, questions and the spans of each in, rows out."""

PROMPT_CHARS = 4_000_000
PROMPTS = 1_024
MATCHES = 5_000
FARTHEST = 1_000_000
"""No page begins behind this."""
_PLACE = re.compile(r"(?P<document>.+?):(?P<start>\d{1,12})(?:-(?P<end>\d{1,12}))?$")


class HostCalls:
    """The table of one loop. `quotes` gathers what `cite` verified, for the end."""

    def __init__(
        self, scope: Scope, budget: Budget, sub_model: SubModel, conversation: Conversation, children: Children
    ) -> None:
        self._scope, self._budget, self._sub_model = scope, budget, sub_model
        self._conversation, self._children = conversation, children
        self._code = CodeCalls(scope.texts)
        self.cell = 0
        """The number of the cell that asks, as the journal states it."""
        self.quotes: dict[str, str] = {}

    def table(self) -> dict[str, HostCall]:
        handlers: dict[str, HostCall] = {
            "llm_query_batched": self._llm_query_batched,
            "rlm_query": self._rlm_query,
            "search": self._search,
            "grep": self._grep,
            "cite": self._cite,
            "budget": self._left,
            "turn": self._turn,
            **self._code.table(),
        }
        return {name: self._recorded(name, handler) for name, handler in handlers.items()}

    def restore(self, answers: Sequence[Answer]) -> None:
        """Remember the quotes that a recorded cell cited, and what it was shown of the history."""
        self._code.restore(answers)
        for answer in answers:
            if answer.name == "cite" and answer.error is None and answer.value["state"] != "rejected":
                self._quote(answer.value["marker"].strip("[]"), answer.arguments.get("quote"))

    def _quote(self, span: str, quote: JSON) -> None:
        if isinstance(quote, str) and quote:
            self.quotes[span] = quote

    def _recorded(self, name: str, handler: HostCall) -> HostCall:
        async def call(arguments: Arguments) -> JSON:
            cell = self.cell
            try:
                value = await handler(arguments)
            except HostCallError as error:
                self._write(cell, name, arguments, error=[error.kind, error.message])
                raise
            self._write(cell, name, arguments, value=value)
            return value

        return call

    def _write(self, cell: int, name: str, arguments: Arguments, **answer: JSON) -> None:
        self._scope.journal.write("host_call", cell=cell, name=name, arguments=arguments, **answer)

    async def _llm_query_batched(self, arguments: Arguments) -> JSON:
        prompts = checks.texts(arguments, "prompts", count=PROMPTS, limit=PROMPT_CHARS)
        schema = checks.schema(arguments, "schema")
        model = checks.optional_text(arguments, "model", 200)
        rows = await asyncio.gather(*(self._sub_model.ask(prompt, schema, model) for prompt in prompts))
        return {"answers": rows}

    async def _rlm_query(self, arguments: Arguments) -> JSON:
        questions = checks.texts(arguments, "questions", count=64, limit=100_000)
        given = arguments.get("spans")
        if not isinstance(given, list) or len(given) != len(questions):
            raise HostCallError("bad-argument", "spans should be a list with one entry for each question")
        if self._budget.depth >= self._budget.limits.depth:
            limit = self._budget.limits.depth
            raise HostCallError("depth", f"no deeper than {limit}: answer this here, with llm_query or by reading")
        rows = await self._children(self.cell, questions, [checks.places(item) for item in given])
        return {"answers": rows}

    async def _search(self, arguments: Arguments) -> JSON:
        query = checks.text(arguments, "query", 10_000)
        limit = checks.integer(arguments, "limit", low=1, high=200)
        offset = checks.integer(arguments, "offset", low=0, high=FARTHEST)
        glob = checks.optional_text(arguments, "glob", 1_000)
        hits = await self._asked(lambda corpus: corpus.search(query, limit=limit, offset=offset, documents=glob))
        rows = [
            {"document": h.span.document, "start": h.span.start, "end": h.span.end, "score": h.score, "title": h.title}
            for h in hits
        ]
        return {"hits": rows, "total": hits.total}

    async def _grep(self, arguments: Arguments) -> JSON:
        pattern = checks.text(arguments, "pattern", 10_000)
        limit = checks.integer(arguments, "limit", low=1, high=MATCHES)
        offset = checks.integer(arguments, "offset", low=0, high=FARTHEST)
        glob = checks.optional_text(arguments, "glob", 1_000)
        flags = {name: checks.flag(arguments, name) for name in ("ignore_case", "word", "literal")}
        found = await self._asked(lambda c: c.grep(pattern, limit=limit, offset=offset, glob=glob, **flags))
        return _matches(found)

    async def _cite(self, arguments: Arguments) -> JSON:
        """The marker of a citation checked at once; a quote that holds is remembered for the answer."""
        written = checks.text(arguments, "place", 4_000)
        quote = checks.optional_text(arguments, "quote", 70_000)
        place = _PLACE.match(written)
        if place is None:
            raise HostCallError("bad-argument", f"{written[:200]!r} is no place: give a span, or 'path:start-end'")
        start, end = int(place["start"]), int(place["end"] or place["start"])
        citation = await asyncio.to_thread(self._scope.texts.verify, place["document"], start, end, quote)
        if citation.state == "rejected":
            return {"marker": f"[unverified: {written}: {citation.reason}]", "state": "rejected"}
        self._quote(str(citation.span), quote and citation.quote)
        return {"marker": f"[{citation.span}]", "state": citation.state}

    async def _left(self, arguments: Arguments) -> JSON:
        del arguments
        return self._budget.left() | {"sub_window": self._scope.sub.window}

    async def _turn(self, arguments: Arguments) -> JSON:
        number = checks.integer(arguments, "number", low=0, high=1_000_000)
        turn = self._conversation.turn(number)
        if turn is None:
            raise HostCallError("no-turn", f"there is no turn {number}; there were {len(self._conversation.turns)}")
        return {"reply": turn.reply, "feedback": turn.feedback}

    async def _asked(self, question: "Callable[[Corpus], Any]") -> Any:
        """What the corpus answers, off the event loop; what it refuses, in its own words."""
        try:
            return await asyncio.to_thread(question, self._scope.corpus)
        except IndexerError as error:
            raise HostCallError("refused", str(error)) from error


def _matches(found: GrepResult) -> JSON:
    places = [[match.span.document, match.span.start] for match in found.matches]
    return {"matches": places, "total": found.total, "truncated": found.truncated}
