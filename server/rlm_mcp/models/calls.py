"""The one path every model call takes: shared when identical, let through in turn, tried again when that can help."""

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from rlm_mcp.models import answers as stored
from rlm_mcp.models.answers import Answers
from rlm_mcp.models.base import NO_USAGE, Model, Reply, Request, Usage
from rlm_mcp.models.errors import ModelError, ModelTimeout, ModelUnavailable, RateLimited
from rlm_mcp.models.gate import Gate

WIDEST = 64
"""Calls to one model under way at a time, at most."""


@dataclass(frozen=True, slots=True)
class Called:
    """An answer, and what getting it took."""

    reply: Reply
    cached: bool
    """It was answered before, or by an identical call under way: it cost nothing now."""
    attempts: int

    @property
    def usage(self) -> Usage:
        """What this call cost: nothing when `cached`."""
        return NO_USAGE if self.cached else self.reply.usage


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a call is tried, by kind of failure, and how long is waited between. Times in seconds."""

    attempts: Mapping[type[ModelError], int] = field(
        default_factory=lambda: {RateLimited: 8, ModelUnavailable: 4, ModelTimeout: 2}
    )
    first_wait: float = 0.5
    longest_wait: float = 20.0
    longest_asked_wait: float = 60.0
    """A provider that asks for more than this is not waited for: the caller should know."""

    def tries(self, failure: ModelError) -> int:
        """How often a call that failed so may be made in all."""
        if not failure.retryable or (failure.retry_after or 0) > self.longest_asked_wait:
            return 1
        return next((count for kind, count in self.attempts.items() if isinstance(failure, kind)), 1)

    def wait(self, failure: ModelError, attempt: int) -> float:
        """Seconds until the next attempt: doubling, with jitter so that a batch does not return as one wave."""
        ceiling = min(self.longest_wait, self.first_wait * 2 ** (attempt - 1))
        jitter: float = random.uniform(ceiling / 2, ceiling)  # noqa: S311 - to spread load, not to hide anything
        return (failure.retry_after or 0.0) + jitter


class Calls:
    """Makes calls for all runs, from one event loop. `answers`, if given, outlives the server."""

    def __init__(
        self, *, widest: int = WIDEST, answers: Answers | None = None, patience: Patience | None = None
    ) -> None:
        self._widest = widest
        self._answers = answers
        self._patience = patience or Patience()
        self._gates: dict[str, Gate] = {}
        self._under_way: dict[str, _Shared] = {}

    async def complete(
        self, model: Model, request: Request, *, run: str = "", reuse: bool = True, sample: int = 0
    ) -> Called:
        """The model's answer. Raises ModelError, after as many attempts as that kind deserves.

        Calls of different `run`s take turns. With `reuse`, an identical call is answered once; give each of several
        independent samples its own `sample` number. Cancelling gives up the call, unless others wait for it too.
        """
        if not reuse:
            return await self._persist(model, request, run)
        name = stored.key(f"{model.name} {model.address}", request, sample)
        if self._answers is not None and (known := self._answers.get(name)):
            return Called(known, cached=True, attempts=0)
        return await self._shared(name, model, request, run)

    def gate(self, model: str) -> Gate:
        """How many calls to this model may be under way now."""
        return self._gates.setdefault(model, Gate(self._widest))

    async def close(self) -> None:
        """Give up what is under way."""
        tasks = [shared.task for shared in self._under_way.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._answers is not None:
            self._answers.close()

    async def _shared(self, name: str, model: Model, request: Request, run: str) -> Called:
        shared = self._under_way.get(name)
        if shared is None:
            shared = _Shared(asyncio.ensure_future(self._kept(name, model, request, run)))
            self._under_way[name] = shared
            shared.task.add_done_callback(lambda _: self._forget(name, shared))
        try:
            return await shared.wait()
        except asyncio.CancelledError:
            if not shared.waiting:
                # At once, so that nobody joins a call that is being given up.
                self._forget(name, shared)
                shared.task.cancel()
            raise

    def _forget(self, name: str, shared: "_Shared") -> None:
        if self._under_way.get(name) is shared:
            del self._under_way[name]
        if shared.task.done() and not shared.task.cancelled():
            shared.task.exception()  # seen, even if all who waited have left

    async def _kept(self, name: str, model: Model, request: Request, run: str) -> Called:
        called = await self._persist(model, request, run)
        if self._answers is not None:
            self._answers.put(name, called.reply)
        return called

    async def _persist(self, model: Model, request: Request, run: str) -> Called:
        attempt = 0
        while True:
            attempt += 1
            try:
                return Called(await self._once(model, request, run), cached=False, attempts=attempt)
            except ModelError as failure:
                if attempt >= self._patience.tries(failure):
                    raise
                await asyncio.sleep(self._patience.wait(failure, attempt))

    async def _once(self, model: Model, request: Request, run: str) -> Reply:
        gate = self.gate(model.name)
        async with gate.slot(run) as slot:
            try:
                reply = await model.complete(request)
            except RateLimited as failure:
                gate.refused(slot, failure.retry_after)
                raise
            gate.succeeded()
            return reply


class _Shared:
    """One call that several may wait for. The first whom it answers pays; to the others it is cached."""

    def __init__(self, task: asyncio.Task[Called]) -> None:
        self.task = task
        self.waiting = 0
        self._paid = False

    async def wait(self) -> Called:
        self.waiting += 1
        try:
            called = await asyncio.shield(self.task)
        finally:
            self.waiting -= 1
        paid, self._paid = self._paid, True
        return Called(called.reply, cached=True, attempts=0) if paid else called
