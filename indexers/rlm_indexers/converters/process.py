"""The host's side of a converter: start it, hand it files, believe nothing it says, end it."""

import contextlib
import json
import os
import resource
import signal
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rlm_indexers import pipes
from rlm_indexers.converters import frames
from rlm_indexers.converters.base import Converted, Unreadable

_CHILD = Path(__file__).with_name("child.py")


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on converting one file."""

    memory_bytes: int = 1024 * 1024 * 1024
    cpu_seconds: int = 60
    wall_seconds: float = 90.0
    input_bytes: int = 256 * 1024 * 1024
    output_bytes: int = 64 * 1024 * 1024
    files: int = 500
    """Then the process is replaced, whatever it has leaked."""


class Converter:
    """Converts one file at a time in one process that is started when first needed and again after each death.

    `confine`: a Python file whose `confine(descriptors)` that process calls before it reads a document; it should take
    away everything but these descriptors. Linux only.
    """

    def __init__(self, limits: Limits | None = None, confine: Path | None = None) -> None:
        self.limits = limits or Limits()
        self._confine = confine
        self._process: subprocess.Popen[bytes] | None = None
        self._files = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def convert(self, form: str, data: bytes) -> Converted:
        """The text of a file of one of the formats of `base.VERSIONS`. Raises Unreadable with the reason."""
        if len(data) > self.limits.input_bytes:
            raise Unreadable(f"too-large: {len(data)} bytes")
        process = self._running()
        self._files += 1
        if self._confine:
            _allow_cpu(process.pid, self.limits.cpu_seconds)
        try:
            header, body = _exchange(process, frames.pack({"format": form}, data), self.limits)
            return checked(header, body)
        except TimeoutError:
            self.close()
            raise Unreadable(f"converter-timeout: {form} after {self.limits.wall_seconds:g} s") from None
        except EOFError:
            raise Unreadable(_cause_of_death(form, self._reaped(process))) from None
        except ValueError as error:
            self.close()
            raise Unreadable(f"converter-crashed: {form} answered {str(error)[:100]}") from error

    def close(self) -> None:
        """End the process and everything it may have started. Idempotent."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        pipes.end(process)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._files >= self.limits.files or self._process.poll() is not None:
            self.close()
            arguments = [str(_CHILD), json.dumps(asdict(self.limits)), *filter(None, [str(self._confine or "")])]
            self._process, self._files = pipes.started(arguments, own_group=True), 0
        return self._process

    def _reaped(self, process: subprocess.Popen[bytes]) -> int:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=2)
        code = process.poll()
        self.close()
        return code if code is not None else -signal.SIGKILL


def _allow_cpu(pid: int, seconds: int) -> None:
    """Let a process compute for so many seconds from now. One that has just ended needs none."""
    with contextlib.suppress(OSError):
        used = time.clock_gettime((~pid << 3) | 2)  # another process's clock, as clock_getcpuclockid(3) makes it
        hard = resource.prlimit(pid, resource.RLIMIT_CPU)[1]
        resource.prlimit(pid, resource.RLIMIT_CPU, (int(used) + seconds + 1, hard))


def _exchange(process: subprocess.Popen[bytes], request: bytes, limits: Limits) -> tuple[dict[str, Any], bytes]:
    """Send one frame and read one, within the wall limit. TimeoutError, or EOFError when the process is gone."""
    if process.stdin is None or process.stdout is None:
        raise EOFError
    deadline = time.monotonic() + limits.wall_seconds
    pipes.write(process.stdin, request, deadline)
    return frames.read(pipes.reader(process.stdout, deadline), limits.output_bytes)


def _cause_of_death(form: str, code: int) -> str:
    if code == -signal.SIGXCPU:
        return f"converter-timeout: {form} used up its processor time"
    name = signal.Signals(-code).name if code < 0 else f"exit {code}"
    return f"converter-crashed: {form} ({name})"


def checked(header: dict[str, Any], body: bytes) -> Converted:
    """A reply as a value, or Unreadable if that is what it says. ValueError for anything else."""
    if "error" in header:
        raise Unreadable(_printable(header["error"]))
    anchors, flags = header.get("anchors"), header.get("flags")
    if not isinstance(anchors, list) or not isinstance(flags, list):
        raise ValueError("something that is no reply")  # noqa: TRY004 - the value that is wrong is the reply
    placed = tuple((_line(line), _values(values)) for line, values in anchors)
    return Converted(body.decode("utf-8"), placed, tuple(_printable(flag) for flag in flags))


def _printable(said: Any) -> str:
    return "".join(c if c.isprintable() else " " for c in str(said)[:300])


def _line(line: Any) -> int:
    if type(line) is not int or line < 1:
        raise ValueError("an anchor without a line")
    return line


def _values(values: Any) -> dict[str, Any]:
    if not isinstance(values, dict) or not all(isinstance(value, int | str) for value in values.values()):
        raise ValueError("an anchor without values")
    return values
