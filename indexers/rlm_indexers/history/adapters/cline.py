"""Cline's messages to events: blocks as the Anthropic API has them, results as records of their own shape."""

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from rlm_indexers.history.adapters.reading import Told, counted, dict_in, list_in, text_in, unknown
from rlm_indexers.history.adapters.tools import call, plain_text
from rlm_indexers.history.events import Event, Origin

JSON = Any
VERSIONS_TESTED = ("3.0.65",)
_INPUT = re.compile(r"\s*<user_input[^>]{0,200}>(.*)</user_input>\s*", re.DOTALL)
_EXIT = re.compile(r"Command exited with code (-?\d{1,4})")


@dataclass(slots=True)
class Cline:
    """One session."""

    left_out: Counter[str] = field(default_factory=Counter)
    usage: Counter[str] = field(default_factory=Counter)

    def take(self, record: dict[str, JSON], origin: Origin) -> Told:
        self.usage.update({name: n for name, n in dict_in(record, "metrics").items() if type(n) is int})
        content, role = record.get("content"), text_in(record, "role")
        for block in content if isinstance(content, list) else [{"type": "text", "text": plain_text(content)}]:
            for event in self._events(role, block):
                event.ts, event.uuid = moment(record.get("ts")), text_in(record, "id")
                yield event, origin

    def finish(self) -> Told:
        return []

    def totals(self) -> str:
        return "; ".join(filter(None, (counted("tokens", self.usage), counted("left out", self.left_out))))

    def _events(self, role: str, block: JSON) -> list[Event]:
        kind = text_in(block, "type")
        if kind == "text":
            return [_words(role, text_in(block, "text"))]
        if kind == "tool_use":
            return [call(text_in(block, "name") or "unnamed", block.get("input"), text_in(block, "id"))]
        if kind == "tool_result":
            return [_result(block)]
        if "thinking" in kind:
            self.left_out["thinking"] += 1
            return []
        return [unknown(f"block {kind}", block)]


def _words(role: str, text: str) -> Event:
    if role == "assistant":
        return Event("text", "assistant", "assistant", text)
    if typed := _INPUT.fullmatch(text):
        return Event("prompt", "user", "user prompt", typed[1])
    if text.lstrip().startswith("<"):
        return Event("injected", "system", "injected by the client (not typed by the user)", text)
    return Event("prompt", "user", "user prompt", text)


def _result(block: dict[str, JSON]) -> Event:
    outputs = [each for each in list_in(block, "content") if isinstance(each, dict)]
    text = "\n".join(text_in(each, "result") or text_in(each, "error") or text_in(each, "text") for each in outputs)
    text = text or plain_text(block.get("content"))
    failed = any(each.get("success") is False for each in outputs) or block.get("is_error") is True
    known = _EXIT.search(text) if failed else None
    status = f", exit {known[1]}" if known else ", error" if failed else ""
    return Event("tool_result", "tool", f"result{status}", text, answers=text_in(block, "tool_use_id"), block=True)


def moment(stamp: JSON) -> str:
    """Milliseconds since the epoch as the ISO form; "" for anything else."""
    if not isinstance(stamp, int | float) or isinstance(stamp, bool) or not 0 < stamp < 1e14:
        return ""
    return datetime.fromtimestamp(stamp / 1000, UTC).isoformat()
