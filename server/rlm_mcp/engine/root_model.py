"""One turn of the root model: leased, asked, settled, recorded before it is used."""

from collections.abc import Sequence
from dataclasses import replace

from rlm_mcp.engine.budget import Budget, BudgetReached, Lease
from rlm_mcp.engine.replay import reply_fields
from rlm_mcp.engine.scope import Scope, digest
from rlm_mcp.models.base import NO_USAGE, Message, Reply, Request

MAX_TOKENS = 8_192
"""Hidden reasoning counts: less would cut the cells of models that think aloud."""
LAST_TOKENS = 2_048
TIMEOUT = 300.0


class RootModel:
    """Asks the root model on behalf of one run or child."""

    def __init__(self, scope: Scope, budget: Budget) -> None:
        self.scope, self.budget = scope, budget
        self.answered = 0
        """Replies so far: the number of the next one in the journal."""
        self._child = budget.depth > 0
        """Then its turns are sub-calls of the run, else a bomb of children would be bounded by its money alone."""
        self._written: set[str] = set()

    async def ask(self, messages: Sequence[Message]) -> str:
        """The reply's text. Raises ModelError, and BudgetReached when there is no room for the call."""
        known = self.scope.recorded.reply(self.scope.journal.path, self.answered)
        if known is not None:
            self.budget.charge(known.usage, calls=int(self._child))
            self.answered += 1
            return known.text
        request = Request(tuple(messages), MAX_TOKENS, self._timeout(), cache_prefix=True)
        try:
            lease = self.budget.reserve(self.scope.root.estimate(request), sub_call=self._child)
        except BudgetReached:
            # A shorter reply may still fit: what is reserved is what a reply could cost, not what it will.
            request = replace(request, max_tokens=LAST_TOKENS)
            lease = self.budget.reserve(self.scope.root.estimate(request), sub_call=self._child)
        return await self._leased(request, lease)

    def skip(self, turns: int) -> None:
        """Pay for recorded replies whose question is not asked again."""
        for _ in range(turns):
            known = self.scope.recorded.reply(self.scope.journal.path, self.answered)
            self.answered += 1
            self.budget.turn()
            self.budget.charge(known.usage if known else NO_USAGE)

    async def last_words(self, messages: Sequence[Message], prompt: str) -> str:
        """The answer to one last request, or nothing when there is no room even for that."""
        last = messages[-1]
        asked = (*messages[:-1], replace(last, content=f"{last.content}\n\n{prompt}"))
        timeout = min(TIMEOUT, max(30.0, self.budget.seconds_left()))
        request = Request(asked, LAST_TOKENS, timeout)
        known = self.scope.recorded.reply(self.scope.journal.path, self.answered)
        if known is not None:
            self.budget.charge(known.usage, calls=int(self._child))
            return known.text
        lease = self.budget.last_lease(self.scope.root.estimate(request), sub_call=self._child)
        return "" if lease is None else await self._leased(request, lease)

    async def _leased(self, request: Request, lease: Lease) -> str:
        usage = NO_USAGE
        try:
            self._record(request)
            called = await self.scope.calls.complete(self.scope.root, request, run=self.scope.run, reuse=False)
            usage = called.usage
            text = called.reply.text
            self.answered += 1
            told = Reply(text, usage, self.scope.root.name, called.reply.finish_reason, called.reply.seconds)
            self.scope.journal.write("model_reply", turn=self.budget.iterations, **reply_fields(told))
            return text
        finally:
            self.budget.settle(lease, usage)
            self.scope.room.freed()

    def _record(self, request: Request) -> None:
        """Write the request down: each message in full once, and by its name after that."""
        names = [digest(message.role, message.content) for message in request.messages]
        new = {
            name: [message.role, message.content]
            for name, message in zip(names, request.messages, strict=True)
            if name not in self._written
        }
        self._written.update(new)
        turn = self.budget.iterations
        self.scope.journal.write("model_request", turn=turn, model=self.scope.root.name, messages=names, new=new)

    def _timeout(self) -> float:
        return min(TIMEOUT, max(1.0, self.budget.seconds_left()))
