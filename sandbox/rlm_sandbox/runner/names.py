"""Names that a cell may overwrite but not keep: reserved ones, builtins, and the streams and hooks of `sys`."""

import builtins
import io
import sys
from typing import Any

from rlm_sandbox.runner.interrupts import Interrupts


class Names:
    """Remembers how things were before the first cell, and puts them back after each."""

    def __init__(self, namespace: dict[str, Any], stream: io.TextIOBase, interrupts: Interrupts) -> None:
        self._namespace = namespace
        self._stream = stream
        self._interrupts = interrupts
        self._builtins = dict(vars(builtins))
        self._reserved: dict[str, Any] = {}
        self._recursion = sys.getrecursionlimit()

    def reserve(self, names: dict[str, Any]) -> None:
        self._reserved.update(names)
        self._namespace.update(names)

    def restore(self) -> None:
        """Builtins come first: everything else, this method's callees included, stands on them."""
        vars(builtins).update(self._builtins)
        self._namespace.update(self._reserved)
        self._namespace["__builtins__"] = builtins
        sys.setrecursionlimit(self._recursion)
        self.streams()
        self._interrupts.install()

    def streams(self) -> None:
        sys.stdout = sys.stderr = self._stream
        sys.stdin = io.StringIO()
