"""Transcripts of agents we have no adapter for: lines of JSON, read by the names that most of them use."""

import hashlib
import json
from typing import Any

from rlm_indexers.corpus import SourceDocument
from rlm_indexers.history.adapters.claude_code import parse
from rlm_indexers.history.adapters.claude_session import Task
from rlm_indexers.history.adapters.claude_tools import plain_text
from rlm_indexers.history.events import Event, Kind, Origin, Role
from rlm_indexers.history.records import open_regular, opened, records
from rlm_indexers.history.redact import Redactor
from rlm_indexers.history.writer import Writer

JSON = Any
CHARACTERS = 20_000
_KINDS: dict[str, tuple[Kind, Role]] = {
    "user": ("prompt", "user"),
    "human": ("prompt", "user"),
    "assistant": ("text", "assistant"),
    "model": ("text", "assistant"),
    "agent": ("text", "assistant"),
    "tool": ("tool_result", "tool"),
    "function": ("tool_result", "tool"),
    "system": ("injected", "system"),
}
_ROLES = ("role", "author", "sender", "type", "kind")
_TEXTS = ("content", "text", "message", "display", "prompt", "output", "parts")
_TIMES = ("timestamp", "ts", "time", "created_at", "createdAt")


def read(task: Task, redactor: Redactor) -> list[SourceDocument]:
    """One document; what a record says is its text where one is found, its JSON otherwise. Raises OSError only."""
    with open_regular(task.path) as file:
        source = opened(file)
        writer = Writer(task.id, source.sha256, redactor, ["unknown-agent"])
        for record in records(source):
            origin = Origin(task.file, record.number, record.offset, record.length, _hash(record.data))
            if not writer.events:
                writer.add(Event("session", "system", "session", f"{task.id}; {task.about}".rstrip("; ")), origin)
            writer.add(_event(record.data, record.length), origin)
    return writer.documents()


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16] if data else ""


def _event(data: bytes, length: int) -> Event:
    parsed = parse(data) if data else None
    if parsed is None:
        return Event("problem", "system", f"a record of {length} bytes that cannot be read")
    inner = parsed.get("message")
    about = inner if isinstance(inner, dict) else parsed
    named = _first(about, _ROLES) or _first(parsed, _ROLES)
    kind, role = _KINDS.get(named.lower(), ("meta", "system"))
    text = next(filter(None, (plain_text(about.get(name)) for name in _TEXTS)), "")
    if not text:
        text = json.dumps(parsed, ensure_ascii=False)[:CHARACTERS]
    return Event(kind, role, f"record {named}"[:80].rstrip(), text, ts=_first(parsed, _TIMES))


def _first(record: dict[str, JSON], names: tuple[str, ...]) -> str:
    return next((value for name in names if isinstance(value := record.get(name), str) and value), "")
