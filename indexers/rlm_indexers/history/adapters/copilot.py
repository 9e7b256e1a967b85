"""GitHub Copilot CLI's event chains to events. `success` only says that the tool ran: exit codes are told apart."""

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from rlm_indexers.corpus import SourceDocument
from rlm_indexers.history.adapters.reading import Task, Told, counted, dict_in, list_in, read_lines, text_in, unknown
from rlm_indexers.history.adapters.tools import call
from rlm_indexers.history.events import Event, Origin
from rlm_indexers.history.redact import Redactor

JSON = Any
VERSIONS_TESTED = ("1.0.102",)
_SILENT = re.compile(
    r"session\.(?:start|shutdown|usage_record|info|idle|resume|model_change|truncation|title_changed)|system\.message"
    r"|assistant\.(?:turn_start|turn_end|reasoning|usage|intent)|tool\.(?:execution_start|user_requested)|hook\..*"
)
_USAGE = ("inputTokens", "outputTokens", "cacheReadTokens", "cacheWriteTokens")


def read(task: Task, redactor: Redactor) -> list[SourceDocument]:
    """The document of a session. Raises OSError only."""
    return read_lines(task, redactor, _Copilot())


@dataclass(slots=True)
class _Copilot:
    usage: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    model: str = ""

    def take(self, record: dict[str, JSON], origin: Origin) -> Told:
        for event in self._events(text_in(record, "type"), dict_in(record, "data"), record):
            event.ts, event.uuid = text_in(record, "timestamp"), text_in(record, "id")
            yield event, origin

    def finish(self) -> Told:
        return []

    def totals(self) -> str:
        return "; ".join(filter(None, (counted("tokens", self.usage), counted("left out", self.left_out))))

    def _events(self, kind: str, data: dict[str, JSON], record: dict[str, JSON]) -> list[Event]:
        if kind == "user.message":
            return [_prompt(data)]
        if kind == "assistant.message":
            return self._spoken(data)
        if kind == "tool.execution_complete":
            return [_result(data)]
        if kind == "session.usage_record":
            used = dict_in(data, "usage")
            self.usage.update({name: used[name] for name in _USAGE if type(used.get(name)) is int})
        if _SILENT.fullmatch(kind):
            self.left_out[kind] += 1
            return []
        return [_rare(kind, data, record)]

    def _spoken(self, data: dict[str, JSON]) -> list[Event]:
        self.left_out["thinking"] += bool(data.get("reasoningText"))
        events = []
        if text_in(data, "content").strip():
            model = text_in(data, "model")
            label = f"assistant ({model})" if model and model != self.model else "assistant"
            self.model = model or self.model
            events.append(Event("text", "assistant", label, text_in(data, "content")))
        for asked in list_in(data, "toolRequests"):
            given = asked.get("arguments") if isinstance(asked, dict) else None
            events.append(call(text_in(asked, "name") or "unnamed", given, text_in(asked, "toolCallId")))
        return events


def _rare(kind: str, data: dict[str, JSON], record: dict[str, JSON]) -> Event:
    if "compaction" in kind:
        label = "compaction summary (made by the client, not said by the user)"
        return Event("compaction", "system", label, text_in(data, "summaryContent"))
    if kind in {"abort", "session.error"}:
        return Event("abort", "system", kind, text_in(data, "reason") or text_in(data, "message"))
    return unknown(kind, record)


def _prompt(data: dict[str, JSON]) -> Event:
    source = text_in(data, "source")
    if source and source != "user":
        return Event("injected", "system", f"injected ({source}, not typed by the user)", text_in(data, "content"))
    return Event("prompt", "user", "user prompt", text_in(data, "content"))


def _result(data: dict[str, JSON]) -> Event:
    result, code = dict_in(data, "result"), dict_in(data, "shellExecution").get("exitCode")
    text = text_in(result, "content") or text_in(result, "detailedContent")
    text = text or (json.dumps(data["error"], ensure_ascii=False) if data.get("error") else "")
    status = f", exit {code}" if type(code) is int else ", error" if data.get("success") is False else ""
    return Event("tool_result", "tool", f"result{status}", text, answers=text_in(data, "toolCallId"), block=True)
