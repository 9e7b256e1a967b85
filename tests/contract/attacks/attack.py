"""One attack: a cell, what it is after, and how the host can tell that it got there."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from tests.contract.attacks.ground import Ground

Judge = Callable[[Ground, str], bool]

told, traced, changed, tampered = Ground.told, Ground.traced, Ground.changed, Ground.tampered
knocked, hurt, crowded, bloated, asked = Ground.knocked, Ground.hurt, Ground.crowded, Ground.bloated, Ground.asked


def claims(_: Ground, stdout: str) -> bool:
    return Ground.claims(stdout)


def nothing(_: Ground, stdout: str) -> bool:
    return Ground.nothing(stdout)


@dataclass(frozen=True, slots=True)
class Attack:
    """`control`: what happens without any lock. `held`: the host's own design stops it; `depends`: on the machine."""

    kind: str
    name: str
    code: str
    judge: Judge
    control: Literal["reached", "held", "depends"] = "reached"
    raw: bool = False
    """It writes frames itself, or breaks the process: the session may be lost, and must come back."""
    seconds: float = 5.0
    """How long the cell may compute: long enough for what must come to its end, short for what never would."""


LOOK = "call('look')\n"
"""The host looks at what the session uses, and the cell goes on once it has."""

TOOLS = '''
GIVEN = "sc path reached mapped zero_low_word frame send libc os ctypes blob call HostCallError"

import ctypes, os

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long

def sc(name, *arguments):
    """A raw system call; minus the error number when it fails."""
    if name not in NR: return -38
    wide = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result = libc.syscall(ctypes.c_long(NR[name]), *wide)
    return -ctypes.get_errno() if result < 0 else result

def path(text): return text.encode() + b"\\0"

def reached(condition=True):
    if condition: print("REACHED")

def mapped(size, prot, flags, fd=-1):
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
    address = libc.mmap(None, size, prot, flags, fd, 0)
    return None if address in (None, ctypes.c_void_p(-1).value) else address

def zero_low_word(size=4096):
    """Memory whose address has 32 zero bits at its low end."""
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
    for high in range(1, 64):
        if libc.mmap(high << 32, size, 3, 0x22, -1, 0) == high << 32: return high << 32
    return None

def frame(payload, size=None):
    payload = payload if isinstance(payload, bytes) else payload.encode()
    return (len(payload) if size is None else size).to_bytes(4, "big") + payload

def send(data):
    view = memoryview(data)
    while view: view = view[os.write(3, view):]

def setup(session):
    names = dict(globals())
    names |= {"call": session.call, "blob": session.blob}
    names["HostCallError"] = session.HostCallError
    return {name: names[name] for name in GIVEN.split()}
'''
"""Preloaded as a module, after `NR = {…}`."""
