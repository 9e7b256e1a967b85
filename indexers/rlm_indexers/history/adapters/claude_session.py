"""One Claude Code transcript to documents: threads apart, copies collapsed, spilled outputs fetched, totals told."""

import json
import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rlm_indexers.corpus import SourceDocument
from rlm_indexers.history.adapters import claude_code as claude
from rlm_indexers.history.adapters.claude_tools import kept_stdout, spilled
from rlm_indexers.history.adapters.reading import Task, digest, parse
from rlm_indexers.history.events import Event, Origin
from rlm_indexers.history.records import Record, open_regular, opened, records
from rlm_indexers.history.redact import Redactor
from rlm_indexers.history.writer import Writer
from rlm_indexers.text import decode

log = logging.getLogger(__name__)

JSON = Any
SPILL_BYTES = 4 * 1024 * 1024


def read(task: Task, redactor: Redactor, tally: claude.Tally | None = None) -> list[SourceDocument]:
    """The documents of a transcript: the thread first, then inline side threads of old clients. Raises OSError only."""
    with open_regular(task.path) as file:
        source = opened(file)
        session = _Session(task, source.sha256, redactor, tally or claude.Tally())
        for record in records(source):
            session.take(record)
    return session.finish()


@dataclass(slots=True)
class _Session:
    task: Task
    sha256: str
    redactor: Redactor
    tally: claude.Tally
    writers: dict[str, Writer] = field(default_factory=dict)
    """By thread: "" is the main one."""
    threads: dict[str, str] = field(default_factory=dict)
    """Side thread by the uuid of a record in it."""
    queue: list[tuple[str, Origin]] = field(default_factory=list)
    copies: int = 0
    first_copy: Origin | None = None
    last: Origin | None = None
    problems: dict[str, int] = field(default_factory=dict)

    def take(self, record: Record) -> None:
        if not record.data:
            self._problem("oversize-records", f"a record of {record.length} bytes, too large to be read", record)
            return
        if kind := claude.unread(record.data):
            self.tally.left_out[kind] += 1
            self._writer("").pass_over(claude.uuid_of(record.data))
            return
        parsed = parse(record.data)
        if parsed is not None:
            self._guarded(parsed, record)
        elif record.whole:
            self._problem("unreadable-records", "a record that cannot be read", record)
        else:  # being written at this moment, or its writer died: the next load sees the rest
            self.problems["torn-last-line"] = self.problems.get("torn-last-line", 0) + 1

    def _guarded(self, parsed: dict[str, JSON], record: Record) -> None:
        """One record, which somebody may have written in order to break us: it costs itself and no more."""
        try:
            self._take(parsed, record)
        except Exception as error:  # noqa: BLE001 - isolated on purpose
            log.warning("record %s of %s was passed over: %s", record.number, self.task.file, type(error).__name__)
            self._problem("unreadable-records", "a record that cannot be read", record)

    def finish(self) -> list[SourceDocument]:
        main = self._writer("")
        self._end_copies(main)
        for text, origin in self.queue:
            main.add(Event("queued", "user", "queued prompt, never sent", text), origin)
        if self.last is not None and main.events:
            main.add(Event("meta", "system", "totals", self._totals()), self.last)
        for slug, count in self.problems.items():
            main.flags.append(slug if slug == "torn-last-line" else f"{slug}:{count}")
        if self.tally.unknown:
            main.flags.append(f"unknown-records:{self.tally.unknown.total()}")
        return [document for writer in self.writers.values() for document in writer.documents()]

    def _take(self, parsed: dict[str, JSON], record: Record) -> None:
        uuid = parsed.get("uuid")
        uuid = uuid if isinstance(uuid, str) else ""
        thread = self._thread(parsed, uuid)
        writer = self._writer(thread)
        if uuid and (uuid in self.task.copied or writer.knows(uuid)):
            self._copy(writer, uuid, record)
            return
        if parsed.get("type") == "queue-operation":
            self._queued(parsed, record)
            return
        made = list(claude.events(parsed, self.tally, writer.tool_of))
        if not made:
            writer.pass_over(uuid)
            return
        self.last = origin = self._origin(record)
        self._end_copies(writer)
        self._begin(writer, parsed, origin)
        for event in made:
            self._complete(event, parsed)
            writer.add(event, origin)

    def _writer(self, thread: str) -> Writer:
        if thread not in self.writers:
            name = f"{self.task.id}/{thread}" if thread else self.task.id
            self.writers[thread] = Writer(name, self.sha256, self.redactor)
        return self.writers[thread]

    def _thread(self, parsed: dict[str, JSON], uuid: str) -> str:
        """Old clients wrote subagents between the lines of the session: they are followed by parent, not by place."""
        if not parsed.get("isSidechain") or self.task.path.parent.name == "subagents":
            return ""
        parent = parsed.get("parentUuid")
        thread = self.threads.get(parent, "") if isinstance(parent, str) else ""
        thread = thread or f"sidechain-{len(set(self.threads.values())) + 1:03}"
        self.threads[uuid] = thread
        return thread

    def _begin(self, writer: Writer, parsed: dict[str, JSON], origin: Origin) -> None:
        if writer.events:
            return
        about = self.task.about if writer.id == self.task.id else f"side thread of {self.task.id}"
        stamp = parsed.get("timestamp")
        text = f"{writer.id}; {about}" if about else writer.id
        ts = stamp if isinstance(stamp, str) else self.task.started
        writer.add(Event("session", "system", "session", text, ts=ts), origin)

    def _complete(self, event: Event, parsed: dict[str, JSON]) -> None:
        """What an event alone cannot know."""
        if event.kind == "prompt" and parsed.get("isSidechain"):
            event.role, event.label = "assistant", "task given by the calling agent"
        if event.call in self.task.subagents:
            event.text += f"\nsubagent's thread: {self.task.subagents[event.call]}"
        if event.kind == "tool_result" and (name := spilled(parsed, event.text)):
            event.text, event.origin = self._spilled(name) or (_what_is_left(name, parsed, event.text), None)

    def _spilled(self, name: str) -> tuple[str, Origin] | None:
        """An output that was too large for the transcript, from beside it and from nowhere else."""
        if name in {"", ".", ".."} or "/" in name:
            return None
        try:
            if (self.task.session_folder / "tool-results").is_symlink():
                return None
            with open_regular(self.task.session_folder / "tool-results" / name) as file:
                data, more = file.read(SPILL_BYTES), file.seek(0, 2) - SPILL_BYTES
        except OSError:
            return None
        text = decode(data)[0].decode() + (f"\n[{more} bytes more in the file of this output]" if more > 0 else "")
        path = f"{self.task.file.rpartition('/')[0]}/{self.task.session_folder.name}/tool-results/{name}".lstrip("/")
        return text, Origin(path, 0, 0, len(data), digest(data))

    def _queued(self, parsed: dict[str, JSON], record: Record) -> None:
        operation, content = parsed.get("operation"), parsed.get("content")
        if operation == "enqueue":
            if isinstance(content, str) and not content.lstrip().startswith("<task-notification>"):
                self.queue.append((content, self._origin(record)))
        elif operation == "dequeue" and self.queue:
            self.queue.pop(0)
        elif operation in ("remove", "popAll"):  # taken back by the user, to be edited
            self.queue.clear()

    def _copy(self, writer: Writer, uuid: str, record: Record) -> None:
        if uuid not in self.task.copied:
            self.tally.left_out["repeated record"] += 1
            return
        self.first_copy = self.first_copy or self._origin(record)
        self.copies += 1
        writer.pass_over(uuid)

    def _end_copies(self, writer: Writer) -> None:
        if self.first_copy is None:
            return
        label = f"{self.copies} copied records, not repeated here: they stand in {self.task.original}"
        copies, self.first_copy, self.copies = self.first_copy, None, 0
        self._begin(writer, {}, copies)
        writer.add(Event("copied", "system", label), copies)
        self.last = self.last or copies

    def _problem(self, slug: str, label: str, record: Record) -> None:
        self.problems[slug] = self.problems.get(slug, 0) + 1
        self._writer("").add(Event("problem", "system", label), self._origin(record))

    def _origin(self, record: Record) -> Origin:
        return Origin(self.task.file, record.number, record.offset, record.length, digest(record.data))

    def _totals(self) -> str:
        parts = []
        if self.tally.responses:
            used = ", ".join(f"{count} {name}" for name, count in self.tally.usage.items())
            parts.append(f"{len(self.tally.responses)} model responses ({used})")
        for title, counts in (("left out", self.tally.left_out), ("unknown kinds", self.tally.unknown)):
            if counts:
                parts.append(f"{title}: " + ", ".join(f"{count} {name}" for name, count in sorted(counts.items())))
        return "; ".join(parts) or "nothing left out"


def _what_is_left(name: str, parsed: dict[str, JSON], text: str) -> str:
    return f"{max(kept_stdout(parsed), text, key=len)}\n[cut by the client; its file {name} is not there]"


def subagent_call(meta: Path) -> tuple[str, str]:
    """From the file beside a subagent's transcript: the tool call that started it, and what it was to do."""
    try:
        with open_regular(meta) as file:
            about = json.loads(file.read(65536))
    except (OSError, ValueError, RecursionError):
        return "", ""
    if not isinstance(about, dict):
        return "", ""
    told = [str(about[key])[:200] for key in ("description", "agentType") if isinstance(about.get(key), str)]
    return str(about.get("toolUseId") or ""), ", ".join(told)
