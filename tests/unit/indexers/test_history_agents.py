"""Sessions of the other agents as documents, from what their real clients wrote."""

import hashlib
import json
import shutil
import sqlite3
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rlm_indexers.history import AGENTS, Places
from tests.support.transcripts import HEAD, SAMPLES, heads, opens, read, text_of

ALL = SAMPLES.parent
ON_FILES = [
    "aider/real-0.86.2",
    "cline/real-cli-3.0.65",
    "codex/real-0.169.0",
    "codex/synthetic-legacy",
    "continue/real-cli-1.5.47",
    "copilot-cli/real-1.0.102",
    "gemini-cli/real-0.61.0",
    "gemini-cli/synthetic-legacy",
]
OPENCODE = "opencode/real-1.18.33"


def store(folder, *, journal="WAL"):
    """opencode's store, as its dump says it was; the connection is kept open, as the agent keeps its own."""
    connection = sqlite3.connect(folder / "opencode.db")
    connection.execute(f"PRAGMA journal_mode={journal}")
    connection.execute("PRAGMA wal_autocheckpoint=0")
    connection.executescript((ALL / OPENCODE / "opencode.db.sql").read_text(encoding="utf-8"))
    connection.commit()
    return connection


def whole(documents):
    """All of it as one text. A folder's own name is no part of it."""
    text = "".join(f"===== {each.id} {list(each.flags)}\n{text_of(each)}" for each in documents.values())
    return text.replace(str(ALL), "…")


@pytest.mark.parametrize("sample", ON_FILES)
def test_documents_of_a_sample_are_what_they_were(sample):
    documents, fetched = read(ALL / sample)
    assert whole(documents) == (ALL / f"{sample}.golden.txt").read_text(encoding="utf-8")
    assert not fetched.skipped


