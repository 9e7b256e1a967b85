"""The self-lock: five layers that this process puts on itself and can never take off. Nothing is granted back.

The order matters: descriptors are closed once ctypes is loaded, limits are set while they still may be, the parent's
death is listened for after the change of user (which forgets it), and the filter, which refuses all of this, is last.
"""

import _thread
import os
import resource
import signal
from collections.abc import Callable
from functools import partial
from typing import Any

from rlm_sandbox.runner import kernel
from rlm_sandbox.runner.bpf import build_filter
from rlm_sandbox.runner.syscalls import AUDIT_ARCH

LAYERS = ("descriptors", "limits", "identity", "landlock", "seccomp")

DESCRIPTORS = 32
LEAST_MEMORY = 48_000_000
STACK_BYTES = 8 * 1024 * 1024
OWN_THREADS = 2
"""The main one and the one that listens to the host; the others are the cell's."""
NEIGHBOURS = 32
"""By how many threads an ordinary user's other programs may grow before the session feels it."""
NICENESS = 5
PRIVATE_USERS = (0x4000_0000, 60_000)
"""Where private user ids begin: far above people's; or within 16 bits, for containers that map no more."""
OVERFLOW_SIZE = 1 << 62
RESERVED = 64_000_000
"""Address space beyond the memory limit: what malloc reserves for a second thread. The kernel forgets to count memory
as data when it becomes writable while the address space is full, or is moved from the stack, so this bounds it too."""


class LockError(Exception):
    """A layer cannot be had; the sentence says why."""


def _close_descriptors(keep: set[int]) -> None:
    edges = sorted({*keep, 0, 1, 2})
    for low, high in zip([-1, *edges], [*edges, 1 << 20], strict=True):
        if low + 1 < high:  # closerange(0, 0) closes everything, on CPython 3.11 at least
            os.closerange(low + 1, high)


def _limit(kind: int, value: int) -> None:
    hard = resource.getrlimit(kind)[1]
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(kind, (value, value))


def _mapped() -> int:
    """Bytes of address space in use, the blob's included; 0 where that cannot be read."""
    try:
        with open("/proc/self/statm", "rb", 0) as file:  # noqa: PTH123 - pathlib is not needed otherwise
            return int(file.read(64).split()[0]) * resource.getpagesize()
    except OSError:
        return 0


def _set_limits(memory: int, blob: int) -> None:
    if memory < LEAST_MEMORY:  # a negative one would mean no limit at all
        raise LockError(f"{memory:,} bytes of memory are too few for Python; give it {LEAST_MEMORY:,} or more")
    for name in ("RLIMIT_FSIZE", "RLIMIT_CORE", "RLIMIT_MEMLOCK", "RLIMIT_MSGQUEUE", "RLIMIT_RTPRIO", "RLIMIT_NICE"):
        _limit(getattr(resource, name), 0)
    _limit(resource.RLIMIT_NOFILE, DESCRIPTORS)
    _limit(resource.RLIMIT_STACK, STACK_BYTES)
    _limit(resource.RLIMIT_DATA, memory)
    _limit(resource.RLIMIT_AS, min((_mapped() or blob + 3 * memory) + memory + RESERVED, OVERFLOW_SIZE))


def _prefer_to_lose() -> None:
    """When the machine runs out of memory or time, it is this process that should feel it first."""
    os.nice(NICENESS)
    try:
        fd = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
    except OSError:  # no /proc here
        return
    try:
        os.write(fd, b"1000")
    except OSError:  # read-only /proc
        pass
    finally:
        os.close(fd)


def _become_nobody() -> bool:
    """Whether this process was root and is now a user of its own, whose threads are all there are to count."""
    if os.geteuid() != 0:
        return False
    for first in PRIVATE_USERS:
        user = first + os.getpid() % (first // 12)
        try:
            os.setgroups([])
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
        except OSError:
            continue
        return True
    return False


def _can_start_thread(limit: int) -> bool:
    resource.setrlimit(resource.RLIMIT_NPROC, (limit, resource.getrlimit(resource.RLIMIT_NPROC)[1]))
    try:
        _thread.start_new_thread(int, ())
    except RuntimeError:
        return False
    return True


def _threads_of_user() -> int:
    """How many the kernel counts for this user, found by trying: /proc may hide some that a container shares."""
    low, high = 0, 1 << 22
    hard = resource.getrlimit(resource.RLIMIT_NPROC)[1]
    high = high if hard == resource.RLIM_INFINITY else min(high, hard)
    if _can_start_thread(1):
        raise LockError(
            "this process is root but may not change its user, so nothing would limit its threads; "
            "run the server as an ordinary user, or let it keep CAP_SETUID"
        )
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _can_start_thread(middle) else (middle, high)
    return low


def _take_identity(threads: int) -> None:
    kernel.bound_capabilities()
    private = _become_nobody()
    kernel.drop_capabilities()
    allowed = threads + OWN_THREADS
    _limit(resource.RLIMIT_NPROC, allowed if private else _threads_of_user() + allowed + NEIGHBOURS)
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)


def _landlock() -> None:
    if not kernel.landlock_version():
        raise LockError("the kernel has no Landlock: older than 5.13, or started without (/sys/kernel/security/lsm)")
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    kernel.landlock_everything(kernel.landlock_rights())


def _seccomp() -> None:
    if kernel.ARCH not in AUDIT_ARCH:
        raise LockError(f"there is no system-call filter for {kernel.ARCH} here, only for {' and '.join(AUDIT_ARCH)}")
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    kernel.install_filter(build_filter(kernel.ARCH, os.getpid()))


def die_with(parent: int) -> None:
    """Be killed when the parent ends; it may have ended already."""
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def apply(
    lock: dict[str, Any], limits: dict[str, Any], blob_bytes: int, keep: set[int], parent: int | None
) -> list[str]:
    """The layers that hold now. Raises LockError unless `lock["required"]` is false, when what fails is left out."""
    put_on: dict[str, Callable[[], None]] = {
        "descriptors": partial(_close_descriptors, keep),
        "limits": partial(_set_limits, limits["memory_bytes"], blob_bytes),
        "identity": partial(_take_identity, limits["threads"]),
        "landlock": _landlock,
        "seccomp": _seccomp,
    }
    if lock["layers"]:
        _prefer_to_lose()
    held = []
    for layer in LAYERS:
        if layer in lock["layers"] and _try(layer, put_on[layer], required=lock["required"]):
            held.append(layer)
        if layer == "identity" and parent is not None:
            die_with(parent)
    return held


def _try(layer: str, put_on: Callable[[], None], *, required: bool) -> bool:
    try:
        put_on()
    except (OSError, LockError, ValueError, NotImplementedError) as error:
        if required:
            raise LockError(f"The layer {layer!r} of the sandbox could not be put on: {error}") from error
        return False
    return True
