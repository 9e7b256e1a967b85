"""`history` in the REPL: sessions and events of transcripts, each a span."""

import json

import pytest

from rlm_mcp.engine import warm_start
from tests.support.asking import load, printed


@pytest.fixture(scope="module")
def transcripts(tmp_path_factory):
    """One Claude Code session of three records."""
    folder = tmp_path_factory.mktemp("projects") / "-home-dev-limiter"
    folder.mkdir()
    rows = [
        {"type": "user", "message": {"role": "user", "content": "Raise the limit.\nNever touch the API."}},
        {"type": "assistant", "message": {"role": "assistant", "content": [{"type": "text", "text": "I raised it."}]}},
        {"type": "user", "message": {"role": "user", "content": "Thanks."}},
    ]
    for n, row in enumerate(rows):
        row |= {"uuid": f"u{n}", "parentUuid": f"u{n - 1}" if n else None, "sessionId": "s1", "version": "2.1.0"}
        row |= {"timestamp": f"2026-11-02T10:0{n}:00.000Z", "cwd": "/home/dev/limiter"}
    (folder / "s1.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return load(folder.parent, tmp_path_factory.mktemp("cache"), kind="history")


def test_events_are_found_by_role_text_and_time_and_can_be_cited(transcripts):
    code = """
asked = history.events(role="user")
print(len(asked), asked[0].time[:16], len(asked[0].lines))
print(history.events(contains="raised", role="assistant")[0].text)
print(len(history.events(role="user", since="2026-11-02T10:01")))
print(cite(asked[0]).startswith("["), len(history.sessions), "user" in str(history.kinds))
"""
    lines = printed(transcripts, code).split("\n")
    assert lines[0] == "2 2026-11-02T10:00 2"
    assert "I raised it." in lines[1]
    assert lines[2] == "1"
    assert lines[3].startswith("True 1")


def test_the_first_message_tells_how_to_read_a_history(transcripts):
    assert "history.events(" in warm_start.first_message("What was asked?", transcripts)


def test_other_corpora_have_no_history(corpus):
    assert printed(corpus, 'print("history" in globals())') == "False\n"
