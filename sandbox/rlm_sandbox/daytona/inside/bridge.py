"""Starts a runner and speaks for it over standard input and output, in lines that survive a terminal (stream.py).

Each direction has a thread of its own, so that a signal passes while the runner takes no bytes. When the runner has
ended its last words wait here for whoever asks; the bridge ends with its terminal.
"""

import os
import signal
import subprocess
import threading
import tty
from collections.abc import Iterable
from queue import SimpleQueue
from typing import IO

from rlm_sandbox.daytona.inside.stream import DATA, END, INTERRUPT, KILL, LINE_BYTES, WINDOW, Stream

PREFIX_VARIABLE = "RLM_LINE_PREFIX"
LONGEST_WORDS = 2_000
ENVIRONMENT = {"LANG": "C.UTF-8", "PATH": "/usr/bin:/bin", "PYTHONHASHSEED": "0"}
"""All that a runner inherits. Hashes are seeded alike everywhere, so that a replay meets the same set orders."""


class Bridge:
    """One runner, and the line to the host."""

    def __init__(self, prefix: bytes, command: list[str]) -> None:
        if os.isatty(0):
            tty.setraw(0)
        self._stream = Stream(prefix)
        self._room = threading.Condition()
        pipe = subprocess.PIPE
        self._runner = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=pipe, env=ENVIRONMENT, start_new_session=True, bufsize=0
        )
        self._words = b""
        self._for_runner: SimpleQueue[tuple[int, bytes]] = SimpleQueue()

    def run(self) -> None:
        """Until the terminal ends. Does not return."""
        with self._room:
            self._write(b"\n" + self._stream.say(DATA))
        errors = threading.Thread(target=self._read_errors, daemon=True)
        errors.start()
        threading.Thread(target=self._read_runner, args=(errors,), daemon=True).start()
        threading.Thread(target=self._write_runner, daemon=True).start()
        try:
            while data := os.read(0, 1 << 16):
                self._hear(data)
        finally:
            self._runner.kill()
            os._exit(0)

    def _hear(self, data: bytes) -> None:
        with self._room:
            heard = list(self._stream.feed(data))
            for answer in self._stream.answers:
                self._write(answer)
            self._stream.answers.clear()
            self._room.notify_all()
        for number, kind, body in heard:
            if kind == INTERRUPT:
                self._runner.send_signal(signal.SIGINT)
            elif kind == KILL:
                self._runner.kill()
            self._for_runner.put((number, body))

    @staticmethod
    def _write(line: bytes) -> None:
        rest = memoryview(line)
        while rest:
            rest = rest[os.write(1, rest) :]

    def _say(self, kind: bytes, data: bytes) -> None:
        with self._room:
            while self._stream.on_the_way > WINDOW:
                self._room.wait()
            self._write(self._stream.say(kind, data))

    def _read_runner(self, errors: threading.Thread) -> None:
        for data in chunks(self._runner.stdout):
            self._say(DATA, data)
        code = self._runner.wait()
        errors.join(1.0)
        how = f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
        self._say(END, f"{how} {self._words.decode(errors='replace')}".strip().encode())

    def _write_runner(self) -> None:
        """Hand bytes over, and say what was taken: that is how a runner that does not read slows its host down."""
        while True:
            number, data = self._for_runner.get()
            try:
                if data and self._runner.stdin is not None:
                    self._runner.stdin.write(data)
            except OSError:
                data = b""
            with self._room:
                self._write(self._stream.taken(number))

    def _read_errors(self) -> None:
        """What Python says before the runner closes its standard error: why it could not start."""
        for data in chunks(self._runner.stderr):
            self._words = (self._words + data)[-LONGEST_WORDS:]


def chunks(stream: IO[bytes] | None) -> Iterable[bytes]:
    """What arrives, in pieces of at most LINE_BYTES, until the end."""
    if stream is None:
        return ()
    return iter(lambda: os.read(stream.fileno(), LINE_BYTES), b"")
