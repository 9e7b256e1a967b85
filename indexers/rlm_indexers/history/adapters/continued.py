"""Continue's history to events: calls with their states. It knows neither times nor exit codes."""

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from rlm_indexers.history.adapters.reading import Told, counted, dict_in, list_in, text_in, unknown
from rlm_indexers.history.adapters.tools import call, plain_text
from rlm_indexers.history.events import Event, Origin

JSON = Any
VERSIONS_TESTED = ("1.5.47",)


@dataclass(slots=True)
class Continue:
    """One session."""

    usage: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)

    def take(self, record: dict[str, JSON], origin: Origin) -> Told:
        message = dict_in(record, "message")
        role, text = text_in(message, "role"), plain_text(message.get("content"))
        used = dict_in(message, "usage")
        self.usage.update({name: n for name, n in used.items() if type(n) is int and name.endswith("_tokens")})
        for event in [*self._words(role, text, record), *self._calls(message, record)]:
            yield event, origin

    def finish(self) -> Told:
        return []

    def totals(self) -> str:
        return "; ".join(filter(None, (counted("tokens", self.usage), counted("left out", self.left_out))))

    def _words(self, role: str, text: str, record: dict[str, JSON]) -> list[Event]:
        if role in {"system", "thinking"}:
            self.left_out[role] += 1
            return []
        if role not in {"user", "assistant", "tool"}:
            return [unknown(role or "message", record)]
        if not text.strip() or role == "tool":  # results stand with their calls
            return []
        if role == "user":
            return [Event("prompt", "user", "user prompt", text)]
        return [Event("text", "assistant", "assistant", text)]

    def _calls(self, message: dict[str, JSON], record: dict[str, JSON]) -> list[Event]:
        states = {text_in(state, "toolCallId"): state for state in list_in(record, "toolCallStates")}
        events = []
        for made in list_in(message, "toolCalls"):
            function, identifier = dict_in(made, "function"), text_in(made, "id")
            given = states.get(identifier, {}).get("parsedArgs") or _arguments(text_in(function, "arguments"))
            events.append(call(text_in(function, "name") or "unnamed", given, identifier))
            if state := states.get(identifier):
                events.append(_result(identifier, state))
        return events


def _arguments(text: str) -> JSON:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return {"input": text}


def _result(identifier: str, state: dict[str, JSON]) -> Event:
    text = "\n".join(text_in(output, "content") for output in list_in(state, "output"))
    status = text_in(state, "status")
    told = {"errored": ", error", "canceled": ", denied"}.get(status, "")  # `done` is said of failures as well
    return Event("tool_result", "tool", f"result{told}", text, answers=identifier, block=True)
