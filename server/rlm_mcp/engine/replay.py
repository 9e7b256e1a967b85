"""What a run's journal recorded before it was interrupted, so that going on pays nothing twice.

A loop is a function of three inputs: the root's replies, the cells' results, and the sub-calls' answers. All three are
in the journal before they are used. A resumed loop takes them from here as long as they last, and lives on from there.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from rlm_mcp.models.base import Reply, Usage
from rlm_sandbox.base import Answer, CellError, CellRecord, CellResult

JSON = Any


@dataclass(slots=True)
class Branched:
    """The records of one loop: the run's own, or one child's."""

    replies: list[Reply] = field(default_factory=list)
    cells: list[tuple[CellRecord, CellResult]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Recorded:
    """All that a journal holds, by child and by what was asked."""

    branches: dict[str, Branched] = field(default_factory=dict)
    sub_calls: dict[str, Reply] = field(default_factory=dict)
    """By the digest of what was asked."""

    def reply(self, branch: str, turn: int) -> Reply | None:
        """The root's reply of that turn, counted from 0."""
        found = self.branches.get(branch)
        return found.replies[turn] if found and turn < len(found.replies) else None

    def cell(self, branch: str, number: int, code: str) -> CellResult | None:
        """What the cell of that number did, counted from 1; None also when another cell was recorded there."""
        found = self.branches.get(branch)
        if found is None or number > len(found.cells):
            return None
        record, result = found.cells[number - 1]
        return result if record.code == code else None

    def cells(self, branch: str, count: int) -> list[CellRecord]:
        """The first `count` cells, fit for Session.replay. Cells that lost their process are left out."""
        found = self.branches.get(branch)
        return [record for record, result in found.cells[:count] if not result.died] if found else []


NOTHING_RECORDED = Recorded()


def read(records: Iterable[dict[str, JSON]]) -> Recorded:
    """What the records of a journal hold."""
    branches: dict[str, Branched] = defaultdict(Branched)
    calls: dict[str, Reply] = {}
    answers: dict[tuple[str, int], list[Answer]] = defaultdict(list)
    for record in records:
        branch = str(record.get("child", ""))
        match record.get("kind"):
            case "model_reply":
                branches[branch].replies.append(reply_of(record))
            case "sub_call" if record.get("ok"):
                calls[record["key"]] = reply_of(record)
            case "host_call":
                answers[branch, record["cell"]].append(_answer(record))
            case "cell_result":
                given = tuple(answers.pop((branch, record["cell"]), ()))
                branches[branch].cells.append(_cell(record, given))
    return Recorded(dict(branches), calls)


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
        state=record["state"],
        answers=answers,
        stopped_line=record["stopped_line"],
    )
    return CellRecord(record["code"], answers, record["stopped_line"]), result


def _answer(record: dict[str, JSON]) -> Answer:
    error = record.get("error")
    return Answer(record["name"], record["arguments"], record.get("value"), tuple(error) if error else None)
