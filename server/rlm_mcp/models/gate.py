"""How many calls to one model may be under way: as many as it takes without complaint, and no run before the others.

The limit moves as TCP's window does. It starts at the widest, because most providers allow that and a batch should
not wait for us to find out; it halves when the provider says 429, once per wave and not once per refused call of it;
it creeps up again while calls succeed. When the provider names a time, nobody calls before it.
"""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Slot:
    """The right to make one call."""

    wave: int
    """How often the limit had been halved when the call was let through."""


class Gate:
    """For one model. Not safe for several event loops at a time."""

    def __init__(self, widest: int) -> None:
        self.widest = widest
        self.limit = float(widest)
        self.active = 0
        self._wave = 0
        self._closed_until = 0.0
        self._alarm: asyncio.TimerHandle | None = None
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @asynccontextmanager
    async def slot(self, run: str) -> AsyncIterator[Slot]:
        """Waits for its turn: runs take turns, and within a run calls go in order."""
        await self._enter(run)
        try:
            yield Slot(self._wave)
        finally:
            self.active -= 1
            self._let_in()

    def succeeded(self) -> None:
        """A call was answered: two more at a time for each round of them."""
        self.limit = min(float(self.widest), self.limit + 2 / self.limit)

    def refused(self, slot: Slot, retry_after: float | None) -> None:
        """The provider said 429."""
        if slot.wave == self._wave:
            self._wave += 1
            self.limit = max(1.0, self.limit / 2)
        if retry_after:
            self._closed_until = max(self._closed_until, time.monotonic() + retry_after)

    async def _enter(self, run: str) -> None:
        if not self._waiting and self._open():
            self.active += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(run, deque()).append(turn)
        self._let_in()
        try:
            await turn
        except asyncio.CancelledError:
            self._leave(run, turn)
            raise

    def _leave(self, run: str, turn: asyncio.Future[None]) -> None:
        """Give up waiting; a turn that was granted in the same moment goes to the next."""
        if turn.done() and not turn.cancelled():
            self.active -= 1
            self._let_in()
        elif turn in (queue := self._waiting.get(run, deque())):
            queue.remove(turn)
            if not queue:
                del self._waiting[run]

    def _open(self) -> bool:
        return self.active < int(self.limit) and time.monotonic() >= self._closed_until

    def _let_in(self) -> None:
        while self._waiting and self._open():
            run, queue = next(iter(self._waiting.items()))
            turn = queue.popleft()
            if queue:
                self._waiting.move_to_end(run)
            else:
                del self._waiting[run]
            if not turn.done():
                self.active += 1
                turn.set_result(None)
        if self._waiting and (wait := self._closed_until - time.monotonic()) > 0 and self._alarm is None:
            self._alarm = asyncio.get_running_loop().call_later(wait + 0.001, self._reopen)

    def _reopen(self) -> None:
        self._alarm = None
        self._let_in()
