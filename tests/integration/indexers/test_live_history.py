"""The session that asks about past sessions is none of them: it would be answered with its own question."""

import json
import os
import time
from pathlib import Path

import pytest

from rlm_indexers.history import Places
from tests.support.transcripts import Session, read

TOOLS = frozenset({"rlm_ask", "load_corpus"})


@pytest.fixture
def folder(tmp_path):
    Session(tmp_path / ".claude" / "projects" / "x", name="old").prompt("Where do we keep the limiter?")
    return tmp_path / ".claude" / "projects" / "x"


def names(folder, tools=TOOLS):
    documents, fetched = read("all", places=Places(folder.parents[2], tools=tools))
    return sorted(Path(each).name for each in documents), [each.reason for each in fetched.skipped]


def asker(folder, name="live"):
    session = Session(folder, name=name).prompt("What did we say of the limiter?")
    return session.calls("mcp__rlm__rlm_ask", call="toolu_9", question="the limiter", corpus="history:")


def test_a_session_that_waits_for_our_answer_is_left_out_and_listed(folder):
    asker(folder)
    assert names(folder) == (["old"], ["live-session: the one that asks"])
    assert names(folder, frozenset())[0] == ["live", "old"]


def test_a_session_that_has_its_answer_is_one_of_the_past(folder):
    asker(folder).answers("It is in limiter.py.", call="toolu_9")
    assert names(folder) == (["live", "old"], [])


def test_a_call_that_was_never_answered_is_past_after_a_while(folder):
    session = asker(folder)
    os.utime(session.path, (time.time() - 3600,) * 2)
    assert names(folder) == (["live", "old"], [])


def test_a_session_that_waits_for_another_tool_is_no_asker(folder):
    Session(folder, name="busy").prompt("go").calls("Bash", command="make ask")
    Session(folder, name="said").prompt("go").says("I would call rlm_ask")
    assert names(folder) == (["busy", "old", "said"], [])


def test_codex_is_known_by_its_open_call_too(folder):
    home = folder.parents[2] / ".codex" / "sessions"
    home.mkdir(parents=True)
    ident = "01a1f837-7e9c-74a0-82b2-47e290a3d671"
    call = {"type": "function_call", "name": "rlm__rlm_ask", "arguments": "{}", "call_id": "call_1"}
    items = [("session_meta", {"id": ident, "cwd": "/x"}), ("response_item", call)]
    records = [{"timestamp": "2026-11-20T09:09:09Z", "type": kind, "payload": payload} for kind, payload in items]
    path = home / f"rollout-2026-11-20T09-09-08-{ident}.jsonl"
    path.write_text("".join(json.dumps(record, separators=(",", ":")) + "\n" for record in records))
    assert names(folder) == (["old"], ["live-session: the one that asks"])
