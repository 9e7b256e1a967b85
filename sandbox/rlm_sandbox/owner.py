"""Labels that tell whose a remote thing is, so that what a dead process left behind can be found and ended."""

import contextlib
import hashlib
import os
import socket
from pathlib import Path


def _read(path: str) -> str:
    with contextlib.suppress(OSError):
        return Path(path).read_text("utf-8").strip()
    return ""


def host() -> str:
    """A label for this machine that says nothing about it."""
    words = f"{_read('/etc/machine-id')} {socket.gethostname()}"
    return hashlib.sha256(words.encode()).hexdigest()[:16]


def _place() -> str:
    """Which boot and which view of process numbers: without both, a number means nothing."""
    boot = _read("/proc/sys/kernel/random/boot_id")[:8]
    with contextlib.suppress(OSError):
        return f"{boot}.{Path('/proc/self/ns/pid').stat().st_ino}"
    return ""


def _started(process: int) -> str:
    """When the process began, in the kernel's ticks; empty if there is none."""
    return (_read(f"/proc/{process}/stat").rpartition(")")[2].split() or [""] * 20)[19]


def owner(process: int | None = None) -> str:
    """A label for a process (this one) that no later process with its number shares."""
    process = process or os.getpid()
    return f"{_place()}.{process}.{_started(process)}"


def orphaned(label: str) -> bool:
    """Whether the process of that label is known to be gone. Where that cannot be known, the answer is no."""
    place, process, started = [*label.rsplit(".", 2), "", ""][:3]
    if not place or place != _place() or not process.isdigit():
        return False
    return _started(int(process)) != started
