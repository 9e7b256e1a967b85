"""Transcripts of agents we have no adapter for: lines of JSON, read by the names that most of them use."""

import json
from typing import Any

from rlm_indexers.corpus import SourceDocument
from rlm_indexers.history.adapters.reading import Task, Told, read_lines
from rlm_indexers.history.adapters.tools import plain_text
from rlm_indexers.history.events import Event, Kind, Origin, Role
from rlm_indexers.history.redact import Redactor

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
    return read_lines(task, redactor, _Generic(), "unknown-agent")


class _Generic:
    def take(self, record: dict[str, JSON], origin: Origin) -> Told:
        inner = record.get("message")
        about = inner if isinstance(inner, dict) else record
        named = _first(about, _ROLES) or _first(record, _ROLES)
        kind, role = _KINDS.get(named.lower(), ("meta", "system"))
        text = next(filter(None, (plain_text(about.get(name)) for name in _TEXTS)), "")
        if not text:
            text = json.dumps(record, ensure_ascii=False)[:CHARACTERS]
        return [(Event(kind, role, f"record {named}"[:80].rstrip(), text, ts=_first(record, _TIMES)), origin)]

    def finish(self) -> Told:
        return []

    def totals(self) -> str:
        return ""


def _first(record: dict[str, JSON], names: tuple[str, ...]) -> str:
    return next((value for name in names if isinstance(value := record.get(name), str) and value), "")
