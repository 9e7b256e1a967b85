"""What can go wrong with a sandbox.

SandboxError
├── SandboxUnavailable   no isolation can be had here; says what to install or choose
├── SessionLost          the process behind a session is gone, and its namespace with it
└── ProtocolViolation    the child sent something that is not a frame; the session is ended
"""

from typing import Literal


class SandboxError(Exception):
    """Base of every failure of this package. Failures of the code in a cell are not errors: see CellResult."""


class SandboxUnavailable(SandboxError):
    """No isolation can be had: the message says why, and what to install or choose."""


class SessionLost(SandboxError):
    """The session's process is gone, and its namespace with it. A replay of its cells restores it.

    `by`: who ended it. The process itself, or we for what it did; the caller; or threads that cells had left behind.
    """

    def __init__(self, message: str = "", *, by: Literal["process", "caller", "threads"] = "process") -> None:
        super().__init__(message)
        self.by = by


class ProtocolViolation(SessionLost):
    """The child sent bytes that are no frame of ours; it was killed."""
