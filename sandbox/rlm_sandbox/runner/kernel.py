"""The few system calls that Python has no name for, by ctypes, which must be imported before descriptors are closed."""

import ctypes
import os
import platform
import struct
from functools import cache

from rlm_sandbox.runner.syscalls import AUDIT_ARCH, number

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_CAPBSET_DROP = 24
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_CLEAR_ALL = 4

SECCOMP_SET_MODE_FILTER = 1
SECCOMP_FILTER_FLAG_TSYNC = 1

LANDLOCK_VERSION_FLAG = 1

CAPABILITY_VERSION_3 = 0x20080522

ARCH = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64"}.get(
    platform.machine().lower(), platform.machine()
)

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def call(name: str, *arguments: int | bytes | None) -> int:
    """The result of a system call. Raises OSError."""
    nr = number(ARCH, name) if ARCH in AUDIT_ARCH else None
    if nr is None:
        raise NotImplementedError(f"{name} on {ARCH}")
    wide = [ctypes.c_long(item) if isinstance(item, int) else item for item in arguments]
    result = int(_libc.syscall(ctypes.c_long(nr), *wide))
    if result < 0:
        errno = ctypes.get_errno()
        raise OSError(errno, f"{name}: {os.strerror(errno)}")
    return result


def prctl(option: int, *arguments: int) -> None:
    """Raises OSError."""
    wide = [ctypes.c_ulong(item) for item in (*arguments, 0, 0, 0, 0)[:4]]
    if _libc.prctl(ctypes.c_int(option), *wide) < 0:
        errno = ctypes.get_errno()
        raise OSError(errno, f"prctl {option}: {os.strerror(errno)}")


def install_filter(program: bytes) -> None:
    """From here on, for every thread, until the process ends."""
    buffer = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(buffer))
    call("seccomp", SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, header)


def bound_capabilities() -> None:
    """Empty the bounding set, as far as this process may: to be done while it is still root."""
    for capability in range(64):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except OSError:  # beyond the last one, or an ordinary user, who has none to bound
            break


def drop_capabilities() -> None:
    """Empty every other capability set that this process has."""
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    call("capset", struct.pack("<Ii", CAPABILITY_VERSION_3, 0), struct.pack("<6I", *[0] * 6))


def landlock_version() -> int:
    """The kernel's Landlock ABI; 0 when it has none."""
    try:
        return call("landlock_create_ruleset", None, 0, LANDLOCK_VERSION_FLAG)
    except (OSError, NotImplementedError):
        return 0


@cache
def landlock_rights() -> tuple[int, int, int]:
    """Every right that this kernel can handle: files, network, scopes. Asked bit by bit, so newer kernels give more."""
    found = [0, 0, 0]
    for place in range(3 if landlock_version() >= 6 else 2 if landlock_version() >= 4 else 1):
        for bit in range(64):
            attribute = struct.pack("<3Q", *(1 << bit if field == place else 0 for field in range(3)))
            try:
                os.close(call("landlock_create_ruleset", attribute[: 8 * place + 8], 8 * place + 8, 0))
            except OSError:
                break
            found[place] |= 1 << bit
    return found[0], found[1], found[2]


def landlock_everything(rights: tuple[int, int, int]) -> None:
    """Handle these rights and grant none of them."""
    size = 24 if rights[2] else 16 if rights[1] else 8
    ruleset = call("landlock_create_ruleset", struct.pack("<3Q", *rights)[:size], size, 0)
    try:
        call("landlock_restrict_self", ruleset, 0)
    finally:
        os.close(ruleset)
