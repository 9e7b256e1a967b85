"""SIGINT stops the running cell, never the runner, and never a frame that is half written."""

import signal
from _thread import get_ident
from types import FrameType


class Interrupts:
    """Raises KeyboardInterrupt in the cell; between cells a late signal means nothing."""

    def __init__(self) -> None:
        self.armed = False
        self._shields = 0
        self._late = False
        self._main = get_ident()

    def install(self) -> None:
        """To be done again after each cell, which may have put in a handler of its own."""
        signal.signal(signal.SIGINT, self._handle)

    def _handle(self, _signal: int, _frame: FrameType | None) -> None:
        if self._shields:
            self._late = True
        elif self.armed:
            raise KeyboardInterrupt

    def __enter__(self) -> None:
        """Within the shield, in the main thread, a signal waits until the end."""
        if get_ident() == self._main:
            self._shields += 1

    def __exit__(self, *_: object) -> None:
        if get_ident() != self._main:
            return
        self._shields -= 1
        if self._late and not self._shields:
            self._late = False
            if self.armed:
                raise KeyboardInterrupt
