"""Claude Code records to events. Kinds and traps: one record per content block, usage repeated in each, tool output
given twice, prompts that nobody typed; half of the bytes are requests and prompt snapshots that are not read at all.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from rlm_indexers.history.adapters.claude_prompts import said
from rlm_indexers.history.adapters.claude_tools import result
from rlm_indexers.history.adapters.tools import call, plain_text
from rlm_indexers.history.events import Event

JSON = Any
VERSIONS_TESTED = ("1.0.120", "2.1.197", "2.1.328")

_UNREAD = (b'{"type":"api-request', b'{"type":"file-history-', b'{"type":"progress"', b'{"type":"content-replacement"')
_ATTACHMENT = re.compile(rb'"attachment":\s?\{"type":\s?"([a-z_]+)"')
_ATTACHMENTS_READ = frozenset({b"file", b"queued_command", b"edited_text_file", b"compact_file_reference"})
_SILENT = re.compile(
    "last-prompt|mode|atis-latch|tools-used|cost-state|session-owner|relocated|worktree-state|agent-name|tag|started"
    "|fork-context-ref|permission-mode|agent-setting|agent-color|speculation-accept|attribution-snapshot"
)
_TITLES = {"ai-title": "aiTitle", "custom-title": "customTitle", "summary": "summary", "pr-link": "prUrl"}
_USAGE = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
_UUID = re.compile(rb'"uuid":\s?"([^"\\]{1,80})"')
UNKNOWN_CHARACTERS = 2000


@dataclass(slots=True)
class Tally:
    """What is counted over a session: tokens once per response, and what was left out."""

    usage: Counter[str] = field(default_factory=Counter)
    responses: set[str] = field(default_factory=set)
    left_out: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    model: str = ""


def unread(data: bytes) -> str:
    """The kind of a record that need not even be parsed, or ""."""
    if data.startswith(_UNREAD):
        return data[9:40].split(b'"', 1)[0].decode("utf-8", "replace")
    head = _ATTACHMENT.search(data, 0, 400)
    if head and head[1] not in _ATTACHMENTS_READ:
        return f"attachment {head[1].decode()}"
    return ""


def uuid_of(data: bytes) -> str:
    """The uuid of a record that was not parsed: the last one that stands unquoted in it."""
    at = data.rfind(b'"uuid":')
    found = _UUID.match(data, at) if at >= 0 else None
    return found[1].decode("utf-8", "replace") if found else ""


def events(record: dict[str, JSON], tally: Tally, tool_of: Any) -> Iterable[Event]:
    """What one record tells; `tool_of(call)` names the tool behind a call id. Never raises for odd content."""
    kind = record.get("type")
    if kind == "user":
        made: Iterable[Event] = _user(record, tool_of)
    elif kind == "assistant":
        made = _assistant(record, tally)
    else:
        made = _other(str(kind), record, tally)
    ts, uuid = _text(record, "timestamp"), _text(record, "uuid")
    parent = _text(record, "parentUuid") or _text(record, "logicalParentUuid")
    for event in made:
        event.ts, event.uuid, event.parent = ts, uuid, parent
        yield event


def _text(record: dict[str, JSON], key: str) -> str:
    value = record.get(key)
    return value if isinstance(value, str) else ""


def _content(record: dict[str, JSON]) -> JSON:
    message = record.get("message")
    return message.get("content") if isinstance(message, dict) else message


def _user(record: dict[str, JSON], tool_of: Any) -> Iterator[Event]:
    content = _content(record)
    if not isinstance(content, list):
        text = plain_text(content)
        yield from said(record, text) if text.strip() else ()
        return
    loose: list[JSON] = []
    for block in content:
        if isinstance(block, dict) and block.get("type") == "tool_result":
            yield result(record, block, tool_of(str(block.get("tool_use_id") or "")))
        else:
            loose.append(block)
    text = plain_text(loose)
    yield from said(record, text) if text.strip() else ()


def _assistant(record: dict[str, JSON], tally: Tally) -> Iterator[Event]:
    _count(record, tally)
    content = _content(record)
    for block in content if isinstance(content, list) else [{"type": "text", "text": plain_text(content)}]:
        if not isinstance(block, dict):
            continue
        kind = str(block.get("type"))
        if kind == "text" and _text(block, "text").strip():
            yield Event("text", "assistant", f"assistant{_new_model(record, tally)}", _text(block, "text"))
        elif kind in {"tool_use", "server_tool_use", "mcp_tool_use"}:
            yield call(str(block.get("name") or "unnamed"), block.get("input"), str(block.get("id") or ""))
        elif kind in {"thinking", "redacted_thinking"}:
            tally.left_out["thinking"] += 1
        elif kind != "text":
            yield from _unknown(f"assistant block {kind}", block, tally)


def _new_model(record: dict[str, JSON], tally: Tally) -> str:
    message = record.get("message")
    model = _text(message, "model") if isinstance(message, dict) else ""
    if not model or model == tally.model or model.startswith("<"):
        return ""
    tally.model = model
    return f" ({model})"


def _count(record: dict[str, JSON], tally: Tally) -> None:
    message = record.get("message")
    usage = message.get("usage") if isinstance(message, dict) else None
    response = str(message.get("id")) if isinstance(message, dict) else ""
    if not isinstance(usage, dict) or response in tally.responses:
        return
    tally.responses.add(response)
    for name in _USAGE:
        if type(usage.get(name)) is int:
            tally.usage[name] += usage[name]


def _other(kind: str, record: dict[str, JSON], tally: Tally) -> Iterable[Event]:
    if kind == "system":
        return _system(record, tally)
    if kind == "attachment":
        return _attachment(record, tally)
    if kind in _TITLES:
        text = _text(record, _TITLES[kind]) or _text(record, "title") or _text(record, "url")
        return [Event("meta", "system", f"{kind} (made by the client)", text)] if text else []
    if kind == "queue-operation" or _SILENT.fullmatch(kind):
        tally.left_out[kind] += kind != "queue-operation"
        return []
    return _unknown(kind, record, tally)


def _system(record: dict[str, JSON], tally: Tally) -> list[Event]:
    subtype = _text(record, "subtype")
    if subtype == "compact_boundary":
        about = record.get("compactMetadata")
        known = about if isinstance(about, dict) else {}
        detail = f"{known.get('trigger', 'unknown')} trigger, {known.get('preTokens', 'unknown')} tokens before"
        return [Event("compaction", "system", f"compaction boundary ({detail})")]
    content = plain_text(record.get("content"))
    if not content.strip():
        tally.left_out[f"system {subtype}"] += 1
        return []
    return [Event("meta", "system", f"client note {subtype}".rstrip(), content)]


def _attachment(record: dict[str, JSON], tally: Tally) -> list[Event]:
    attachment = record.get("attachment")
    about: dict[str, JSON] = attachment if isinstance(attachment, dict) else {}
    kind = _text(about, "type")
    if kind == "queued_command" and (text := plain_text(about.get("prompt"))):
        if text.lstrip().startswith("<task-notification>"):
            return [Event("notification", "system", "notification (not typed by the user)", text)]
        return [Event("queued", "user", "user prompt (typed while the agent worked)", text)]
    path = _text(about, "filename") or _text(about, "displayPath")
    if path:
        return [Event("attachment", "system", f"{kind.replace('_', ' ')} shown to the model", path)]
    tally.left_out[f"attachment {kind}"] += 1
    return []


def _unknown(kind: str, record: dict[str, JSON], tally: Tally) -> list[Event]:
    """A kind nobody told us about may hold the very thing that is asked for: its beginning is kept."""
    tally.unknown[kind[:60]] += 1
    text = json.dumps(record, ensure_ascii=False)[:UNKNOWN_CHARACTERS]
    return [Event("meta", "system", f"record of an unknown kind ({kind[:60]})", text)]
