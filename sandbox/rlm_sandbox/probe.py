"""What the local sandbox holds, found out by attacking one: a dozen attempts, judged by what they reach outside."""

import asyncio
import contextlib
import os
import secrets
import socket
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rlm_sandbox.base import CellResult, Limits, Probe
from rlm_sandbox.errors import SandboxError

if TYPE_CHECKING:
    from rlm_sandbox.local import LocalProvider, LocalSession


class Ground:
    """What the attempts are after: a secret, listeners, a place to write, another process."""

    def __init__(self, folder: Path) -> None:
        self.secret = secrets.token_hex(16)
        self.file = folder / "secret.txt"
        self.file.write_text(self.secret, "ascii")
        self.trace = folder / "trace.txt"
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        self.unix = socket.socket(socket.AF_UNIX)
        self.unix.bind(str(folder / "listener"))
        self.unix.listen()
        for listener in (self.tcp, self.udp, self.unix):
            listener.setblocking(False)

    def told(self, result: CellResult) -> bool:
        """Whether the cell got hold of the secret."""
        return self.secret in result.stdout

    def wrote(self, _: CellResult) -> bool:
        return self.trace.exists()

    def connected(self, _: CellResult) -> bool:
        """Whether anybody knocked at a listener."""
        for listener in (self.tcp, self.unix):
            with contextlib.suppress(BlockingIOError):
                listener.accept()[0].close()
                return True
        with contextlib.suppress(BlockingIOError):
            return bool(self.udp.recv(1))
        return False

    def names(self, victim: int) -> dict[str, object]:
        return {
            "FILE": str(self.file),
            "TRACE": str(self.trace),
            "TCP": self.tcp.getsockname()[1],
            "UDP": self.udp.getsockname()[1],
            "UNIX": self.unix.getsockname(),
            "VICTIM": victim,
        }

    def close(self) -> None:
        for listener in (self.tcp, self.udp, self.unix):
            listener.close()


@dataclass(frozen=True, slots=True)
class Attempt:
    """One cell that tries for its subject."""

    subject: str
    code: str
    reached: Callable[[Ground, CellResult], bool]


def _said_yes(_: Ground, result: CellResult) -> bool:
    return "reached" in result.stdout or result.died


ATTEMPTS = (
    Attempt("files outside it", "print(open(FILE).read())", Ground.told),
    Attempt("the existence of files outside it", "import os; os.stat(FILE); print('reached')", _said_yes),
    Attempt("folders outside it", "import os; os.listdir('/'); print('reached')", _said_yes),
    Attempt("files to write", "open(TRACE, 'w').close()", Ground.wrote),
    Attempt("other programs", "import os; os.system('touch ' + TRACE)", Ground.wrote),
    Attempt("new processes", "import os\nif os.fork(): print('reached')\nelse: os._exit(0)", _said_yes),
    Attempt("TCP", "import socket; socket.create_connection(('127.0.0.1', TCP), 1)", Ground.connected),
    Attempt("UDP", "import socket; socket.socket(2, 2).sendto(b'x', ('127.0.0.1', UDP))", Ground.connected),
    Attempt("unix sockets", "import socket; socket.socket(1).connect(UNIX)", Ground.connected),
    Attempt("other processes", "import os; os.kill(VICTIM, 0); print('reached')", _said_yes),
    Attempt(
        "executable memory",
        "import ctypes; m = ctypes.CDLL(None).mmap; m.restype = ctypes.c_long\n"
        "if m(None, 4096, 7, 34, -1, 0) != -1: print('reached')",
        _said_yes,
    ),
    Attempt(
        "more memory than its limit", "try:\n    b'x' * 10**9; print('reached')\nexcept MemoryError: pass", _said_yes
    ),
    Attempt(
        "more threads than its limit",
        "from threading import Thread, stack_size; from time import sleep; stack_size(65536)\n"
        "try:\n    for _ in range(200): Thread(target=sleep, args=(1,)).start()\n    print('reached')\n"
        "except RuntimeError: pass",
        _said_yes,
    ),
)


HOLDS = {
    "descriptors": "nothing that the host has open is inherited but the channel and the corpus, which is read-only",
    "limits": "memory, open files, written files and core dumps are bounded by the kernel, threads and memory watched",
    "identity": "no capabilities, no new privileges, no debugger may attach, threads are counted",
    "landlock": "no file, folder, port, abstract socket or signal outside, as far as this kernel's Landlock goes",
    "seccomp": "no system call that takes a path, runs a program, makes a process or a socket, or executable memory",
}


@contextlib.contextmanager
def _ground() -> Iterator[Ground]:
    with tempfile.TemporaryDirectory(prefix="rlm-probe-") as folder:
        ground = Ground(Path(folder))
        try:
            yield ground
        finally:
            ground.close()


async def examine(provider: "LocalProvider") -> Probe:
    """The provider's own sandbox, attacked. Never raises."""
    try:
        with _ground() as ground:
            reached, layers, identity = await _attack(provider, ground)
    except (SandboxError, OSError) as error:
        return Probe(provider.name, available=False, isolation=provider.isolation, reasons=(str(error),))
    held = [attempt.subject for attempt in ATTEMPTS if attempt.subject not in reached]
    reasons = [f"A cell could not reach: {', '.join(held)}."] if held else []
    reasons += [f"A cell reached what it must not: {', '.join(reached)}."] if reached else []
    reasons += [f"Layer {layer}: {HOLDS[layer]}{_version(layer)}." for layer in layers]
    return Probe(provider.name, available=not reached, isolation=provider.isolation, reasons=(*reasons, identity))


def _version(layer: str) -> str:
    """Which of its versions the kernel offers, where that tells how much holds."""
    if layer != "landlock":
        return ""
    from rlm_sandbox.runner.kernel import landlock_version

    return f" (version {landlock_version()}; signals and abstract sockets need 6)"


def _identity(pid: int) -> str:
    """How the session's process stands to ours. Its folder in /proc belongs to root, but its status is for all."""
    with contextlib.suppress(OSError):
        status = Path(f"/proc/{pid}/status").read_text("utf-8", "replace")
        if f"Uid:\t{os.getuid()}\t" not in status:
            return "Sessions run as a user of their own each, without capabilities."
    return "Sessions run as this user, without capabilities; the kernel counts their threads among this user's."


async def _attack(provider: "LocalProvider", ground: Ground) -> tuple[list[str], tuple[str, ...], str]:
    """The subjects that were reached, the layers that were on, and whom the session ran as."""
    limits = Limits(cell_seconds=3, memory_mb=256)
    session, victim = await asyncio.gather(provider.start(limits), provider.start(limits))
    try:
        identity = _identity(session.pid)
        reached = [attempt.subject for attempt in ATTEMPTS if await _reaches(attempt, session, ground, victim)]
        return reached, session.layers, identity
    finally:
        await session.close()
        await victim.close()


async def _reaches(attempt: Attempt, session: "LocalSession", ground: Ground, victim: "LocalSession") -> bool:
    names = "".join(f"{name} = {value!r}\n" for name, value in ground.names(victim.pid).items())
    result = await session.exec(names + attempt.code)
    return attempt.reached(ground, result)
