"""The seccomp filter, run on paper: every call number, and the arguments that once got through."""

from pathlib import Path

import pytest

from rlm_sandbox.runner import bpf
from rlm_sandbox.runner.syscalls import AARCH64, AUDIT_ARCH, NUMBERS, X86_64, number
from tests.unit.sandbox.bpf_machine import run

PID = 4242
ARCHES = (X86_64, AARCH64)
EPERM, ENOSYS, ENOTTY, EINVAL = (0x50000 | errno for errno in (1, 38, 25, 22))
REFUSED = {"clone3": ENOSYS, "ioctl": ENOTTY, "madvise": EINVAL}
HIGH = 1 << 32
MAP = 0x22

_FREE = """
brk close exit exit_group getcpu getcwd getegid geteuid getgid getpid
getrandom getrusage gettid gettimeofday getuid munmap nanosleep read restart_syscall rseq rt_sigaction rt_sigprocmask
rt_sigreturn sched_yield set_robust_list sigaltstack time times write
"""
FREE = set(_FREE.split())
"""Pinned: what may be called with any arguments. A name more or less is a decision, not an accident."""

CLOCKS = {"clock_getres", "clock_gettime", "clock_nanosleep"}
CONDITIONAL = CLOCKS | {
    "sched_getaffinity",
    "clone",
    "fcntl",
    "futex",
    "madvise",
    "mmap",
    "mprotect",
    "mremap",
    "prlimit64",
    "tgkill",
}


def table():
    rows = (line.split() for line in (Path(__file__).parent / "linux_syscalls.txt").read_text().splitlines()[1:])
    return {name: tuple(None if n == "-" else int(n) for n in numbers) for name, *numbers in rows}


KERNEL = table()


def verdict(arch, name, *arguments):
    return run(bpf.build_filter(arch, PID), AUDIT_ARCH[arch], number(arch, name), arguments)


def test_the_numbers_are_those_of_the_kernels_headers():
    assert {name: KERNEL[name] for name in NUMBERS} == NUMBERS


@pytest.mark.parametrize("arch", ARCHES)
def test_every_call_number_is_judged_as_pinned(arch):
    program = bpf.build_filter(arch, PID)
    column = ARCHES.index(arch)
    names = {numbers[column]: name for name, numbers in KERNEL.items() if numbers[column] is not None}
    for call in range(1024):
        name = names.get(call)
        expected = (
            bpf.ALLOW if name in FREE else {"clone3": ENOSYS, "ioctl": ENOTTY, "madvise": EINVAL}.get(name, EPERM)
        )
        for filling in (0x8000_0001_8000_0001, (1 << 64) - 1):
            assert run(program, AUDIT_ARCH[arch], call, [filling] * 6) == expected, (call, name)


@pytest.mark.parametrize("arch", ARCHES)
def test_calls_of_another_architecture_end_the_process(arch):
    program = bpf.build_filter(arch, PID)
    foreign = {*AUDIT_ARCH.values(), 0x40000003, 0x40000028, 0, 0xFFFFFFFF} - {AUDIT_ARCH[arch]}
    for other in foreign:
        for call in (*range(512), 0x40000000, 0xFFFFFFFF):
            assert run(program, other, call) == bpf.KILL


def test_x32_calls_end_the_process():
    program = bpf.build_filter(X86_64, PID)
    for call in (0x40000000, 0x40000000 | 59, 0x40000000 | 520, 0xFFFFFFFF):
        assert run(program, AUDIT_ARCH[X86_64], call) == bpf.KILL


