"""Runs cells in one namespace and says what came of each."""

import ast
import linecache
import sys
import traceback
from collections.abc import Callable, Iterator
from itertools import chain, islice
from types import CodeType, TracebackType
from typing import Any

from rlm_sandbox.runner.interrupts import Interrupts

MESSAGE_CHARS = 4_000
TRACEBACK_FRAMES = 12


def _file(number: int) -> str:
    return f"<cell {number}>"


def _parse(code: str, file: str, stop_line: int | None) -> tuple[CodeType, CodeType | None]:
    """The cell's statements, and its last expression if it ends with one. `stop_line`: only what ends before it."""
    tree = ast.parse(code, file)
    if stop_line is not None:
        tree.body = [node for node in tree.body if (node.end_lineno or node.lineno) < stop_line]
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    echo = ast.Expression(last.value) if isinstance(last, ast.Expr) else None
    return (
        compile(tree, file, "exec", dont_inherit=True),
        compile(echo, file, "eval", dont_inherit=True) if echo else None,
    )


def _of_cells(trace: TracebackType | None) -> Iterator[tuple[Any, int]]:
    for frame, line in traceback.walk_tb(trace):
        if frame.f_code.co_filename.startswith("<cell "):
            yield frame, line


def _traceback(error: BaseException) -> str:
    frames = list(_of_cells(error.__traceback__))
    if len(frames) > TRACEBACK_FRAMES:
        frames = list(chain(islice(frames, 2), frames[2 - TRACEBACK_FRAMES :]))
    lines = traceback.StackSummary.extract(iter(frames), lookup_lines=True).format()
    if isinstance(error, SyntaxError):
        lines += traceback.format_exception_only(error)[:-1]
    return "".join(lines)


def _text(error: BaseException) -> str:
    try:
        return str(error)[:MESSAGE_CHARS]
    except BaseException as broken:  # noqa: BLE001 - an exception written by the cell may do anything
        return f"(its message could not be read: {type(broken).__name__})"


def describe(error: BaseException) -> dict[str, Any]:
    """What the host is told about an exception. Never raises."""
    try:
        trace = _traceback(error)
    except BaseException as broken:  # noqa: BLE001
        trace = f"(no traceback: {type(broken).__name__})"
    return {"kind": type(error).__name__, "message": _text(error), "traceback": trace}


def stopped_line(error: BaseException) -> int | None:
    """The line of the cell's own statement that was running when the exception came."""
    return next((line for _, line in _of_cells(error.__traceback__)), None)


class Cells:
    """One namespace. Functions of earlier cells see later globals, as in any module."""

    def __init__(self, namespace: dict[str, Any], write: Callable[[str], object], interrupts: Interrupts) -> None:
        self._namespace = namespace
        self._write = write
        self._interrupts = interrupts

    def run(self, number: int, code: str, stop_line: int | None = None) -> BaseException | None:
        """What stopped the cell, if anything did."""
        file, stopped = _file(number), None
        linecache.cache[file] = (len(code), None, code.splitlines(keepends=True), file)
        try:
            self._interrupts.armed = True
            self._execute(code, file, stop_line)
            self._interrupts.armed = False
        except BaseException as error:  # noqa: BLE001 - whatever a cell does is a result
            self._interrupts.armed = False
            stopped = error
        try:
            # Here, in a frame that no hook of the cell has seen: the next call of a function would run them.
            sys.settrace(None)
            sys.setprofile(None)
        except BaseException:  # noqa: BLE001, S110 - a hook that raises has unset itself
            pass
        return stopped

    def _execute(self, code: str, file: str, stop_line: int | None) -> None:
        body, echo = _parse(code, file, stop_line)
        exec(body, self._namespace)
        if echo is None:
            return
        value = eval(echo, self._namespace)  # noqa: S307 - as above, this is what a cell is
        if value is not None:
            self._write(f"{value!r}\n")
