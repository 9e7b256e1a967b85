"""Worker processes that may be killed: each holds the grammars, takes units of documents and answers one by one.

A document that crashes its worker, or takes too long, costs itself: the worker is replaced and goes on with the next.
"""

import contextlib
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from rlm_indexers import pipes
from rlm_indexers.converters import frames
from rlm_indexers.symbols.facts import Kept, kept, text_only
from rlm_indexers.symbols.units import Item

_PACKAGE_ROOT = Path(__file__).parents[2]
_START = (
    "import gc, sys; gc.disable(); sys.path.insert(0, sys.argv[1]);"
    "from rlm_indexers.symbols.child import main; main(sys.argv[2:])"
)
"""Facts hold no cycles, nor do modules on their way in: looking for them would cost a tenth of the time."""
_REPLY_LIMIT = 256 << 20
_START_SECONDS = 60.0
"""For a process to come up on a machine that has other things to do."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on one document."""

    seconds: float = 10.0
    memory_bytes: int = 512 << 20


class Worker:
    """One process, started when first needed and again after each death. One unit at a time."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._process: subprocess.Popen[bytes] | None = None
        self._answers: pipes.Reader | None = None
        self._stopped = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, unit: Sequence[Item]) -> list[Kept]:
        """The facts of each document of a unit, whatever happens to the process on the way.

        After a death the rest is asked for singly: only then it is known which document was at fault.
        """
        done: list[Kept] = []
        singly = False
        while len(done) < len(unit):
            if self._stopped:
                raise InterruptedError("the extractor was closed")
            reason = self._attempt(unit[len(done) :], done, singly)
            if reason and (singly or len(done) + 1 == len(unit)):
                done.append(kept(text_only(reason), unit[len(done)][0]))
            singly = singly or bool(reason)
        return done

    def stop(self) -> None:
        """Have `run` end soon, from another thread."""
        self._stopped = True
        process = self._process
        if process is not None:
            process.kill()

    def close(self) -> None:
        """End the process. Idempotent; not while `run` is at work in another thread."""
        process, self._process = self._process, None
        if process is None:
            return
        pipes.end(process)

    def _attempt(self, unit: Sequence[Item], done: list[Kept], singly: bool) -> str:
        """Append answers to `done`; "" after the last, else why the document after the last answer has none."""
        try:
            process, answers = self._running()
        except (TimeoutError, EOFError, ValueError):
            self.close()
            return "parser-did-not-start"
        try:
            _ask(process, unit, singly, self._limits.seconds)
            done.extend(_replies(answers, len(unit), self._limits.seconds))
        except TimeoutError:
            self.close()
            return f"parser-timeout: {self._limits.seconds:g} s"
        except (EOFError, ValueError):
            reason = _cause_of_death(process)
            self.close()
            return reason
        return ""

    def _running(self) -> tuple[subprocess.Popen[bytes], pipes.Reader]:
        if self._process is None or self._answers is None or self._process.poll() is not None:
            self.close()
            self._process = pipes.started(("-c", _START, str(_PACKAGE_ROOT), str(self._limits.memory_bytes)))
            self._answers = pipes.Reader(self._process.stdout)
            if self._stopped:
                raise EOFError
            frames.read(self._answers.until(time.monotonic() + _START_SECONDS), 0)
        return self._process, self._answers


def _ask(process: subprocess.Popen[bytes], unit: Sequence[Item], singly: bool, seconds: float) -> None:
    if process.stdin is None:
        raise EOFError
    header = {"documents": [[language, len(data)] for language, data in unit], "singly": singly}
    pipes.write(process.stdin, frames.pack(header, b"".join(data for _, data in unit)), time.monotonic() + 2 * seconds)


def _replies(answers: pipes.Reader, count: int, seconds: float) -> Iterator[Kept]:
    """The answers of a worker, each within its time. TimeoutError, or EOFError when the process is gone."""
    for _ in range(count):
        header, body = frames.read(answers.until(time.monotonic() + seconds), _REPLY_LIMIT)
        rows, failure = header.get("rows"), header.get("failure")
        if not isinstance(rows, int) or not isinstance(failure, str):
            raise ValueError("an answer without its parts")  # noqa: TRY004 - it is the sender's bytes that are wrong
        yield Kept(body[:rows], failure, body[rows:])


def _cause_of_death(process: subprocess.Popen[bytes]) -> str:
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=2)
    code = process.poll()
    if code is None:
        return "parser-crashed: gone silent"
    return f"parser-crashed: {signal.Signals(-code).name if code < 0 else f'exit {code}'}"
