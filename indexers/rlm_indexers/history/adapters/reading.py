"""What adapters have in common: a task, and a transcript of JSON lines read through one of them into one document."""

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from rlm_indexers.corpus import SourceDocument
from rlm_indexers.history.events import Event, Origin
from rlm_indexers.history.records import Record, open_regular, opened, records
from rlm_indexers.history.redact import Redactor
from rlm_indexers.history.writer import Writer

log = logging.getLogger(__name__)

JSON = Any
Told = Iterable[tuple[Event, Origin]]


@dataclass(frozen=True, slots=True)
class Task:
    """What there is to know before a transcript is read."""

    id: str
    path: Path
    file: str
    """The path as origins name it."""
    session_folder: Path
    started: str = ""
    about: str = ""
    """For the first line: where it ran, whose subagent it is, forked from or into what."""
    original: str = ""
    """The document that holds the records that `copied` names."""
    copied: AbstractSet[str] = frozenset()
    subagents: Mapping[str, str] = field(default_factory=dict)
    """Documents of subagents by the tool call that started them."""
    session: str = ""
    """The id of the session, where one file holds many."""
    subagent: bool = False
    """Nobody typed its prompts: another agent gave it a task."""


class Adapter(Protocol):
    """Turns the records of one session, given in order, into events. Must not raise for odd content."""

    def take(self, record: dict[str, JSON], origin: Origin) -> Told:
        """What one record tells, which may be nothing yet."""
        ...

    def finish(self) -> Told:
        """What is left to tell after the last record."""
        ...

    def totals(self) -> str:
        """Counts over the session, for its last line; "" when nothing was counted."""
        ...


def read_lines(task: Task, redactor: Redactor, adapter: Adapter, *flags: str) -> list[SourceDocument]:
    """The document of a transcript of JSON lines. Raises OSError only."""
    with open_regular(task.path) as file:
        source = opened(file)
        reading = Reading(task, Writer(task.id, source.sha256, redactor, list(flags)), adapter)
        for record in records(source):
            reading.line(record)
    return reading.finish()


@dataclass(slots=True)
class Reading:
    """One session on its way through an adapter."""

    task: Task
    writer: Writer
    adapter: Adapter
    problems: Counter[str] = field(default_factory=Counter)
    last: Origin | None = None

    def line(self, record: Record) -> None:
        """Take one line of a file."""
        origin = Origin(self.task.file, record.number, record.offset, record.length, digest(record.data))
        parsed = parse(record.data) if record.data else None
        if parsed is not None:
            self.take(parsed, origin)
        elif record.whole or not record.data:
            self.problem(f"a record of {record.length} bytes that cannot be read", origin)
        else:
            self.problems["torn-last-line"] += 1

    def take(self, parsed: dict[str, JSON], origin: Origin) -> None:
        """Take one record, which somebody may have written in order to break us: it costs itself and no more."""
        try:
            told = list(self.adapter.take(parsed, origin))
        except Exception as error:  # noqa: BLE001 - isolated on purpose
            log.warning("record %s of %s was passed over: %s", origin.record, origin.file, type(error).__name__)
            self.problem("a record that cannot be read", origin)
            return
        self.tell(told)

    def problem(self, label: str, origin: Origin) -> None:
        """Note that a record is lost."""
        self.problems["unreadable-records"] += 1
        self.tell([(Event("problem", "system", label), origin)])

    def finish(self) -> list[SourceDocument]:
        """The document; none when nothing was told."""
        self.tell(list(self.adapter.finish()))
        if self.last is not None and (totals := self.adapter.totals()):
            self.writer.add(Event("meta", "system", "totals", totals), self.last)
        for slug, count in self.problems.items():
            self.writer.flags.append(slug if slug == "torn-last-line" else f"{slug}:{count}")
        return self.writer.documents()

    def tell(self, told: list[tuple[Event, Origin]]) -> None:
        """Write events down, the session's own line before the first."""
        for event, origin in told:
            if self.task.subagent and event.kind == "prompt":
                event.role, event.label = "assistant", "task given by the calling agent"
            if not self.writer.events:
                text = "; ".join(filter(None, (self.task.id, self.task.about)))
                self.writer.add(Event("session", "system", "session", text, ts=self.task.started), origin)
            self.writer.add(event, origin)
            self.last = origin


def parse(data: bytes) -> dict[str, JSON] | None:
    """A record, or None when the bytes are none."""
    try:
        record = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def digest(data: bytes) -> str:
    """The hash by which a record is known again; "" for one that was not read."""
    return hashlib.sha256(data).hexdigest()[:16] if data else ""


def text_in(record: JSON, key: str) -> str:
    """The value of a key if it is a string, "" otherwise."""
    value = record.get(key) if isinstance(record, dict) else None
    return value if isinstance(value, str) else ""


def dict_in(record: JSON, key: str) -> dict[str, JSON]:
    """The value of a key if it is an object, an empty one otherwise."""
    value = record.get(key) if isinstance(record, dict) else None
    return value if isinstance(value, dict) else {}


def list_in(record: JSON, key: str) -> list[JSON]:
    """The value of a key if it is a list, an empty one otherwise."""
    value = record.get(key) if isinstance(record, dict) else None
    return value if isinstance(value, list) else []


def counted(title: str, counts: Mapping[str, int]) -> str:
    """Counts as a phrase, "" when there are none."""
    told = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()) if count)
    return f"{title}: {told}" if told else ""


def unknown(kind: str, record: JSON, characters: int = 2000) -> Event:
    """A record of a kind nobody told us about; it may hold the very thing asked for: its beginning is kept."""
    text = json.dumps(record, ensure_ascii=False)[:characters]
    return Event("meta", "system", f"record of an unknown kind ({kind[:60]})", text)
