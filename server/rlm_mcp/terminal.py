"""Live progress on a terminal: one line on stderr, rewritten; plain silence when stderr is no terminal."""

import shutil
import sys
from typing import Self


class Progress:
    """Call it with what is happening. Leaving the context clears the line."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._last = ""

    def __enter__(self) -> Self:
        return self

    def __call__(self, message: str) -> None:
        width = shutil.get_terminal_size().columns - 1
        line = " ".join(message.split())[:width]
        if self._live and line != self._last:
            sys.stderr.write(f"\r\x1b[K{line}")
            sys.stderr.flush()
            self._last = line

    def __exit__(self, *exception: object) -> None:
        if self._live and self._last:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
