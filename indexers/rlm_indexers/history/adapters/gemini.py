"""Gemini CLI's chats to events: a log of operations on a list of messages, or, formerly, the list itself.

A message is written anew under the same id while it grows: the last one counts, and stands where the first one stood.
`status` is "success" for commands that failed and for commands that were blocked: only the text says more.
"""

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from rlm_indexers.corpus import SourceDocument
from rlm_indexers.history.adapters.reading import Task, Told, counted, dict_in, list_in, read_lines, text_in, unknown
from rlm_indexers.history.adapters.tools import call, plain_text
from rlm_indexers.history.events import Event, Origin
from rlm_indexers.history.redact import Redactor

JSON = Any
VERSIONS_TESTED = ("0.61.0",)
_EXIT = re.compile(r"(?m)^Exit Code: (-?\d{1,4})\s*$")


def read(task: Task, redactor: Redactor) -> list[SourceDocument]:
    """The document of a chat in form of a log. Raises OSError only."""
    return read_lines(task, redactor, Chat())


@dataclass(slots=True)
class Chat:
    """The messages of a chat as they finally were."""

    messages: dict[str, tuple[dict[str, JSON], Origin]] = field(default_factory=dict)
    given: set[str] = field(default_factory=set)
    """Messages that came with a checkpoint before anything was typed."""
    left_out: Counter[str] = field(default_factory=Counter)
    usage: Counter[str] = field(default_factory=Counter)
    model: str = ""

    def take(self, record: dict[str, JSON], origin: Origin) -> Told:
        change = dict_in(record, "$set")
        if "messages" in change:
            self._checkpoint(list_in(change, "messages"), origin)
        elif isinstance(record.get("$rewindTo"), str):
            self._rewind(record["$rewindTo"])
        elif text_in(record, "id"):
            self.messages[text_in(record, "id")] = (record, origin)
        elif not change and "sessionId" not in record:
            yield unknown("operation", record), origin

    def finish(self) -> Told:
        for identifier, (message, origin) in self.messages.items():
            for event in self._events(message, given=identifier in self.given):
                event.ts = event.ts or text_in(message, "timestamp")
                event.uuid = identifier
                yield event, origin

    def totals(self) -> str:
        return "; ".join(filter(None, (counted("tokens", self.usage), counted("left out", self.left_out))))

    def _checkpoint(self, messages: list[JSON], origin: Origin) -> None:
        first = not self.messages
        known, self.messages = self.messages, {}
        for message in messages:
            identifier = text_in(message, "id")
            if identifier:
                same = known.get(identifier)
                self.messages[identifier] = same if same and same[0] == message else (message, origin)
        if first:
            self.given = set(self.messages)

    def _rewind(self, identifier: str) -> None:
        kept = list(self.messages)
        if identifier in kept:
            dropped = kept[kept.index(identifier) :]
            self.left_out["rewound message"] += len(dropped)
            for each in dropped:
                del self.messages[each]

    def _events(self, message: dict[str, JSON], *, given: bool) -> list[Event]:
        kind, content = text_in(message, "type"), message.get("content")
        text = plain_text(content)
        if kind == "user":
            return _prompt(text, given=given)
        if kind == "gemini":
            return self._spoken(message, text)
        if kind in {"info", "error", "warning"}:
            return [Event("meta", "system", f"client note {kind}", text)] if text else []
        return [unknown(kind, message)]

    def _spoken(self, message: dict[str, JSON], text: str) -> list[Event]:
        self.left_out["thinking"] += len(list_in(message, "thoughts"))
        self.usage.update({name: n for name, n in dict_in(message, "tokens").items() if type(n) is int})
        model = text_in(message, "model")
        label = f"assistant ({model})" if model and model != self.model and text else "assistant"
        self.model = model if text and model else self.model
        events = [Event("text", "assistant", label, text)] if text.strip() else []
        for used in list_in(message, "toolCalls"):
            if isinstance(used, dict):
                events += _called(used)
        return events


def _prompt(text: str, *, given: bool) -> list[Event]:
    if not text.strip():  # results, which stand with their calls already
        return []
    if given:
        return [Event("injected", "system", "injected by the client (not typed by the user)", text)]
    return [Event("prompt", "user", "user prompt", text)]


def _called(used: dict[str, JSON]) -> list[Event]:
    identifier, ts = text_in(used, "id"), text_in(used, "timestamp")
    made = call(text_in(used, "name") or "unnamed", used.get("args"), identifier)
    text = "\n".join(filter(None, (_response(part) for part in list_in(used, "result"))))
    text = text or text_in(used, "resultDisplay")
    known, status = _EXIT.search(text), text_in(used, "status")
    told = f", exit {known[1]}" if known else f", {status}" if status not in {"success", ""} else ""
    made.ts = ts
    return [made, Event("tool_result", "tool", f"result{told}", text, ts=ts, answers=identifier, block=True)]


def _response(part: JSON) -> str:
    response = dict_in(dict_in(part, "functionResponse"), "response")
    for key in ("output", "error"):
        if text_in(response, key):
            return text_in(response, key)
    return json.dumps(response, ensure_ascii=False) if response else text_in(part, "text")
