"""How long a cell has computed, when it also waits for the host.

The rule: while no host call is in flight, the clock on the wall counts. While at least one is, the cell may be waiting
or one thread may wait as another computes; then the processor time of its process counts, where it can be read from
outside (local), and nothing where it cannot (a cell that hides work behind calls is bounded there by the calls).
"""

import time
from collections.abc import Callable


class Meter:
    """Runs from its creation on."""

    def __init__(self, cpu_seconds: Callable[[], float | None]) -> None:
        self._cpu_seconds = cpu_seconds
        self._past = 0.0
        self._in_flight = 0
        self._mark = time.monotonic()

    @property
    def waiting(self) -> bool:
        return self._in_flight > 0

    def call_started(self) -> None:
        if not self._in_flight:
            self._past = self.seconds()
            self._mark = self._cpu()
        self._in_flight += 1

    def call_ended(self) -> None:
        if self._in_flight == 1:
            self._past = self.seconds()
            self._mark = time.monotonic()
        self._in_flight -= 1

    def seconds(self) -> float:
        now = self._cpu() if self._in_flight else time.monotonic()
        return self._past + max(now - self._mark, 0.0)

    def _cpu(self) -> float:
        return self._cpu_seconds() or 0.0
