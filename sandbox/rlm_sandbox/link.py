"""The host's end of one live runner: a cell at a time, every frame checked, every wait bounded."""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, Literal

from rlm_sandbox.base import JSON, Answer, HostCallError, Limits
from rlm_sandbox.channel import Channel
from rlm_sandbox.errors import ProtocolViolation, SandboxUnavailable, SessionLost
from rlm_sandbox.hostcalls import CallTable, NoCalls, brief
from rlm_sandbox.meter import Meter
from rlm_sandbox.runner.frames import PROTOCOL, encode
from rlm_sandbox.wire import Inbound

log = logging.getLogger(__name__)

START_SECONDS = 60.0
"""For the start message to be answered: on a cold cloud machine Python itself may take seconds."""

RESIGNAL_SECONDS = 0.25
"""Between interrupts during the grace time: code full of bare `except:` may swallow the first."""

WAITING_POLL_SECONDS = 0.25
"""How often a cell's processor time is looked at while it has host calls in flight."""

SEND_SECONDS = 5.0
"""For a runner to take its next cell: one that has stopped itself never would."""

OVERFLOW_CALLS = 1_000
"""Calls beyond the limit that are still answered, with a refusal, before the flood is taken for an attack."""

IDLE_SECONDS = 5.0
IDLE_SHARE = 0.2
"""Between cells the process is looked at this often, and may have used this share of a processor: threads that a cell
left behind are not let to work for ever."""

Stop = Literal["Timeout", "Interrupted"]


@dataclass(slots=True)
class Outcome:
    """What became of a cell, as far as the host saw."""

    done: dict[str, Any] | None = None
    """The runner's own report; None when it was lost."""
    lost: SessionLost | None = None
    stop: Stop | None = None
    seconds: float = 0.0
    calls: int = 0
    weight: int = 0
    """Bytes that remembering it takes, about: what the runner sent, and what it was answered."""
    answered: int = 0
    """Bytes of answers."""
    answers: list[Answer] = field(default_factory=list)


class _Running:
    """The cell that runs now, or the start-up before the first."""

    def __init__(self, calls: CallTable, meter: Meter, cell: int | None = None) -> None:
        self.calls = calls
        self.cell = cell
        self.key = secrets.token_hex(8)
        """Echoed by the report that ends the cell, so that no earlier cell could have forged it."""
        self.meter = meter
        self.outcome = Outcome()
        self.tasks: set[asyncio.Task[None]] = set()
        self.ended: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self.stop_wanted = asyncio.Event()

    def awaits(self, message: dict[str, Any]) -> bool:
        """Whether this message ends it. A forged or late report of another cell does not."""
        if self.cell is None:
            return message["t"] in {"ready", "failed"}
        return message["t"] == "done" and bool(message["key"] == self.key)


