"""What a run's journal recorded before it was interrupted, so that going on pays nothing twice.

A loop is a function of three inputs: the root's replies, the cells' results, and the sub-calls' answers. All three are
in the journal before they are used. A resumed loop takes them from here as long as they last, and lives on from there.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from rlm_mcp.models.base import NO_USAGE, Reply, Usage
from rlm_sandbox.base import Answer, CellError, CellRecord, CellResult

JSON = Any


@dataclass(slots=True)
class Spent:
    """What one cell cost and showed through its sub-calls and children."""

    calls: int = 0
    usage: Usage = NO_USAGE
    shown: list[str] = field(default_factory=list)
    """Texts that stood in prompts of sub-models and of children."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One recorded cell, by its number in its session."""

    number: int
    record: CellRecord
    result: CellResult
    spent: Spent


@dataclass(slots=True)
class Branched:
    """The records of one loop: the run's own, or one child's."""

    replies: list[Reply] = field(default_factory=list)
    cells: list[Cell] = field(default_factory=list)
    fell_back: int | None = None
    """After so many replies, asking at once failed and the loop began; None when that did not happen."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """All that a journal holds, by child and by what was asked."""

    branches: dict[str, Branched] = field(default_factory=dict)
    sub_calls: dict[str, Reply] = field(default_factory=dict)
    """By the digest of what was asked."""

    def fell_back(self, branch: str) -> int | None:
        """After how many replies asking at once failed and the loop began, if it did."""
        found = self.branches.get(branch)
        return found.fell_back if found else None

    def reply(self, branch: str, turn: int) -> Reply | None:
        """The root's reply of that turn, counted from 0."""
        found = self.branches.get(branch)
        return found.replies[turn] if found and turn < len(found.replies) else None

    def cell(self, branch: str, number: int, code: str) -> Cell | None:
        """The cell of that number, counted from 1; None also when another cell was recorded there."""
        found = self.branches.get(branch)
        if found is None or number > len(found.cells):
            return None
        cell = found.cells[number - 1]
        return cell if cell.record.code == code else None

    def cells(self, branch: str, count: int) -> list[CellRecord]:
        """The first `count` cells, fit for Session.replay. Those that lost their process, or were left out since, do
        nothing.
        """
        found = self.branches.get(branch)
        cells = found.cells[:count] if found else []
        gone = {number for cell in cells for number in cell.result.left_out}
        return [NOTHING if cell.result.died or cell.number in gone else cell.record for cell in cells]


NOTHING = CellRecord("")
NOTHING_RECORDED = Recorded()


def read(records: Iterable[dict[str, JSON]]) -> Recorded:
    """What the records of a journal hold."""
    reading = _Reading()
    for record in records:
        reading.take(record)
    return Recorded(dict(reading.branches), reading.calls)


class _Reading:
    """The records so far, and what the cells under way have spent."""

    def __init__(self) -> None:
        self.branches: dict[str, Branched] = defaultdict(Branched)
        self.calls: dict[str, Reply] = {}
        self._answers: dict[tuple[str, int], list[Answer]] = defaultdict(list)
        self._spent: dict[str, Spent] = defaultdict(Spent)

    def take(self, record: dict[str, JSON]) -> None:
        branch = str(record.get("child", ""))
        match record.get("kind"):
            case "model_reply":
                self._reply(branch, reply_of(record))
            case "sub_call" if record.get("ok"):
                reply = self.calls[record["key"]] = reply_of(record)
                self._spend(branch, reply.usage, calls=1, own=True)
            case "host_call":
                self._answers[branch, record["cell"]].append(_answer(record))
                for prompt in _prompts(record):
                    self._show(branch, prompt, own=True)
            case "cell_result":
                self._cell(branch, record)
            case "strategy" if "fell_back" in record:
                self.branches[branch].fell_back = record["fell_back"]

    def _reply(self, branch: str, reply: Reply) -> None:
        self.branches[branch].replies.append(reply)
        self._spend(branch, reply.usage, calls=1, own=False)

    def _cell(self, branch: str, record: dict[str, JSON]) -> None:
        answers = tuple(self._answers.pop((branch, record["cell"]), ()))
        spent = self._spent.pop(branch, None) or Spent()
        self.branches[branch].cells.append(Cell(record["cell"], *_cell(record, answers), spent))
        self._show(branch, record["stdout"], own=False)

    def _spend(self, branch: str, usage: Usage, *, calls: int, own: bool) -> None:
        for above in _above(branch, own=own):
            spent = self._spent[above]
            spent.calls, spent.usage = spent.calls + calls, spent.usage + usage

    def _show(self, branch: str, text: str, *, own: bool) -> None:
        for above in _above(branch, own=own):
            self._spent[above].shown.append(text)


def _above(branch: str, *, own: bool) -> Iterator[str]:
    """The branches in whose cell this happened: those above, and with `own` the branch itself."""
    if own:
        yield branch
    while branch:
        branch = branch.rpartition("/")[0]
        yield branch


def _prompts(record: dict[str, JSON]) -> list[str]:
    """What a host call showed to sub-models."""
    arguments = record["arguments"]
    prompts = arguments.get("prompts") if isinstance(arguments, dict) else None
    return [prompt for prompt in prompts if isinstance(prompt, str)] if isinstance(prompts, list) else []


def reply_fields(reply: Reply) -> dict[str, JSON]:
    """A reply as a record holds it; `reply_of` reads it back."""
    usage = reply.usage
    return {
        "text": reply.text,
        "model": reply.model,
        "finish": reply.finish_reason,
        "seconds": round(reply.seconds, 3),
        "usage": [usage.input_tokens, usage.output_tokens, usage.cached_tokens, usage.usd],
    }


def reply_of(record: dict[str, JSON]) -> Reply:
    return Reply(record["text"], Usage(*record["usage"]), record["model"], record["finish"], record["seconds"])


def cell_fields(result: CellResult) -> dict[str, JSON]:
    """A cell's result as a record holds it, without its answers: each has a record of its own."""
    error = result.error
    return {
        "stdout": result.stdout,
        "stdout_bytes": result.stdout_bytes,
        "error": [error.kind, error.message, error.traceback] if error else None,
        "calls": result.calls,
        "seconds": round(result.seconds, 4),
        "died": result.died,
        "restored": result.restored,
        "left_out": result.left_out,
        "state": result.state,
        "stopped_line": result.stopped_line,
    }


def _cell(record: dict[str, JSON], answers: tuple[Answer, ...]) -> tuple[CellRecord, CellResult]:
    result = CellResult(
        stdout=record["stdout"],
        stdout_bytes=record["stdout_bytes"],
        error=CellError(*record["error"]) if record["error"] else None,
        calls=record["calls"],
        seconds=record["seconds"],
        died=record["died"],
        restored=record["restored"],
        left_out=tuple(record.get("left_out", ())),
        state=record["state"],
        answers=answers,
        stopped_line=record["stopped_line"],
    )
    return CellRecord(record["code"], answers, record["stopped_line"], record["seconds"]), result


def _answer(record: dict[str, JSON]) -> Answer:
    error = record.get("error")
    return Answer(record["name"], record["arguments"], record.get("value"), tuple(error) if error else None)