def test_documents_of_a_store_are_what_they_were(tmp_path):
    store(tmp_path).close()
    documents, _ = read(tmp_path)
    assert whole(documents) == (ALL / f"{OPENCODE}.golden.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("sample", ON_FILES)
def test_every_event_opens_at_the_bytes_it_came_from(sample):
    documents, fetched = read(ALL / sample)
    for document in documents.values():
        found = HEAD.findall(text_of(document))
        assert len(found) == len(document.anchors)
        for anchor in document.anchors:
            assert opens(fetched.facts["root"], anchor)


def test_every_event_of_a_store_opens_at_the_row_it_came_from(tmp_path):
    connection = store(tmp_path)
    for document in read(tmp_path)[0].values():
        for anchor in document.anchors:
            row = connection.execute("SELECT data FROM part WHERE rowid = ?", (anchor.values["record"],)).fetchone()
            assert hashlib.sha256(row[0].encode()).hexdigest()[:16] == anchor.values["sha256_16"]
    connection.close()


@pytest.mark.parametrize(
    ("sample", "results"),
    [
        ("codex/real-0.169.0", ["exit 1", "exit 0"]),
        ("codex/synthetic-legacy", ["exit 1", "exit 0"]),
        ("copilot-cli/real-1.0.102", ["exit 1"]),
        ("gemini-cli/real-0.61.0", ["exit 1", ""]),
        ("cline/real-cli-3.0.65", ["exit 1", ""]),
        ("continue/real-cli-1.5.47", ["", "error"]),
    ],
)
def test_exit_status_is_told_where_the_agent_tells_it(sample, results):
    document = next(iter(read(ALL / sample)[0].values()))
    told = [head.rstrip(":").partition(", ")[2] for head in heads(document) if head.startswith("result")]
    assert told[: len(results)] == results


def test_what_codex_says_twice_is_told_once():
    documents, _ = read(ALL / "codex")
    for document in documents.values():
        told = [head for head in heads(document) if head.startswith(("user prompt", "command", "edit"))]
        prompts = [head for head in told if head.startswith("user prompt")]
        assert len(prompts) == len(set(prompts))
        assert sum("LIMIT = 5" in line for line in text_of(document).split("\n")) <= 1


def test_codex_fork_names_what_it_was_forked_from():
    documents, _ = read(ALL / "codex/real-0.169.0")
    fork = documents["codex/01a1f837-7e9c-74a0-82b2-47e290a3d671"]
    assert "session metadata: forked_from_id 01a1f835-74d7-7d80-b8a5-64f41cd1d164" in heads(fork)


def gemini(folder, *operations):
    lines = [{"sessionId": "s", "projectHash": "p", "kind": "main"}, *operations]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "session-1.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return heads(read(folder)[0]["gemini-cli/s"])


def test_message_that_grew_is_told_as_it_finally_was(tmp_path):
    told = gemini(
        tmp_path,
        {"id": "1", "type": "user", "content": "first"},
        {"id": "2", "type": "gemini", "content": "half"},
        {"id": "3", "type": "user", "content": "second"},
        {"id": "2", "type": "gemini", "content": "half and whole"},
    )
    assert told[1:] == ["user prompt: first", "assistant: half and whole", "user prompt: second"]


def test_message_that_was_rewound_is_not_told_and_counted(tmp_path):
    told = gemini(
        tmp_path,
        {"id": "1", "type": "user", "content": "first"},
        {"id": "2", "type": "user", "content": "wrong"},
        {"$rewindTo": "2"},
        {"id": "3", "type": "user", "content": "right"},
    )
    assert told[1:] == ["user prompt: first", "user prompt: right", "totals: left out: 1 rewound message"]


def test_checkpoint_replaces_the_list_of_messages(tmp_path):
    told = gemini(
        tmp_path,
        {"id": "1", "type": "user", "content": "first"},
        {
            "$set": {
                "messages": [
                    {"id": "1", "type": "user", "content": "first"},
                    {"id": "9", "type": "gemini", "content": "x"},
                ]
            }
        },
    )
    assert told[1:] == ["user prompt: first", "assistant: x"]


def test_store_is_read_with_what_stands_only_in_its_log_and_nothing_is_written_beside_it(tmp_path):
    connection = store(tmp_path)
    connection.execute("UPDATE part SET data = replace(data, 'FIXIT', 'LATEST') WHERE data LIKE '%FIXIT%'")
    connection.commit()
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert "LATEST" not in before["opencode.db"].decode("latin-1")
    documents, _ = read(tmp_path)
    assert "LATEST: raise the limit" in whole(documents)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    connection.close()


def test_store_that_is_none_is_listed_as_unreadable(tmp_path):
    (tmp_path / "opencode.db").write_bytes(b"not a database at all" * 100)
    (tmp_path / "x.jsonl").write_text('{"role": "user", "content": "hello"}\n')
    _, fetched = read(tmp_path)
    assert [each.id for each in fetched.skipped] == ["opencode.db"]
    assert fetched.skipped[0].reason.startswith("unreadable: the store cannot be read")


def test_subagent_of_a_store_was_given_its_task_by_an_agent(tmp_path):
    store(tmp_path).close()
    side = next(each for name, each in read(tmp_path)[0].items() if name.count("/") == 2)
    assert "task given by the calling agent: SUBJOB: list the files and report." in heads(side)


def fill_home(home):
    """A home folder in which every agent has one session, of the project /home/dev/limiter."""
    for agent, (sample, place) in {
        "claude-code": ("claude-code/real-2.1.328/projects", ".claude/projects"),
        "codex": ("codex/real-0.169.0/sessions", ".codex/sessions"),
        "copilot-cli": ("copilot-cli/real-1.0.102/session-state", ".copilot/session-state"),
        "gemini-cli": ("gemini-cli/real-0.61.0/tmp", ".gemini/tmp"),
        "cline": ("cline/real-cli-3.0.65/data/sessions", ".cline/data/sessions"),
        "continue": ("continue/real-cli-1.5.47/sessions", ".continue/sessions"),
    }.items():
        assert agent in AGENTS
        shutil.copytree(ALL / sample, home / place)
    (home / ".local/share/opencode").mkdir(parents=True)
    store(home / ".local/share/opencode").close()


def test_history_of_a_project_is_told_by_all_agents_that_worked_in_it(tmp_path):
    fill_home(tmp_path)
    documents, fetched = read("", cwd=Path("/home/dev/limiter"), places=Places(tmp_path))
    assert {name.split("/")[0] for name in documents} == set(AGENTS) - {"aider"}
    assert set(fetched.facts["roots"]) == set(AGENTS) - {"aider"}
    for document in documents.values():
        root = fetched.facts["roots"][document.id.split("/")[0]]
        for anchor in document.anchors:
            if not document.id.startswith("opencode"):
                opens(root, anchor)
    assert read("codex", places=Places(tmp_path))[1].facts["sessions"] == 2
    assert len(read("all", places=Places(tmp_path))[0]) == len(documents)


def test_aider_is_found_in_the_project_itself(tmp_path):
    project = tmp_path / "project"
    (project / ".git").mkdir(parents=True)
    shutil.copy(ALL / "aider/real-0.86.2/.aider.chat.history.md", project)
    documents, _ = read("", cwd=project, places=Places(tmp_path))
    assert list(documents) == ["aider/project"]


LINES = {
    sample: [line for path in sorted((ALL / sample).rglob("*.jsonl")) for line in path.read_text().splitlines()]
    for sample in ("codex/real-0.169.0", "codex/synthetic-legacy", "copilot-cli/real-1.0.102", "gemini-cli/real-0.61.0")
}
LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.integers(), max_size=2)


@pytest.mark.parametrize("sample", LINES)
@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
def test_no_record_however_odd_makes_the_reading_fail(tmp_path, sample, data):
    lines = [json.loads(line) for line in LINES[sample]]
    target = data.draw(st.sampled_from(lines[1:]))
    while data.draw(st.booleans()):
        values = target.values() if isinstance(target, dict) else target
        inner = [value for value in values if isinstance(value, dict | list) and value]
        if not inner:
            break
        target = data.draw(st.sampled_from(inner))
    place = data.draw(st.sampled_from(sorted(target) if isinstance(target, dict) else range(len(target))))
    target[place] = data.draw(LEAVES)
    path = tmp_path / "session-x.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    for document in read(path)[0].values():
        assert not any(flag.startswith("unreadable") for flag in document.flags)


CANARY = "sk-" + "ant-" + "api03-q7W3e8R2t6Y1u9I4o5P0a8S3d7F2g6H1j5K4"


@pytest.mark.parametrize("sample", ON_FILES)
def test_canary_secret_never_reaches_a_document(tmp_path, sample):
    shutil.copytree(ALL / sample, tmp_path / "t")
    for path in (tmp_path / "t").rglob("*"):
        if path.is_file():
            path.write_text(path.read_text().replace("LIMIT = ", f"{CANARY} = ").replace("the limit", f"use {CANARY}"))
    documents, fetched = read(tmp_path / "t")
    assert CANARY not in repr(documents) + repr(fetched.facts)
    assert fetched.facts["secrets"]["anthropic"] >= 1