@pytest.mark.parametrize("arch", ARCHES)
@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("mmap", [(0, 1, 0, MAP), (0, 1, 3, MAP | 0x20000), (0, 1, 0, MAP | 0x4000)], []),
        ("mmap", [], [(0, 1, 4, MAP), (0, 1, 7, MAP), (0, 1, HIGH | 3, MAP), (0, 1, 3, HIGH | MAP)]),
        ("mmap", [], [(0, 1, 3, 0x21), (0, 1, 3, 0x01), (0, 1, 3, 0x02), (0, 1, 3, 0x03), (0, 1, 3, 0x23)]),
        ("mmap", [], [(0, 1, 3, MAP | flag) for flag in (0x10, 0x100, 0x2000, 0x8000, 0x40000, 0x100000, 0x4000000)]),
        ("mprotect", [(0, 1, 0), (0, 1, 1), (0, 1, 3)], [(0, 1, 4), (0, 1, 5), (0, 1, 0x01000003), (0, 1, HIGH)]),
        ("mremap", [(1, 1, 2, 0), (1, 1, 2, 1)], [(1, 1, 2, 2), (1, 1, 2, 3), (1, 1, 2, 4), (1, 1, 2, HIGH | 1)]),
        ("clone", [(0x3D0F00,), (0x7D0F00,)], [(0,), (17,), (0x3D0F00 | HIGH,), (0x3D0F00 & ~0x10000,)]),
        ("clone", [], [(0x3D0F00 | bit,) for bit in (0x2000, 0x8000, 0x20000, 0x10000000, 0x40000000, 0x80000000, 17)]),
        (
            "prlimit64",
            [(0, 7, 0, 1 << 40)],
            [(PID, 7, 0), (1, 7, 0), (0, 7, 0x7F00_0000_0000), (0, 7, 1), (HIGH, 7, 0)],
        ),
        ("tgkill", [(PID, 1, 9)], [(PID + 1, 1, 9), (1, 1, 9), (PID | HIGH, 1, 9), ((1 << 64) - 1, 1, 9), (0, 1, 9)]),
        ("fcntl", [(0, n) for n in (0, 1, 2, 3, 1030)], [(0, n) for n in (4, 5, 6, 7, 8, 10, 15, 1024, 1031, 1033)]),
        ("fcntl", [], [(0, HIGH), (0, HIGH | 1030)]),
        ("futex", [(0, n) for n in (0, 1, 0x80, 0x81, 0x189, 0x8A)], [(0, n) for n in (6, 7, 0x86, 0x8D, 0x8B, HIGH)]),
        ("clock_gettime", [(n,) for n in range(12)], [(16,), (2**64 - 34,), (2**32 - 34,), (HIGH,)]),
        ("clock_getres", [(1,)], [((~1 << 3) | 2,)]),
        ("clock_nanosleep", [(1,)], [((~1 << 3) | 2,)]),
        ("sched_getaffinity", [(0,)], [(1,), (PID,), (HIGH,)]),
        ("madvise", [(0, 0, n) for n in (0, 4, 8)], [(0, 0, n) for n in (9, 12, 16, 100, 101, HIGH | 4)]),
    ],
)
def test_arguments_are_tested_on_all_their_bits(arch, name, good, bad):
    refusal = EINVAL if name == "madvise" else EPERM
    assert [verdict(arch, name, *arguments) for arguments in good] == [bpf.ALLOW] * len(good)
    assert [verdict(arch, name, *arguments) for arguments in bad] == [refusal] * len(bad)


@pytest.mark.parametrize("arch", ARCHES)
def test_the_kernel_would_accept_the_program(arch):
    program = bpf.build_filter(arch, PID)
    lines = [program[at : at + 8] for at in range(0, len(program), 8)]
    assert len(program) % 8 == 0
    assert len(lines) < 4096
    for at, line in enumerate(lines):
        code, then, otherwise = int.from_bytes(line[:2], "little"), line[2], line[3]
        assert code == bpf.RETURN or at + 1 < len(lines)
        if code in (bpf.EQUAL, bpf.AT_LEAST):
            assert at + 1 + max(then, otherwise) < len(lines)


def test_no_call_takes_a_path_a_socket_or_another_process():
    assert set(NUMBERS) - FREE - CONDITIONAL == {
        *("capset", "landlock_create_ruleset", "landlock_restrict_self", "seccomp"),  # used by the lock, not allowed
        *("clone3", "ioctl"),  # refused by name
    }
