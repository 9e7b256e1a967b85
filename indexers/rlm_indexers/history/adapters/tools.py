"""Tool calls of any agent as text a reader can search: commands, paths, diffs, plans."""

import json
from typing import Any

from rlm_indexers.history.events import Event, Kind

JSON = Any
SHELLS = frozenset(
    {"Bash", "PowerShell", "BashOutput", "bash", "shell", "shell_command", "exec_command", "local_shell"}
    | {"run_shell_command", "run_commands", "execute_command", "run_terminal_command"}
)
_PLANS = frozenset(
    {
        "TodoWrite",
        "ExitPlanMode",
        "EnterPlanMode",
        "TaskCreate",
        "TaskUpdate",
        "todowrite",
        "update_plan",
        "write_todos",
    }
)
_PATHS = ("file_path", "filePath", "filepath", "notebook_path", "absolute_path", "path")
_OLD = ("old_string", "oldString", "old_str", "search")
_NEW = ("new_string", "newString", "new_str", "new_source", "replace")
_WHOLE = ("content", "contents", "file_text")
_COMMANDS = ("command", "cmd", "commands")


def call(name: str, given: JSON, identifier: str) -> Event:
    """One call of a tool; `given` are its arguments, mostly by name."""
    arguments: dict[str, JSON] = given if isinstance(given, dict) else {"input": given}
    made = _edit(name, arguments) or _plain(name, arguments)
    made.call = identifier
    return made


def _edit(name: str, arguments: dict[str, JSON]) -> Event | None:
    path, diff = _first(arguments, _PATHS), _diff(arguments)
    if not path:
        return None
    if isinstance(arguments.get("edits"), list):
        diff = "\n".join(_diff(edit) for edit in arguments["edits"] if isinstance(edit, dict))
    elif not diff and ("rite" in name or "reate" in name):
        diff = signed("+", _first(arguments, _WHOLE))
    return Event("edit", "assistant", f"edit {path} with {name}", diff, block=True) if diff else None


def _diff(edit: dict[str, JSON]) -> str:
    return "\n".join(filter(None, (signed("-", _first(edit, _OLD)), signed("+", _first(edit, _NEW)))))


def signed(sign: str, text: str) -> str:
    """Every line of a text under the sign of a diff."""
    return "\n".join(sign + line for line in text.split("\n")) if text else ""


def _first(arguments: dict[str, JSON], names: tuple[str, ...]) -> str:
    return next((value for name in names if isinstance(value := arguments.get(name), str) and value), "")


def _plain(name: str, arguments: dict[str, JSON]) -> Event:
    kind: Kind = "plan" if name in _PLANS else "tool_call"
    command = command_line(next((arguments[key] for key in _COMMANDS if key in arguments), None))
    if name in SHELLS and command:
        return Event("tool_call", "assistant", f"command {name}", command)
    label = f"tool call {name}"
    if len(arguments) == 1 and isinstance(value := next(iter(arguments.values())), str):
        return Event(kind, "assistant", label, value, block="\n" in value)
    lines = [f"{key}: {value if isinstance(value, str) else compact(value)}" for key, value in arguments.items()]
    return Event(kind, "assistant", label, "\n".join(lines), block=bool(lines))


def command_line(command: JSON) -> str:
    """A command as one would type it; what a shell is told to run stands for the shell."""
    if isinstance(command, list):
        words = [str(word) for word in command]
        shell = len(words) == 3 and words[1] in {"-c", "-lc"}
        return words[2] if shell else " ".join(words)
    return command if isinstance(command, str) else ""


def compact(value: JSON) -> str:
    """A JSON value on one line."""
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "))


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
