"""Which sessions are asking at this moment: their transcripts end with a call of ours that has no answer yet.

A client writes the call down before it makes it, and its result after. So the session that asks is known by its own
words, whatever the client tells us; one that runs beside it and asks too is left out as well, and is as unfinished.
"""

import json
import time
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from rlm_indexers.history.discover import Transcript
from rlm_indexers.history.records import open_regular

JSON = Any
TAIL_BYTES = 256 * 1024
RECENT_SECONDS = 15 * 60
"""A call that is older was never answered: the session, or its client, ended there."""
FORMS = frozenset({"claude", "codex"})
"""Whose way of writing calls down is known."""


def asking(transcripts: Iterable[Transcript], tools: Collection[str]) -> set[str]:
    """The ids of the sessions that wait for one of these tools."""
    since = (time.time() - RECENT_SECONDS) * 1e9
    recent = [each for each in transcripts if each.changed > since and each.form in FORMS]
    return {each.session for each in recent if tools and _waits(each, tools)}


def _waits(transcript: Transcript, tools: Collection[str]) -> bool:
    called: set[str] = set()
    answered: set[str] = set()
    for part in _parts(transcript):
        name, ident = str(part.get("name", "")), str(part.get("call_id") or part.get("id"))
        if part.get("type") in {"tool_use", "function_call"} and name.rpartition("__")[2] in tools:
            called.add(ident)
        elif part.get("type") in {"tool_result", "function_call_output"}:
            answered.add(str(part.get("tool_use_id") or part.get("call_id")))
    return bool(called - answered)


def _parts(transcript: Transcript) -> Iterator[dict[str, JSON]]:
    """What the last records hold: blocks of Claude Code's messages, payloads of Codex's items."""
    try:
        with open_regular(transcript.path) as file:
            file.seek(max(0, transcript.size - TAIL_BYTES))
            lines = file.read(2 * TAIL_BYTES).split(b"\n")
    except OSError:
        return
    for line in lines:
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            continue
        message = record.get("message") if isinstance(record, dict) else None
        blocks = message.get("content") if isinstance(message, dict) else None
        payload = record.get("payload") if isinstance(record, dict) else None
        for part in (*(blocks if isinstance(blocks, list) else ()), payload):
            if isinstance(part, dict):
                yield part
