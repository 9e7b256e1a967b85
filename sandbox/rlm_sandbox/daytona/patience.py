"""Tries again what may succeed later, at the pace the cloud asks for."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from rlm_sandbox.daytona.door import CloudError

T = TypeVar("T")
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long. Times in seconds."""

    tries: int = 5
    first_wait: float = 0.5
    longest_wait: float = 30.0
    """A Retry-After above it is not waited for: the error says so instead."""

    def wait(self, tried: int, error: CloudError) -> float | None:
        """How long to wait after the `tried`th failure, or None to give up."""
        if tried >= self.tries or not error.transient:
            return None
        if error.retry_after is not None:
            return error.retry_after if error.retry_after <= self.longest_wait else None
        backoff = self.first_wait * 2.0 ** (tried - 1)
        return min(self.longest_wait, backoff * random.uniform(0.75, 1.25))  # noqa: S311 - spreads, hides nothing

    async def keep_trying(self, work: Callable[[], Awaitable[T]]) -> T:
        """What `work` gives in the end. Only for what may be done twice; raises the last CloudError."""
        tried = 0
        while True:
            try:
                return await work()
            except CloudError as error:
                tried += 1
                await self.pause(tried, error)

    async def pause(self, tried: int, error: CloudError) -> None:
        """Wait as long as this failure asks for; raises it when it is not to be tried again."""
        seconds = self.wait(tried, error)
        if seconds is None:
            raise error
        log.info("%s; try %d in %.1f s", error, tried + 1, seconds)
        await asyncio.sleep(seconds)
