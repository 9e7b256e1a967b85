"""Codex rollouts to events. All of it stands there twice: as items for the screen and as messages for the model.

Where a session has items they are the better source, with exit codes and diffs; what the model's side has beyond them
is taken from there. Old sessions have no items: then messages, and exit codes out of the texts of results.
"""

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from rlm_indexers.corpus import SourceDocument
from rlm_indexers.history.adapters.reading import (
    Task,
    Told,
    counted,
    dict_in,
    list_in,
    read_lines,
    text_in,
    unknown,
)
from rlm_indexers.history.adapters.tools import call, command_line, plain_text, signed
from rlm_indexers.history.events import Event, Origin
from rlm_indexers.history.redact import Redactor

JSON = Any
VERSIONS_TESTED = ("0.80.0", "0.169.0")
OUTPUT_BYTES = 65_536
"""Where the client cuts the output of a command; the rest is gone for good."""

_EXIT = re.compile(r"(?:Exit code:|Process exited with code|exited with code) (-?\d{1,4})|\"exit_code\":\s?(-?\d{1,4})")
_INJECTED = re.compile(
    r"\s*<(?:environment_context|user_instructions|permissions|INSTRUCTIONS|turn_aborted|skill)|# AGENTS\.md"
)
_SILENT = re.compile(
    "session_meta|world_state|turn_context|token_usage_record|token_count|task_started|task_complete|turn_started"
    "|turn_complete|thread_settings_applied|thread_name_updated|agent_reasoning.*|item_started|exec_command_.*"
    "|patch_apply_.*|mcp_tool_call_.*|web_search_.*|context_compacted|background_event|.*_delta|inter_agent.*"
)


def read(task: Task, redactor: Redactor) -> list[SourceDocument]:
    """The document of a rollout. Raises OSError only."""
    return read_lines(task, redactor, _Codex())


@dataclass(slots=True)
class _Codex:
    items: bool = False
    """The session has items."""
    waiting: dict[str, tuple[Event, Origin]] = field(default_factory=dict)
    """Calls on the model's side, until an item tells of them or their result shows that none will."""
    answered: set[str] = field(default_factory=set)
    said: dict[str, str] = field(default_factory=dict)
    """The last words by role: old sessions repeat them."""
    usage: dict[str, int] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)
    model: str = ""
    shown: str = ""
    """The model that was last named."""
    now: str = ""

    def take(self, record: dict[str, JSON], origin: Origin) -> Told:
        kind, payload = text_in(record, "type"), dict_in(record, "payload")
        self.now = text_in(record, "timestamp")
        if kind == "event_msg":
            told = self._shown(text_in(payload, "type"), payload, origin)
        elif kind == "response_item":
            told = self._model_side(text_in(payload, "type"), payload, origin)
        elif kind == "compacted":  # its replacement_history is old messages again
            label = "compaction summary (made by the client, not said by the user)"
            told = [(Event("compaction", "system", label, text_in(payload, "message")), origin)]
        else:
            told = self._about(kind, payload, record, origin)
        for event, place in told:
            event.ts = event.ts or self.now
            yield event, place

    def finish(self) -> Told:
        return list(self.waiting.values())

    def totals(self) -> str:
        return "; ".join(filter(None, (counted("tokens", self.usage), counted("left out", self.left_out))))

    def _about(self, kind: str, payload: dict[str, JSON], record: JSON, origin: Origin) -> list[tuple[Event, Origin]]:
        if kind == "session_meta":
            self.items = payload.get("history_mode") == "paginated"
            told = [f"{key} {payload[key]}" for key in ("forked_from_id", "parent_thread_id") if text_in(payload, key)]
            return [(Event("meta", "system", "session metadata", ", ".join(told)), origin)] if told else []
        if kind == "turn_context":
            self.model = text_in(payload, "model") or self.model
        if _SILENT.fullmatch(kind):
            self.left_out[kind] += 1
            return []
        return [(unknown(kind, record), origin)]

    # What the screen showed

    def _shown(self, kind: str, payload: dict[str, JSON], origin: Origin) -> list[tuple[Event, Origin]]:
        if kind == "item_completed":
            self.items = True
            item = dict_in(payload, "item")
            return [(event, origin) for event in self._item(text_in(item, "type"), item)]
        if kind == "token_count":
            usage = dict_in(dict_in(payload, "info"), "total_token_usage")
            self.usage = {name: count for name, count in usage.items() if type(count) is int} or self.usage
        if kind == "turn_aborted":
            return [(Event("abort", "user", "turn ended early", text_in(payload, "reason")), origin)]
        if kind in {"user_message", "agent_message"}:
            return self._words("user" if kind[0] == "u" else "assistant", text_in(payload, "message"), origin)
        if _SILENT.fullmatch(kind):
            self.left_out[kind] += 1
            return []
        return [(unknown(kind, payload), origin)]

    def _item(self, kind: str, item: dict[str, JSON]) -> list[Event]:
        identifier = text_in(item, "id")
        self.waiting.pop(identifier, None)
        if kind == "UserMessage":
            return [_prompt(plain_text(item.get("content")))]
        if kind == "AgentMessage":
            return [Event("text", "assistant", self._assistant(), plain_text(item.get("content")))]
        if kind == "Reasoning":
            self.left_out["thinking"] += 1
            return []
        if kind == "ContextCompaction":
            return [Event("compaction", "system", "compaction boundary")]
        self.answered.add(identifier)
        return _done(kind, identifier, item)

    def _assistant(self) -> str:
        if self.model == self.shown:
            return "assistant"
        self.shown = self.model
        return f"assistant ({self.model})"

    # What the model was given and gave

    def _model_side(self, kind: str, payload: dict[str, JSON], origin: Origin) -> list[tuple[Event, Origin]]:
        if kind == "message":
            role = text_in(payload, "role")
            text = plain_text(payload.get("content"))
            return [] if self.items else self._words(role, text, origin)
        identifier = text_in(payload, "call_id")
        if kind in {"function_call", "custom_tool_call", "local_shell_call"}:
            if identifier not in self.answered:
                made_now = _call(payload, identifier)
                made_now.ts = self.now
                self.waiting[identifier] = (made_now, origin)
            return []
        if kind in {"function_call_output", "custom_tool_call_output"}:
            if identifier in self.answered:
                return []
            made = self.waiting.pop(identifier, None)
            return [*([made] if made else []), (_result(identifier, payload.get("output")), origin)]
        if kind == "reasoning":
            self.left_out["thinking"] += 1
            return []
        return [(unknown(kind, payload), origin)]

    def _words(self, role: str, text: str, origin: Origin) -> list[tuple[Event, Origin]]:
        """Of an old session: each message is there for the model and for the screen, in either order."""
        if role not in {"user", "assistant"}:
            self.left_out[f"{role or 'nameless'} message"] += 1
            return []
        if self.said.get(role) == text:
            self.said.pop(role)
            return []
        self.said[role] = text
        made = _prompt(text) if role == "user" else Event("text", "assistant", self._assistant(), text)
        return [(made, origin)] if text.strip() else []


