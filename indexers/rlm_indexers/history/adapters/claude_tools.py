"""What came of Claude Code's tool calls: how they ended, and where their output lies."""

import re
from typing import Any

from rlm_indexers.history.adapters.tools import SHELLS, plain_text
from rlm_indexers.history.events import Event

JSON = Any
_EXIT = re.compile(r"(?:Error: )?Exit code (\d{1,3})\b")
_DENIED = re.compile(
    r"Permission to use .{1,400} has been denied|The user doesn't want to (?:proceed|take this action)|"
    r"Claude requested permissions to use .{1,400}, but you haven't granted it",
    re.DOTALL,
)
_SPILLED = re.compile(r"<persisted-output>.*?saved to:\s*(\S[^\n]*)", re.DOTALL)


def result(record: dict[str, JSON], block: dict[str, JSON], tool: str) -> Event:
    """A `tool_result` block; `record` says more about it, and `tool` which tool it comes from, if that is known."""
    text = plain_text(block.get("content"))
    status = _status(record, block, text, tool)
    kind = "denial" if status == "denied" else "tool_result"
    label = f"result, {status}" if status else "result"
    return Event(kind, "tool", label, text, answers=str(block.get("tool_use_id") or ""), block=True)  # type: ignore[arg-type]


def _status(record: dict[str, JSON], block: dict[str, JSON], text: str, tool: str) -> str:
    """What is known of how it ended. There is no field for the exit status: a failure's text begins with it."""
    decision = record.get("permissionDecision")
    rejected = isinstance(decision, dict) and decision.get("decision") == "reject"
    failed = block.get("is_error")
    if rejected or record.get("toolDenialKind") or (failed and _DENIED.match(text)):
        return "denied"
    used = record.get("toolUseResult")
    if isinstance(used, dict) and used.get("interrupted") is True:
        return "interrupted"
    if failed and (tool in SHELLS or not tool) and (known := _EXIT.match(text)):
        return f"exit {known[1]}"
    return {True: "error", False: "ok"}.get(failed, "") if isinstance(failed, bool) else ""


def spilled(record: dict[str, JSON], text: str) -> str:
    """The file name of an output that was too large for the transcript, or ""."""
    used = record.get("toolUseResult")
    path = used.get("persistedOutputPath") if isinstance(used, dict) else None
    if not isinstance(path, str) and text.startswith("<persisted-output>") and (found := _SPILLED.match(text)):
        path = found[1]
    return path.replace("\\", "/").rpartition("/")[2].strip() if isinstance(path, str) else ""


def kept_stdout(record: dict[str, JSON]) -> str:
    """What the client kept of such an output within the transcript."""
    used = record.get("toolUseResult")
    kept = used.get("stdout") if isinstance(used, dict) else None
    return kept if isinstance(kept, str) else ""
