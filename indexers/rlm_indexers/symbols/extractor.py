"""Facts of many documents, in processes that may be killed: workers of our own, or an executor handed in."""

import os
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Self, TypeVar

from rlm_indexers.symbols.facts import Facts, Kept, facts_from_json
from rlm_indexers.symbols.units import Item, run_unit, units
from rlm_indexers.symbols.workers import Limits, Worker

Key = TypeVar("Key")
MOST_WORKERS = 4
EXECUTOR_SECONDS = 600.0
"""For one unit in a foreign executor, waiting included; then it goes to a worker of ours, which can be killed."""
AHEAD = 2
"""Units per worker that wait or are done but not fetched: what bounds memory."""


class Extractor:
    """Extracts, in the caller's thread's time but not in its process. Close it to end the workers."""

    def __init__(
        self, executor: Executor | None = None, *, workers: int | None = None, limits: Limits | None = None
    ) -> None:
        self._executor = executor
        self._limits = limits or Limits()
        self._count = workers or min(os.cpu_count() or 1, MOST_WORKERS)
        self._threads = ThreadPoolExecutor(self._count, "symbols")
        self._idle: deque[Worker] = deque()
        self._all: list[Worker] = []
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def extract_many(self, items: Iterable[tuple[Key, str, bytes]]) -> Iterator[tuple[Key, Facts]]:
        """The facts of each (key, language, document), in the order given. `items` is read a few units ahead."""
        for key, found in self.extract_kept(items):
            yield key, facts_from_json(found.facts)

    def extract_kept(self, items: Iterable[tuple[Key, str, bytes]]) -> Iterator[tuple[Key, Kept]]:
        """The same as a store keeps it, without making objects of it."""
        keys: deque[Key] = deque()
        for done in self._in_order(units(_noting(items, keys))):
            for found in done:
                yield keys.popleft(), found

    def close(self) -> None:
        """End the workers. Idempotent."""
        for worker in self._all:
            worker.stop()
        self._threads.shutdown(cancel_futures=True)
        for worker in self._all:
            worker.close()

    def _in_order(self, groups: Iterable[list[Item]]) -> Iterator[list[Kept]]:
        waiting: deque[Future[list[Kept]]] = deque()
        try:
            for unit in groups:
                waiting.append(self._threads.submit(self._run, unit))
                while len(waiting) > AHEAD * self._count:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()

    def _run(self, unit: list[Item]) -> list[Kept]:
        if self._executor is not None:
            done = _by_executor(self._executor, unit)
            if done is not None:
                return done
        with self._lock:
            worker = self._idle.popleft() if self._idle else self._hired()
        try:
            return worker.run(unit)
        finally:
            with self._lock:
                self._idle.appendleft(worker)

    def _hired(self) -> Worker:
        worker = Worker(self._limits)
        self._all.append(worker)
        return worker


def _by_executor(executor: Executor, unit: list[Item]) -> list[Kept] | None:
    """What an executor makes of a unit; None when it fails, so that our own workers find the document at fault."""
    try:
        return executor.submit(run_unit, unit).result(EXECUTOR_SECONDS)
    except Exception:  # noqa: BLE001 - a broken pool, a lost cluster node: each has its own type
        return None


def _noting(items: Iterable[tuple[Key, str, bytes]], keys: deque[Key]) -> Iterator[Item]:
    for key, language, data in items:
        keys.append(key)
        yield language, data
