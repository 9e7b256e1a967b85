"""What Claude Code remembers of sessions whose transcripts were swept away: the prompts that were typed in them."""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlm_indexers.corpus import SourceDocument
from rlm_indexers.history.adapters.cline import moment
from rlm_indexers.history.adapters.reading import Task, Told, parse, read_lines, text_in
from rlm_indexers.history.events import Event, Origin
from rlm_indexers.history.records import open_regular, opened, records
from rlm_indexers.history.redact import Redactor

JSON = Any


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which prompts are meant: of projects in scope, and of sessions that have no transcript any more."""

    project: Callable[[str], bool]
    known: AbstractSet[str]

    def __call__(self, record: dict[str, JSON]) -> bool:
        session = text_in(record, "sessionId")
        return bool(session and session not in self.known and self.project(text_in(record, "project")))


def sessions(path: Path, wanted: Wanted) -> int:
    """Of how many lost sessions the file tells. Raises OSError when it cannot be read."""
    with open_regular(path) as file:
        parsed = (parse(record.data) for record in records(opened(file)))
        return len({record["sessionId"] for record in parsed if record and wanted(record)})


def read(task: Task, redactor: Redactor, wanted: Wanted) -> list[SourceDocument]:
    """One document of prompts, each with its project. Raises OSError only."""
    return read_lines(task, redactor, _Prompts(wanted))


@dataclass(slots=True)
class _Prompts:
    wanted: Wanted

    def take(self, record: dict[str, JSON], origin: Origin) -> Told:
        if self.wanted(record):
            label = (
                f"user prompt (session {record['sessionId']}, in {text_in(record, 'project')}; its transcript is gone)"
            )
            text, ts = text_in(record, "display"), moment(record.get("timestamp"))
            yield Event("prompt", "user", label, text, ts=ts), origin

    def finish(self) -> Told:
        return []

    def totals(self) -> str:
        return ""
