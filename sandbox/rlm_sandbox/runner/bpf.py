"""The seccomp filter: an allow-list, as a pure function from architecture and process id to bytes of classic BPF.

Only what a running CPython needs once everything is imported: memory without execution, threads, time, reading and
writing descriptors that are open already. No call that takes a path, a socket, another process or a new program.
Each argument is tested on all of its 64 bits: a test of the low half alone let a pointer with a zero low half through.
"""

import struct
from collections.abc import Iterable, Sequence

from rlm_sandbox.runner.syscalls import AUDIT_ARCH, X86_64, number

LOAD = 0x20  # BPF_LD | BPF_W | BPF_ABS
AND = 0x54  # BPF_ALU | BPF_AND | BPF_K
EQUAL = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
AT_LEAST = 0x35  # BPF_JMP | BPF_JGE | BPF_K
RETURN = 0x06  # BPF_RET | BPF_K

ALLOW = 0x7FFF0000
KILL = 0x80000000
REFUSE = 0x00050000  # SECCOMP_RET_ERRNO, the number in the low half

EPERM, EINVAL, ENOTTY, ENOSYS = 1, 22, 25, 38

OFFSET_NUMBER, OFFSET_ARCH, OFFSET_ARGUMENTS = 0, 4, 16  # struct seccomp_data

X32_BIT = 0x40000000

Test = tuple[int, int, int]
"""(argument, mask, value): holds when argument & mask == value, on 64 bits."""

ALL = 0xFFFF_FFFF_FFFF_FFFF

FREE = (
    *("read", "write", "munmap", "brk", "sched_yield", "close"),
    *("rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall", "exit", "exit_group"),
    *("getpid", "gettid", "getuid", "geteuid", "getgid", "getegid", "getcwd", "getrandom", "getrusage", "times"),
    *("gettimeofday", "time", "nanosleep", "getcpu", "set_robust_list", "rseq"),
)
"""Allowed whatever the arguments are."""

REFUSALS = {"ioctl": ENOTTY, "clone3": ENOSYS, "madvise": EINVAL}
"""What libraries expect to hear when a call is not to be had; all others hear EPERM."""

PROT_READ_WRITE = 0x3
MAP_PRIVATE_ANONYMOUS = 0x22
MAP_HARMLESS = 0x4000 | 0x20000  # NORESERVE, STACK
MREMAP_MAYMOVE = 0x1
FUTEX_FLAGS = 0x80 | 0x100  # PRIVATE, CLOCK_REALTIME
FUTEX_PLAIN = (0, 1, 3, 4, 5, 9, 10)  # wait, wake, requeue, bitset: none of the priority-inheriting kind
MADVISE_HARMLESS = (0, 1, 2, 3, 4, 8, 14, 15)
FCNTL_HARMLESS = (0, 1, 2, 3, 1030)  # DUPFD, GETFD, SETFD, GETFL, DUPFD_CLOEXEC: no owner, no signals
CLOCKS = 0xF
THREAD_GLIBC = 0x3D0F00  # VM FS FILES SIGHAND THREAD SYSVSEM SETTLS PARENT_SETTID CHILD_CLEARTID
THREAD_MUSL = 0x7D0F00  # the same and DETACHED


def _equal(argument: int, values: Iterable[int]) -> list[list[Test]]:
    return [[(argument, ALL, value)] for value in values]


def conditions(pid: int) -> dict[str, list[list[Test]]]:
    """Calls that are allowed when every test of one of the lists holds."""
    return {
        "futex": [[(1, ALL & ~FUTEX_FLAGS, operation)] for operation in FUTEX_PLAIN],
        "mmap": [[(2, ALL & ~PROT_READ_WRITE, 0), (3, ALL & ~MAP_HARMLESS, MAP_PRIVATE_ANONYMOUS)]],
        "mprotect": [[(2, ALL & ~PROT_READ_WRITE, 0)]],
        "mremap": [[(3, ALL & ~MREMAP_MAYMOVE, 0)]],
        "madvise": _equal(2, MADVISE_HARMLESS),
        "clone": _equal(0, (THREAD_GLIBC, THREAD_MUSL)),
        "fcntl": _equal(1, FCNTL_HARMLESS),
        # The system's clocks and one's own; higher bits name another process's, and so tell whether it lives and works.
        **{name: [[(0, ALL & ~CLOCKS, 0)]] for name in ("clock_gettime", "clock_nanosleep", "clock_getres")},
        "sched_getaffinity": [[(0, ALL, 0)]],
        "prlimit64": [[(0, ALL, 0), (2, ALL, 0)]],  # oneself, and only to read
        "tgkill": [[(0, ALL, pid)]],
    }


def _instruction(code: int, value: int, then: int = 0, otherwise: int = 0) -> bytes:
    return struct.pack("<HBBI", code, then, otherwise, value)


def _half(argument: int, mask: int, value: int, *, high: bool) -> list[tuple[int, int]]:
    """Load one half of an argument and mask it; the last item is what it must equal."""
    shift = 32 if high else 0
    offset = OFFSET_ARGUMENTS + 8 * argument + (4 if high else 0)
    mask, value = mask >> shift & 0xFFFFFFFF, value >> shift & 0xFFFFFFFF
    masked = [] if mask == 0xFFFFFFFF else [(AND, mask)]
    return [(LOAD, offset), *masked, (EQUAL, value)]


def _clause(tests: Sequence[Test]) -> bytes:
    """Returns ALLOW from the filter if every test holds; else falls through to what follows it."""
    steps = [step for test in tests for high in (True, False) for step in _half(*test, high=high)]
    lines = []
    for position, (code, value) in enumerate(steps):
        # A test that fails skips the rest of the clause and the return at its end.
        lines.append(_instruction(code, value, 0, len(steps) - position if code == EQUAL else 0))
    return b"".join([*lines, _instruction(RETURN, ALLOW)])


def _rule(call: int, body: bytes) -> bytes:
    """`body`, for this call only. Jumps are 8 bits wide, so a body may have 255 instructions."""
    length = len(body) // 8
    if length > 255:
        raise ValueError(f"the rule for call {call} has {length} instructions")
    return _instruction(EQUAL, call, 0, length) + body


def _entry(arch: str) -> bytes:
    """Calls of another architecture, x32 on x86-64 included, end the process."""
    check = (
        _instruction(LOAD, OFFSET_ARCH)
        + _instruction(EQUAL, AUDIT_ARCH[arch], 1, 0)
        + _instruction(RETURN, KILL)
        + _instruction(LOAD, OFFSET_NUMBER)
    )
    if arch == X86_64:
        check += _instruction(AT_LEAST, X32_BIT, 0, 1) + _instruction(RETURN, KILL)
    return check


def build_filter(arch: str, pid: int) -> bytes:
    """The program for `prctl(PR_SET_SECCOMP)`, eight bytes per instruction."""
    rules = [_entry(arch)]
    for name in FREE:
        call = number(arch, name)
        if call is not None:
            rules.append(_rule(call, _instruction(RETURN, ALLOW)))
    for name, clauses in conditions(pid).items():
        call = number(arch, name)
        if call is not None:
            refusal = _instruction(RETURN, REFUSE | REFUSALS.get(name, EPERM))
            rules.append(_rule(call, b"".join(map(_clause, clauses)) + refusal))
    for name in ("ioctl", "clone3"):
        call = number(arch, name)
        if call is not None:
            rules.append(_rule(call, _instruction(RETURN, REFUSE | REFUSALS[name])))
    return b"".join([*rules, _instruction(RETURN, REFUSE | EPERM)])
