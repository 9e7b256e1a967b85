"""One turn of the root model: leased, asked, settled, recorded before it is used."""

from collections.abc import Sequence
from dataclasses import replace

from rlm_mcp.engine.budget import Budget, Lease
from rlm_mcp.engine.replay import reply_fields
from rlm_mcp.engine.scope import Scope, digest
from rlm_mcp.models.base import NO_USAGE, Message, Reply, Request

MAX_TOKENS = 8_192
"""Hidden reasoning counts: less would cut the cells of models that think aloud."""
LAST_TOKENS = 2_048
TIMEOUT = 300.0


class RootModel:
    """Asks the root model for one loop."""

    def __init__(self, scope: Scope, budget: Budget) -> None:
        self._scope, self._budget = scope, budget
        self._turns = 0
        self._child = budget.depth > 0
        """Then its turns are sub-calls of the run, else a bomb of children would be bounded by its money alone."""
        self._written: set[str] = set()

    async def ask(self, messages: Sequence[Message]) -> str:
        """The reply's text. Raises ModelError, and BudgetReached when there is no room for the call."""
        request = Request(tuple(messages), MAX_TOKENS, self._timeout(), cache_prefix=True)
        known = self._scope.recorded.reply(self._scope.journal.path, self._turns)
        self._turns += 1
        if known is not None:
            self._budget.charge(known.usage, calls=int(self._child))
            return known.text
        lease = self._budget.reserve(self._scope.root.estimate(request), sub_call=self._child)
        return await self._leased(request, lease)

    async def last_words(self, messages: Sequence[Message], prompt: str) -> str:
        """The answer to one last request, or nothing when there is no room even for that."""
        last = messages[-1]
        asked = (*messages[:-1], replace(last, content=f"{last.content}\n\n{prompt}"))
        timeout = min(TIMEOUT, max(30.0, self._budget.seconds_left()))
        request = Request(asked, LAST_TOKENS, timeout)
        known = self._scope.recorded.reply(self._scope.journal.path, self._turns)
        if known is not None:
            self._budget.charge(known.usage, calls=int(self._child))
            return known.text
        lease = self._budget.last_lease(self._scope.root.estimate(request), sub_call=self._child)
        return "" if lease is None else await self._leased(request, lease)

    async def _leased(self, request: Request, lease: Lease) -> str:
        usage = NO_USAGE
        try:
            self._record(request)
            called = await self._scope.calls.complete(self._scope.root, request, run=self._scope.run, reuse=False)
            usage = called.usage
            text = called.reply.text
            told = Reply(text, usage, self._scope.root.name, called.reply.finish_reason, called.reply.seconds)
            self._scope.journal.write("model_reply", turn=self._budget.iterations, **reply_fields(told))
            return text
        finally:
            self._budget.settle(lease, usage)
            self._scope.room.freed()

    def _record(self, request: Request) -> None:
        """Write the request down: each message in full once, and by its name after that."""
        names = [digest(message.role, message.content) for message in request.messages]
        new = {
            name: [message.role, message.content]
            for name, message in zip(names, request.messages, strict=True)
            if name not in self._written
        }
        self._written.update(new)
        turn = self._budget.iterations
        self._scope.journal.write("model_request", turn=turn, model=self._scope.root.name, messages=names, new=new)

    def _timeout(self) -> float:
        return min(TIMEOUT, max(1.0, self._budget.seconds_left()))
