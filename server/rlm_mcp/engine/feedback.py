"""What the root is told after a cell: its output, how it failed, what it made, and what to mind."""

import re
from typing import Any

from rlm_mcp.engine.budget import Budget
from rlm_sandbox.base import CellError, CellResult, without

JSON = Any
VARIABLES_SHOWN = 12
TRACEBACK_CHARS = 1_500
BANNER_FROM = 0.5
PLACES_SHOWN = 12
_BLOCK = re.compile(r"\S.*:\d+-\d+")
_LISTED = re.compile(r"(\S.*?:\d+)\| ")


def after_cell(number: int, result: CellResult, notes: tuple[str, ...], budget: Budget) -> str:
    """The message that answers a cell."""
    parts = [
        _output(number, result),
        _error(result.error, died=result.died),
        _lost(result),
        _variables(result.state),
        *notes,
        banner(budget),
    ]
    return "\n".join(part for part in parts if part)


def summary(number: int, code: str, result: CellResult) -> str:
    """The cell in one line, for when it is folded away."""
    first = next((line.strip() for line in code.split("\n") if line.strip() and not line.strip().startswith("#")), "")
    end = f"raised {result.error.kind}" if result.error else f"{result.stdout_bytes:,} bytes in out[{number}]"
    made = ", ".join(list(_changed(result.state))[:6])
    return f"- cell {number}: {first[:100]} → {end}{places(result.stdout)}{'; made ' + made if made else ''}"


def banner(budget: Budget) -> str:
    """How far the budget is used, once half of something is gone."""
    share, name = budget.used_share()
    turns = f"{max(0, budget.limits.iterations - budget.iterations)} turns left"
    return f"[{share:.0%} of the {name} used; {turns}]" if share >= BANNER_FROM else ""


def places(stdout: str) -> str:
    """The spans that an output showed, as they are cited: what is left to go by when the output is folded away."""
    blocks = [line for line in stdout.split("\n") if _BLOCK.fullmatch(line)]
    listed = [match[1] for match in map(_LISTED.match, stdout.split("\n")) if match]
    found = list(dict.fromkeys(blocks + listed))
    more = f" and {len(found) - PLACES_SHOWN} more" if len(found) > PLACES_SHOWN else ""
    return "; showed " + ", ".join(found[:PLACES_SHOWN]) + more if found else ""


def _output(number: int, result: CellResult) -> str:
    if not result.stdout.strip():
        return (
            ""
            if result.error or _has_final(result.state)
            else f"Cell {number} printed nothing. Use print() to see values."
        )
    return f"Output of cell {number} ({result.stdout_bytes:,} bytes):\n{result.stdout.rstrip()}"


def _error(error: CellError | None, *, died: bool) -> str:
    if error is None:
        return ""
    trace = error.traceback.rstrip()
    if len(trace) > TRACEBACK_CHARS:
        trace = trace[: TRACEBACK_CHARS // 2] + "\n…\n" + trace[-TRACEBACK_CHARS // 2 :]
    kept = "" if died else " Names assigned before it are kept."
    return "\n".join(filter(None, (trace, f"{error.kind}: {error.message}{kept}")))


def _lost(result: CellResult) -> str:
    if not result.died:
        gone = without(result.left_out)
        return f"The session's process was lost before this cell, and restored. {gone}" if gone else ""
    state = "restored as it was before this cell" if result.restored else "empty"
    return f"The session's process was lost; its namespace is {state}."


def _variables(state: JSON) -> str:
    changed = _changed(state)
    if not changed:
        return ""
    shown = [f"{name} ({text})" for name, text in list(changed.items())[:VARIABLES_SHOWN]]
    count = state.get("changed_count", 0) if isinstance(state, dict) else 0
    more = f", and {count - len(shown)} more" if isinstance(count, int) and count > len(shown) else ""
    return f"New or changed: {', '.join(shown)}{more}"


def _has_final(state: JSON) -> bool:
    return isinstance(state, dict) and bool(state.get("final"))


def _changed(state: JSON) -> dict[str, str]:
    """Names and descriptions as the child reports them: told on, cut to size, and not believed."""
    changed = state.get("changed") if isinstance(state, dict) else None
    if not isinstance(changed, dict):
        return {}
    return {str(name)[:60]: str(text)[:80] for name, text in list(changed.items())[:100]}
