"""The lock for a process of the host's own that reads hostile bytes and needs nothing but its pipes, like a converter.

Handed over as a path: whoever starts such a process need not know this package. It runs the file, when everything that
it needs is imported, and calls `confine`.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

if "rlm_sandbox" not in sys.modules:
    sys.path.append(str(Path(__file__).resolve().parents[2]))

from rlm_sandbox.runner import kernel, lockdown

LOCK = {"layers": ("descriptors", "landlock", "seccomp"), "required": False}
"""Its limits are its starter's to set, also later and from outside, for which its user must stay the same."""


def confine(keep: Iterable[int]) -> list[str]:
    """The layers of the lock that hold from here on: no file, network, program or process; `keep` stays open.

    What the kernel does not have is left out.
    """
    kernel.bound_capabilities()
    kernel.drop_capabilities()
    return lockdown.apply(LOCK, {"memory_bytes": 0, "threads": 0}, 0, set(keep), None)
