"""Runs untrusted Python over bytes. Knows no corpus, no model, no MCP.

Settings(…) → `choose.provider(…)` → `Provider.open(…)` → `Session.exec(…)`; see base.py for the contract and
channel.py for the seam that a new transport fits into.
"""

from rlm_sandbox.base import (
    JSON,
    Answer,
    Blob,
    CellError,
    CellRecord,
    CellResult,
    HostCall,
    HostCallError,
    Limits,
    Preload,
    Probe,
    Provider,
    Segment,
    Session,
)
from rlm_sandbox.errors import ProtocolViolation, SandboxError, SandboxUnavailable, SessionLost

__all__ = [
    "JSON",
    "Answer",
    "Blob",
    "CellError",
    "CellRecord",
    "CellResult",
    "HostCall",
    "HostCallError",
    "Limits",
    "Preload",
    "Probe",
    "ProtocolViolation",
    "Provider",
    "SandboxError",
    "SandboxUnavailable",
    "Segment",
    "Session",
    "SessionLost",
]