def _prompt(text: str) -> Event:
    if _INJECTED.match(text):
        return Event("injected", "system", "injected by the client (not typed by the user)", text)
    return Event("prompt", "user", "user prompt", text)


def _call(payload: dict[str, JSON], identifier: str) -> Event:
    name = text_in(payload, "name") or text_in(payload, "type")
    given: JSON = payload.get("arguments", payload.get("input", payload.get("action")))
    if name == "apply_patch" and isinstance(given, str):
        return Event("edit", "assistant", "edit with apply_patch", given, call=identifier, block=True)
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except (ValueError, RecursionError):
            given = {"input": given}
    return call(name, given, identifier)


def _result(identifier: str, output: JSON) -> Event:
    text = output if isinstance(output, str) else plain_text(output) or plain_text(dict_in(output, "body"))
    known = _EXIT.search(text, 0, 400) or _EXIT.search(text, max(0, len(text) - 200))
    label = f"result, exit {known[1] or known[2]}" if known else "result"
    return Event("tool_result", "tool", label, text, answers=identifier, block=True)


def _done(kind: str, identifier: str, item: dict[str, JSON]) -> list[Event]:
    if kind == "CommandExecution":
        return _command(identifier, item)
    return _change(identifier, item) if kind == "FileChange" else [unknown(kind, item, 20_000)]


def _command(identifier: str, item: dict[str, JSON]) -> list[Event]:
    command = command_line(item.get("command"))
    output, code = text_in(item, "aggregated_output"), item.get("exit_code")
    if len(output.encode("utf-8", "replace")) >= OUTPUT_BYTES:
        output += f"\n[cut by the client at {OUTPUT_BYTES} bytes]"
    status = f", exit {code}" if type(code) is int else f", {text_in(item, 'status') or 'unknown'}"
    return [
        Event("tool_call", "assistant", "command shell", command, call=identifier),
        Event("tool_result", "tool", f"result{status}", output, answers=identifier, block=True),
    ]


def _change(identifier: str, item: dict[str, JSON]) -> list[Event]:
    made = []
    for path, change in dict_in(item, "changes").items():
        diff = text_in(change, "unified_diff") or signed("+", text_in(change, "content"))
        kind = text_in(change, "type") or "change"
        made.append(Event("edit", "assistant", f"edit {path} ({kind})", diff, call=identifier, block=True))
    failed = text_in(item, "status") not in {"completed", ""}
    if failed:
        text = "\n".join(filter(None, (list_or_text(item, "stdout"), list_or_text(item, "stderr"))))
        made.append(Event("tool_result", "tool", f"result, {item['status']}", text, answers=identifier, block=True))
    return made


def list_or_text(item: dict[str, JSON], key: str) -> str:
    """A field that is text in some versions and a list of lines in others."""
    return text_in(item, key) or "\n".join(str(line) for line in list_in(item, key))
