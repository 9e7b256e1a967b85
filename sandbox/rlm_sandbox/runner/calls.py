"""Host calls, as the inside sees them: ask, wait, get an answer or a HostCallError. Any thread may ask."""

from _thread import allocate_lock
from collections.abc import Callable
from itertools import count
from typing import Any

from rlm_sandbox.runner import frames


class HostCallError(Exception):
    """The host refused or failed; `kind` is a stable word, `message` a sentence."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind
        self.message = message


class _Waiter:
    """One thread, waiting for one answer."""

    __slots__ = ("answer", "lock")

    def __init__(self) -> None:
        self.answer: dict[str, Any] = {}
        self.lock = allocate_lock()
        self.lock.acquire()  # the reader thread releases it


class Calls:
    """Pairs questions with answers by an id that means nothing to the host."""

    def __init__(self, send: Callable[[bytes], None], frame_bytes: int) -> None:
        self._send = send
        self._frame_bytes = frame_bytes
        self._ids = count(1)
        self._waiting: dict[int, _Waiter] = {}

    def call(self, name: str, /, **arguments: Any) -> Any:
        """The host's answer. Raises HostCallError, or TypeError when an argument is not JSON."""
        ident = next(self._ids)
        frame = frames.encode({"t": "call", "id": ident, "name": name, "args": arguments})
        if len(frame) > self._frame_bytes:
            raise HostCallError("too-large", f"{name} was given {len(frame):,} bytes; {self._frame_bytes:,} may pass")
        waiter = self._waiting[ident] = _Waiter()
        try:
            self._send(frame)
            waiter.lock.acquire()
        finally:
            self._waiting.pop(ident, None)
        if "error" in waiter.answer:
            raise HostCallError(*waiter.answer["error"])
        return waiter.answer["value"]

    def resolve(self, answer: dict[str, Any]) -> None:
        """Wake the thread that waits for this answer. Nobody may: it was interrupted, or the id was forged."""
        waiter = self._waiting.pop(answer["id"], None)
        if waiter is not None:
            waiter.answer = answer
            waiter.lock.release()
