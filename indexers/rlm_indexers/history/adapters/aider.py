"""Aider's chat history to events: Markdown, in which `####` is the user and `>` the program. Times have no zone."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from rlm_indexers.corpus import SourceDocument
from rlm_indexers.history.adapters.reading import Reading, Task, Told, digest
from rlm_indexers.history.events import Event, Origin
from rlm_indexers.history.records import Record, open_regular, opened, records
from rlm_indexers.history.redact import Redactor
from rlm_indexers.history.writer import Writer

VERSIONS_TESTED = ("0.86.2",)
_STARTED = re.compile(rb"# aider chat started at (\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)\s*$")


class _Block(NamedTuple):
    kind: str
    text: str
    origin: Origin


def read(task: Task, redactor: Redactor) -> list[SourceDocument]:
    """The document of a chat history. Raises OSError only."""
    with open_regular(task.path) as file:
        source = opened(file)
        reading = Reading(task, Writer(task.id, source.sha256, redactor), _Nothing())
        for block in _blocks(task.file, records(source)):
            reading.tell([(_event(block), block.origin)])
    return reading.finish()


class _Nothing:
    def take(self, record: object, origin: Origin) -> Told:  # noqa: ARG002
        return []

    def finish(self) -> Told:
        return []

    def totals(self) -> str:
        return ""


def _event(block: _Block) -> Event:
    if block.kind == "started":
        return Event("meta", "system", "chat started (local time, zone unknown)", block.text)
    if block.kind == "user":
        return Event("prompt", "user", "user prompt", block.text)
    if block.kind == "program":
        return Event("meta", "system", "aider", block.text, block="\n" in block.text)
    return Event("text", "assistant", "assistant", block.text)


def _blocks(file: str, lines: Iterator[Record]) -> Iterator[_Block]:
    """Neighbouring lines of one kind, with the place of the first to the last."""
    gathered: list[Record] = []
    kind = ""
    for line in lines:
        this = _kind(line.data)
        if gathered and (this != kind or this == "started"):
            yield _block(file, kind, gathered)
            gathered = []
        kind = this
        gathered.append(line)
    if gathered:
        yield _block(file, kind, gathered)


def _kind(line: bytes) -> str:
    if _STARTED.match(line):
        return "started"
    return "user" if line.startswith(b"#### ") else "program" if line.startswith(b">") else "assistant"


def _block(file: str, kind: str, lines: list[Record]) -> _Block:
    first, last = lines[0], lines[-1]
    prefix = {"user": 5, "program": 1, "started": len(b"# aider chat started at ")}.get(kind, 0)
    text = "\n".join(line.data[prefix:].decode("utf-8", "replace").rstrip() for line in lines)
    whole = b"\n".join(line.data for line in lines)
    length = last.offset + last.length - first.offset
    # Blank lines are no records: with one in between, the first line alone is what can be checked.
    checked = (length, digest(whole)) if len(whole) == length else (first.length, digest(first.data))
    return _Block(kind, text.strip(), Origin(file, first.number, first.offset, *checked))