class Link:
    """One runner, from its start message to its death. Nothing here brings it back: see session.py."""

    def __init__(self, channel: Channel, limits: Limits) -> None:
        self._channel = channel
        self._limits = limits
        self._inbound = Inbound(limits.frame_bytes, limits.cell_traffic_bytes)
        self._slots = asyncio.Semaphore(limits.calls_in_flight)
        self._send_lock = asyncio.Lock()
        self._running: _Running | None = None
        self._background: set[asyncio.Task[None]] = set()
        self._stray_calls = 0
        self._idle: asyncio.TimerHandle | None = None
        self._listener = asyncio.create_task(self._listen())
        self.lost: SessionLost | None = None

    # What the session does

    async def begin(self, start: dict[str, Any], calls: CallTable) -> list[str]:
        """Send the start message; the layers of the lock that the runner says it put on."""
        running = self._running = _Running(calls, Meter(self._channel.cpu_seconds))
        try:
            await self._send(encode(start))
            ready = await asyncio.wait_for(running.ended, START_SECONDS)
        except (SessionLost, TimeoutError) as error:
            await self.close()
            raise SandboxUnavailable(f"The sandbox did not start: {error or 'no answer in time'}.") from error
        finally:
            self._finish(running)
        if ready["t"] != "ready" or ready["protocol"] != PROTOCOL:
            await self.close()
            reason = str(ready.get("message", "it speaks another protocol")).rstrip(".")
            raise SandboxUnavailable(f"The sandbox did not start: {reason}.")
        return [str(layer) for layer in ready["lock"]]

    async def cell(self, message: dict[str, Any], calls: CallTable, seconds: float) -> Outcome:
        """Run one cell to its end, whatever that is."""
        if self.lost:
            return Outcome(lost=self.lost)
        self._inbound.begin_cell()
        self._stray_calls = 0
        self._rest(None)
        running = self._running = _Running(calls, Meter(self._channel.cpu_seconds), message["cell"])
        try:
            await self._hand_over(encode(message | {"t": "exec", "key": running.key}))
            await self._guard(running, seconds)
            running.outcome.done = await running.ended
        except SessionLost as lost:
            running.outcome.lost = lost
        finally:
            running.outcome.seconds = running.meter.seconds()
            running.outcome.weight = self._inbound.weight + running.outcome.answered
            self._finish(running)
        return running.outcome

    async def outlives(self, seconds: float) -> bool:
        """Whether the runner is still there after this time, in which it is asked nothing."""
        await asyncio.wait({self._listener}, timeout=seconds)
        return self.lost is None

    def abandon(self) -> None:
        """Give up a cell whose caller was cancelled, and the process with it."""
        self._lose(SessionLost("its cell was cancelled", by="caller"))
        self._in_background(self._channel.kill())

    def interrupt(self) -> None:
        """Have the running cell stopped, if there is one."""
        if self._running and not self._running.ended.done():
            self._running.stop_wanted.set()

    async def close(self) -> None:
        """Kill the runner and forget it. Idempotent."""
        self._rest(None)
        await self._channel.kill()
        self._listener.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._listener
        self._lose(SessionLost("the session was closed"))

    # Time

    async def _guard(self, running: _Running, limit: float) -> None:
        """Returns when the cell has ended, by itself or by force."""
        stop: Stop | None = None
        wanted = asyncio.create_task(running.stop_wanted.wait())
        try:
            while not running.ended.done() and stop is None:
                left = limit - running.meter.seconds()
                if wanted.done() or left <= 0:
                    stop = "Interrupted" if wanted.done() else "Timeout"
                    break
                pause = min(left, WAITING_POLL_SECONDS) if running.meter.waiting else left
                futures: set[asyncio.Future[Any]] = {running.ended, wanted}
                await asyncio.wait(futures, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
        finally:
            wanted.cancel()
        if stop:
            running.outcome.stop = stop
            await self._stop(running)

    async def _stop(self, running: _Running) -> None:
        """Interrupt until it lets go; when the grace is over, kill."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._limits.grace_seconds
        for task in running.tasks:
            task.cancel("interrupted")
        while not running.ended.done() and (left := until - loop.time()) > 0:
            await self._channel.interrupt()
            await asyncio.wait({running.ended}, timeout=min(left, RESIGNAL_SECONDS))
        if not running.ended.done():
            self._lose(SessionLost("it did not stop when interrupted, so its process was killed"))
            await self._channel.kill()

    def _rest(self, used: float | None) -> None:
        """Between two cells: look again later at the processor time used so far. None ends the looking."""
        if self._idle:
            self._idle.cancel()
        self._idle = None
        if used is not None and not self.lost:
            self._idle = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._look, used)

    def _look(self, before: float) -> None:
        used = self._channel.cpu_seconds()
        if used is not None and used - before > IDLE_SHARE * IDLE_SECONDS:
            why = "it went on computing after its cell had ended, so its process was killed"
            self._lose(SessionLost(why, by="threads"))
            self._in_background(self._channel.kill())
        else:
            self._rest(used)

    # Frames

    async def _send(self, frame: bytes) -> None:
        """A frame is sent whole: whoever waits for it may be cancelled, the sending is not."""
        await asyncio.shield(self._in_background(self._send_whole(frame)))

    async def _hand_over(self, cell: bytes) -> None:
        """A cell that is not taken in time, whatever lies before it in the channel, ends the runner."""
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self._send(cell)
        except TimeoutError:
            self._lose(SessionLost("it did not take its cell, so its process was killed"))
            await self._channel.kill()

    def _in_background(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task

    async def _send_whole(self, frame: bytes) -> None:
        async with self._send_lock:
            if not self.lost:
                await self._channel.send(frame)

    async def _listen(self) -> None:
        """Until the runner is gone; a violation ends it."""
        try:
            while data := await self._channel.receive():
                for message in self._inbound.feed(data):
                    await self._take(message)
            words = await self._channel.epitaph()
            self._lose(SessionLost(f"its process ended{f' with {words}' if words else ''}"))
        except ProtocolViolation as violation:
            self._lose(violation)
            await self._channel.kill()

    async def _take(self, message: dict[str, Any]) -> None:
        running = self._running
        if message["t"] == "call":
            # No slot left means that nothing more is read: the flood waits on the child's side.
            await self._slots.acquire()
            self._dispatch(running, message)
        elif running is not None and not running.ended.done() and running.awaits(message):
            running.ended.set_result(message)

    def _lose(self, why: SessionLost) -> None:
        self.lost = self.lost or why
        if self._running and not self._running.ended.done():
            self._running.ended.set_exception(self.lost)

    # Host calls

    def _dispatch(self, running: _Running | None, message: dict[str, Any]) -> None:
        if running is None:
            self._stray_calls += 1
            self._check_flood(self._stray_calls)
            task = asyncio.create_task(self._refuse(message))
            tasks = self._background
        else:
            running.outcome.calls += 1
            self._check_flood(running.outcome.calls - self._limits.calls_per_cell)
            running.meter.call_started()
            task = asyncio.create_task(self._serve(running, message))
            tasks = running.tasks
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        task.add_done_callback(lambda _: self._slots.release())

    def _check_flood(self, calls_too_many: int) -> None:
        if calls_too_many > OVERFLOW_CALLS:
            raise ProtocolViolation(f"a cell made more than {self._limits.calls_per_cell:,} host calls")

    async def _refuse(self, message: dict[str, Any]) -> None:
        await self._reply(message["id"], await _ask(NoCalls(), message["name"], message["args"]))

    async def _serve(self, running: _Running, message: dict[str, Any]) -> None:
        name, arguments = message["name"], message["args"]
        try:
            if limit := self._reached(running.outcome):
                answer = Answer(name, brief(arguments), error=("limit", limit))
            else:
                answer = await _ask(running.calls, name, arguments)
            running.outcome.answers.append(answer)
        except asyncio.CancelledError:
            # Interrupted: other threads of the cell may wait for answers too, and must be let go.
            answer = Answer(name, None, error=("interrupted", "the cell was interrupted"))
        finally:
            running.meter.call_ended()
        if not running.ended.done():
            await self._reply(message["id"], answer, running.outcome)

    def _reached(self, outcome: Outcome) -> str:
        """Which limit on calls the cell has reached, or ""."""
        if outcome.calls > self._limits.calls_per_cell:
            return f"{self._limits.calls_per_cell:,} per cell"
        if outcome.answered > self._limits.cell_traffic_bytes:
            return f"{self._limits.cell_traffic_bytes:,} bytes of answers per cell"
        return ""

    async def _reply(self, ident: int, answer: Answer, outcome: Outcome | None = None) -> None:
        body = {"error": list(answer.error)} if answer.error else {"value": answer.value}
        try:
            frame = encode({"t": "answer", "id": ident, **body})
        except (TypeError, ValueError, RecursionError):
            log.warning("host call %s answered what is not JSON", answer.name[:80])
            frame = encode({"t": "answer", "id": ident, "error": ["internal", "the answer is not JSON"]})
        if outcome:
            outcome.answered += len(frame)
        await self._send(frame)

    def _finish(self, running: _Running) -> None:
        """Nobody waits for these any more."""
        self._running = None
        self._rest(self._channel.cpu_seconds())
        for task in running.tasks:
            task.cancel()
        if running.ended.done() and not running.ended.cancelled():
            running.ended.exception()  # looked at, so that asyncio does not warn


async def _ask(calls: CallTable, name: str, arguments: dict[str, JSON]) -> Answer:
    try:
        return Answer(name, brief(arguments), value=await calls.answer(name, arguments))
    except HostCallError as error:
        return Answer(name, brief(arguments), error=(error.kind, error.message))
