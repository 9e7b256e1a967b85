"""Who answers host calls: the live table, or a recorded cell's answers when it is run again."""

import hashlib
import json
import logging
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from typing import Protocol

from rlm_sandbox.base import JSON, Answer, HostCall, HostCallError

RECORDED_BYTES = 16 * 1024

log = logging.getLogger(__name__)


class CallTable(Protocol):
    """Answers a host call by name. Raises HostCallError and, cancelled, CancelledError; nothing else."""

    async def answer(self, name: str, arguments: dict[str, JSON]) -> JSON: ...


class LiveCalls:
    """The fixed table given to `Provider.open`."""

    def __init__(self, table: Mapping[str, HostCall]) -> None:
        self._table = dict(table)

    async def answer(self, name: str, arguments: dict[str, JSON]) -> JSON:
        handler = self._table.get(name)
        if handler is None:
            raise HostCallError("unknown-call", f"no host call is named {name[:80]!r}; there are {sorted(self._table)}")
        try:
            return await handler(arguments)
        except HostCallError:
            raise
        except Exception as error:
            # The child is told that it failed, not how: a handler's exception may quote keys and paths.
            # The log is told no more at this level either: it may quote prompts.
            log.warning("host call %s failed: %s", name[:80], type(error).__name__)
            log.debug("host call %s", name[:80], exc_info=True)
            raise HostCallError("internal", f"{name} failed on the host") from error


def brief(arguments: JSON) -> JSON:
    """The arguments as a record keeps them; long ones by their hash, since a session remembers all its cells."""
    text = json.dumps(arguments, sort_keys=True)
    if len(text) <= RECORDED_BYTES:
        return arguments
    return {"sha256": hashlib.sha256(text.encode()).hexdigest(), "bytes": len(text)}


def _key(name: str, arguments: JSON) -> str:
    return name + json.dumps(brief(arguments), sort_keys=True)


class RecordedCalls:
    """What a recorded cell was answered; equal questions are answered in the order of the record."""

    def __init__(self, answers: Sequence[Answer]) -> None:
        self._answers: dict[str, deque[Answer]] = defaultdict(deque)
        self.strayed: str | None = None
        for answer in answers:
            self._answers[_key(answer.name, answer.arguments)].append(answer)

    async def answer(self, name: str, arguments: dict[str, JSON]) -> JSON:
        waiting = self._answers.get(_key(name, arguments))
        if not waiting:
            self.strayed = name
            raise HostCallError("replay", f"{name} was not asked this when the cell first ran")
        recorded = waiting.popleft()
        if recorded.error is not None:
            raise HostCallError(*recorded.error)
        return recorded.value


class NoCalls:
    """Between cells nobody may ask: what a forgotten thread wants is not paid for."""

    async def answer(self, name: str, arguments: dict[str, JSON]) -> JSON:
        del arguments
        raise HostCallError("no-cell", f"{name[:80]} was called while no cell was running")
