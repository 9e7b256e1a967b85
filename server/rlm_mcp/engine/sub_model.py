"""One question to the sub-model: leased, asked, settled, recorded; a failure is a row that says so."""

import json
import logging
from typing import Any

from rlm_mcp.engine import prompt_files
from rlm_mcp.engine.budget import Budget, BudgetReached, Lease
from rlm_mcp.engine.replay import reply_fields
from rlm_mcp.engine.scope import Scope, digest
from rlm_mcp.engine.seen import Ledger
from rlm_mcp.models.base import NO_USAGE, Message, Model, Reply, Request, Usage
from rlm_mcp.models.errors import ModelError

JSON = Any
log = logging.getLogger(__name__)

Row = dict[str, JSON]
"""`{"ok": True, "text": …}` or `{"ok": False, "kind": …, "error": …}`."""

MAX_TOKENS = 4_096
TIMEOUT = 180.0


class SubModel:
    """Asks the sub-model on behalf of one loop's cells."""

    def __init__(self, scope: Scope, budget: Budget, ledger: Ledger) -> None:
        self._scope, self._budget, self._ledger = scope, budget, ledger

    async def ask(self, prompt: str, schema: JSON = None, model: str | None = None) -> Row:
        """The answer, or why there is none. Never raises but when it is cancelled."""
        chosen = self._model(model)
        if chosen is None:
            names = " and ".join(dict.fromkeys((self._scope.sub.name, self._scope.root.name)))
            return failure("unknown_model", f"there is no model {str(model)[:80]!r} here: leave it out, or use {names}")
        request = _request(prompt, schema, min(TIMEOUT, max(1.0, self._budget.seconds_left())))
        try:
            lease = await self._lease(chosen.estimate(request))
        except BudgetReached as reached:
            return failure("budget", reached.reason)
        return await self._leased(chosen, request, lease)

    async def _lease(self, estimate: Usage) -> Lease:
        """Room for the call: at once, or as soon as calls under way give some back."""
        while True:
            try:
                return self._budget.reserve(estimate, sub_call=True)
            except BudgetReached as reached:
                if not reached.may_free or not self._budget.busy:
                    raise
            await self._scope.room.wait()

    async def _leased(self, model: Model, request: Request, lease: Lease) -> Row:
        self._ledger.record(request.messages[-1].content)
        key = digest(model.name, request.messages[-1].content)
        usage, cached = NO_USAGE, False
        try:
            reply, usage, cached = await self._reply(model, request, key)
        except ModelError as error:
            self._record(request, {"key": key, "ok": False, "failure": [error.kind, str(error)]})
            return failure(error.kind, str(error))
        except Exception as error:
            # One item's accident must not take the others of its batch with it.
            log.exception("a sub-call failed")
            return failure("internal", f"the sub-call failed on the host: {type(error).__name__}")
        finally:
            self._budget.settle(lease, usage, cached=cached)
            self._scope.room.freed()
        return {"ok": True, "text": reply.text}

    async def _reply(self, model: Model, request: Request, key: str) -> tuple[Reply, Usage, bool]:
        """The reply, what it cost this run, and whether it was answered before."""
        known = self._scope.recorded.sub_calls.get(key)
        if known is not None:
            return known, known.usage, False
        called = await self._scope.calls.complete(model, request, run=self._scope.run)
        reply = Reply(called.reply.text, called.usage, model.name, called.reply.finish_reason, called.reply.seconds)
        self._record(request, {"key": key, "ok": True, "cached": called.cached, **reply_fields(reply)})
        return reply, called.usage, called.cached

    def _record(self, request: Request, fields: dict[str, JSON]) -> None:
        prompt = request.messages[-1].content
        self._scope.journal.write("sub_call", prompt_chars=len(prompt), prompt_head=prompt[:400], **fields)

    def _model(self, name: str | None) -> Model | None:
        wanted = {None: self._scope.sub, self._scope.root.name: self._scope.root, self._scope.sub.name: self._scope.sub}
        return wanted.get(name)


def failure(kind: str, error: str) -> Row:
    return {"ok": False, "kind": kind, "error": error}


def _request(prompt: str, schema: JSON, timeout: float) -> Request:
    if schema is not None:
        prompt += f"\n\nAnswer with JSON only, fitting this JSON schema: {json.dumps(schema)}"
    messages = (Message("system", prompt_files.load("sub")), Message("user", prompt))
    # Providers promise shapes for objects only; anything else is asked for in words and checked inside.
    native = schema if isinstance(schema, dict) and schema.get("type") == "object" else None
    return Request(messages, MAX_TOKENS, timeout, json_schema=native)
