"""Claude Code's tool calls and results as text a reader can search: commands, paths, diffs, exit status."""

import json
import re
from typing import Any

from rlm_indexers.history.events import Event

JSON = Any
_EXIT = re.compile(r"(?:Error: )?Exit code (\d{1,3})\b")
_DENIED = re.compile(
    r"Permission to use .{1,400} has been denied|The user doesn't want to (?:proceed|take this action)|"
    r"Claude requested permissions to use .{1,400}, but you haven't granted it",
    re.DOTALL,
)
_SPILLED = re.compile(r"<persisted-output>.*?saved to:\s*(\S[^\n]*)", re.DOTALL)
_PLANS = frozenset({"TodoWrite", "ExitPlanMode", "TaskCreate", "TaskUpdate", "EnterPlanMode"})
_SHELLS = frozenset({"Bash", "PowerShell", "BashOutput"})


def call(block: dict[str, JSON]) -> Event:
    """A `tool_use` block."""
    name = str(block.get("name") or "unnamed")
    given = block.get("input")
    arguments: dict[str, JSON] = given if isinstance(given, dict) else {"input": given}
    made = _edit(name, arguments) or _plain(name, arguments)
    made.call = str(block.get("id") or "")
    return made


def _edit(name: str, arguments: dict[str, JSON]) -> Event | None:
    path = arguments.get("file_path") or arguments.get("notebook_path")
    if not isinstance(path, str):
        return None
    if name == "Write":
        diff = _signed("+", arguments.get("content"))
    elif name == "MultiEdit" and isinstance(arguments.get("edits"), list):
        diff = "\n".join(_diff(edit) for edit in arguments["edits"] if isinstance(edit, dict))
    elif name in {"Edit", "NotebookEdit"}:
        diff = _diff(arguments)
    else:
        return None
    return Event("edit", "assistant", f"edit {path} with {name}", diff, block=True)


def _diff(edit: dict[str, JSON]) -> str:
    old, new = edit.get("old_string"), edit.get("new_string", edit.get("new_source"))
    return "\n".join(filter(None, (_signed("-", old), _signed("+", new))))


def _signed(sign: str, text: JSON) -> str:
    return "\n".join(sign + line for line in text.split("\n")) if isinstance(text, str) and text else ""


def _plain(name: str, arguments: dict[str, JSON]) -> Event:
    kind = "plan" if name in _PLANS else "tool_call"
    command = arguments.get("command")
    if name in _SHELLS and isinstance(command, str):
        return Event("tool_call", "assistant", f"command {name}", command)
    label, single = f"tool call {name}", len(arguments) == 1
    if single and isinstance(value := next(iter(arguments.values())), str):
        return Event(kind, "assistant", label, value)  # type: ignore[arg-type]  # one of two literals
    lines = [f"{key}: {value if isinstance(value, str) else _compact(value)}" for key, value in arguments.items()]
    return Event(kind, "assistant", label, "\n".join(lines), block=bool(lines))  # type: ignore[arg-type]


def _compact(value: JSON) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "))


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
    if failed and (tool in _SHELLS or not tool) and (known := _EXIT.match(text)):
        return f"exit {known[1]}"
    return {True: "error", False: "ok"}.get(failed, "") if isinstance(failed, bool) else ""


def plain_text(content: JSON) -> str:
    """The text of a message's content: a string, or blocks of which some are text."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    return "\n".join(filter(None, (_block_text(block) for block in content)))


def _block_text(block: JSON) -> str:
    if isinstance(block, str):
        return block
    if not isinstance(block, dict):
        return ""
    if isinstance(block.get("text"), str):
        return str(block["text"])
    if str(block.get("type")) in {"image", "document"}:
        source = block.get("source")
        data = source if isinstance(source, dict) else {}
        return (
            f"[{block['type']}: {data.get('media_type', 'unknown type')}, {len(str(data.get('data', '')))} characters]"
        )
    return ""


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
