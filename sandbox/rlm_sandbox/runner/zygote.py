"""The warm process: everything imported, nothing hostile ever seen; each session is a fork of it.

It has one thread, so PR_SET_PDEATHSIG in a child, which follows the *thread* that forked, follows this process. It
ends when the host does, told by the end of the control socket and by a pidfd (a process that the host forked may hold
the socket open), and its children end with it.

Host to zygote: `learn` a preload, `fork` (with the descriptors of the channel and perhaps the blob), `signal` a child.
Zygote to host: one reply to each, and `exited` when a child is gone. A child is signalled here, where it is reaped, so
a number that was given to another process can never be hit.
"""

import contextlib
import fcntl
import gc
import json
import os
import select
import signal
import socket
import sys
from typing import Any, NoReturn

from rlm_sandbox.runner import frames, kernel, main

CHANNEL_FD, BLOB_FD = 3, 4
"""Where a session finds them."""

_exit = os._exit


class Zygote:
    """Forks, signals and reaps."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._me = os.getpid()
        self._children: set[int] = set()
        self._host = os.pidfd_open(os.getppid()) if hasattr(os, "pidfd_open") else -1
        self._wake, self._woken = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._woken, warn_on_full_buffer=False)

    def serve(self) -> NoReturn:
        poll = select.poll()
        for fd in (self._control.fileno(), self._host, self._wake):
            if fd >= 0:
                poll.register(fd, select.POLLIN)
        self._tell({"op": "warm"})
        while True:
            ready = {fd for fd, _ in poll.poll()}
            if self._wake in ready:
                os.read(self._wake, 4096)
                self._reap()
            if self._host in ready:
                self._end()
            if self._control.fileno() in ready:
                self._answer()

    def _tell(self, message: dict[str, Any]) -> None:
        try:
            self._control.sendall(frames.encode(message))
        except OSError:
            self._end()

    def _answer(self) -> None:
        data, fds, _, _ = socket.recv_fds(self._control, frames.HEADER_BYTES, 8)
        if not data:
            self._end()
        size = int.from_bytes(data, "big")
        message = json.loads(frames.read_exactly(self._control.fileno(), size))
        if message["op"] == "fork":
            self._fork(fds)
        elif message["op"] == "learn":
            self._learn(message["name"], message["source"])
        elif message["op"] == "signal":
            self._signal(message["pid"], message["signal"])

    def _learn(self, name: str, source: str) -> None:
        with contextlib.suppress(SyntaxError):  # the session that loads it will say so
            main.compile_preload(name, source)
        gc.freeze()
        self._tell({"op": "learnt"})

    def _fork(self, fds: list[int]) -> None:
        try:
            pid = os.fork()
        except OSError as error:
            self._tell({"op": "failed", "message": str(error)})
        else:
            if pid == 0:
                self._become_session(fds)
            self._children.add(pid)
            self._tell({"op": "forked", "pid": pid})
        for fd in fds:
            os.close(fd)

    def _become_session(self, fds: list[int]) -> NoReturn:
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            # What comes with the channel and the blob, if anything, is left to the layer that closes descriptors.
            given = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 16) for fd in fds[:2]]
            for fd in (self._wake, self._woken, self._host, self._control.detach(), *fds[:2]):
                if fd >= 0:
                    os.close(fd)
            for fd, place in zip(given, (CHANNEL_FD, BLOB_FD), strict=False):
                os.dup2(fd, place, inheritable=False)
                os.close(fd)
            main.run(CHANNEL_FD, CHANNEL_FD, self._me)
        finally:
            _exit(1)

    def _signal(self, pid: int, number: int) -> None:
        if pid in self._children:
            os.kill(pid, number)
        self._tell({"op": "signalled"})

    def _reap(self) -> None:
        while self._children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            self._children.discard(pid)
            self._tell({"op": "exited", "pid": pid, "status": os.waitstatus_to_exitcode(status)})

    def _end(self) -> NoReturn:
        for pid in self._children:
            os.kill(pid, signal.SIGKILL)
        _exit(0)


def serve(control_fd: int) -> NoReturn:
    """Until the host ends. A failure to start is told to it."""
    control = socket.socket(fileno=control_fd)
    control.set_inheritable(False)
    os.chdir("/")
    kernel.landlock_rights()  # asked once, for all children
    gc.collect()
    gc.freeze()
    try:
        Zygote(control).serve()
    except BaseException as error:  # noqa: BLE001
        control.sendall(frames.encode({"op": "failed", "message": f"{type(error).__name__}: {error}"}))
        sys.exit(1)
