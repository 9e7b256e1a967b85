"""Claude Code transcripts as documents, on what the real client wrote and on what it might."""

import json
import shutil

import pytest

from rlm_indexers.history import writer
from rlm_indexers.history.records import opened, records
from tests.support.transcripts import HEAD, LEGACY, REAL, SAMPLES, Session, heads, only, opens, read, text_of

MAIN = "claude-code/4bde63a9-0bd0-4ae2-9f45-69fb7fb83621"
FORK = "claude-code/70180879-97f2-43e9-b567-3c7add29d268"
DENIED = "claude-code/cf00e17b-b5eb-4e07-9462-2f04f67318c8"


@pytest.fixture(scope="module")
def real():
    return read(REAL)


@pytest.mark.parametrize("sample", ["real-2.1.328", "synthetic-legacy"])
def test_documents_of_a_sample_are_what_they_were(sample):
    documents, _ = read(SAMPLES / sample)
    text = "".join(f"===== {each.id} {list(each.flags)}\n{text_of(each)}" for each in documents.values())
    golden = SAMPLES / f"{sample}.golden.txt"
    assert text == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("sample", [REAL, LEGACY])
def test_every_event_opens_at_the_record_it_came_from(sample):
    documents, fetched = read(sample)
    for document in documents.values():
        lines = text_of(document).split("\n")
        for anchor in document.anchors:
            data = opens(fetched.facts["root"], anchor)
            if anchor.values["record"]:
                record = json.loads(data)
                assert lines[anchor.line - 1].startswith("#")
                assert anchor.values["uuid"] in {record.get("uuid", ""), ""}
            else:
                assert lines[anchor.line - 1].encode() == data.split(b"\n")[0]


def test_only_what_the_user_typed_is_a_user_prompt(real):
    documents, _ = real
    assert [head for head in heads(documents[MAIN]) if head.startswith("user ")] == [
        "user prompt: FIXIT: raise the limit so five calls pass. Constraint: never touch the public API.",
        "user prompt: SECOND: show me the log.",
        "user command: /compact keep the constraint",
        "user prompt: HELLO after compaction",
    ]


def test_failure_of_a_command_has_its_exit_status_and_success_claims_none(real):
    documents, _ = real
    results = [head for head in heads(documents[MAIN]) if head.startswith("result")]
    assert results[0] == "result of #4 Bash, exit 1:"
    assert results[3] == "result of #10 Bash, ok:"
    assert "result of #3 Bash, denied:" in heads(documents[DENIED])


def test_edit_is_shown_as_what_went_and_what_came(real):
    documents, _ = real
    assert "edit /home/dev/limiter/ratelimit.py with Edit:\n-LIMIT = 3\n+LIMIT = 5\n" in text_of(documents[MAIN])


def test_output_too_large_for_the_transcript_is_read_from_beside_it(real):
    documents, fetched = real
    text = text_of(documents[MAIN])
    assert "row 6000 value 42000 status ok" in text
    assert "persisted-output" not in text
    (anchor,) = (each for each in documents[MAIN].anchors if "tool-results" in each.values["file"])
    assert opens(fetched.facts["root"], anchor).startswith(b"row 1 value 7")


def test_fork_does_not_repeat_what_its_original_holds(real):
    documents, _ = real
    fork = heads(documents[FORK])
    assert fork[1] == f"24 copied records, not repeated here: they stand in {MAIN}"
    assert fork[2] == "user prompt: SECOND: forked look at the log."
    assert "FIXIT" not in text_of(documents[FORK])
    assert f"forked from {MAIN}" in fork[0]
    assert f"its beginning was copied into {FORK}" in heads(documents[MAIN])[0]


def test_fork_alone_tells_everything(tmp_path):
    shutil.copy(next((REAL / "projects").glob(f"*/{FORK.split('/')[1]}.jsonl")), tmp_path)
    assert "FIXIT: raise the limit" in only(tmp_path)


def test_subagent_and_its_session_name_each_other(real):
    documents, _ = real
    thread = documents[f"{MAIN}/agent-ad169465c6f804dbb"]
    assert f"subagent's thread: {thread.id}" in text_of(documents[MAIN])
    assert f"subagent of {MAIN}" in heads(thread)[0]
    assert "task given by the calling agent: SUBJOB: list the files and report." in heads(thread)
    assert not any(head.startswith("user ") for head in heads(thread))


def test_side_thread_between_the_lines_of_an_old_session_stands_apart():
    documents, _ = read(LEGACY / "projects")
    main, side = documents.values()
    assert side.id == f"{main.id}/sidechain-001"
    assert heads(side)[1:] == ["task given by the calling agent: list files", "assistant (model-x): two files"]
    assert not any(head.startswith("task given") for head in heads(main))


def test_going_back_to_an_earlier_prompt_is_told():
    documents, _ = read(LEGACY / "projects")
    (back,) = (head for head in heads(next(iter(documents.values()))) if "going back" in head)
    assert back.startswith("user prompt (after going back to #3: what lies between was left): Try again")


def test_compaction_summary_is_nobodys_word(real):
    documents, _ = real
    text = text_of(documents[MAIN])
    assert "compaction boundary (manual trigger, 4369 tokens before)" in text
    assert "compaction summary (made by the client, not said by the user): This session" in text


def test_tokens_are_counted_once_per_response(tmp_path):
    session = Session(tmp_path).prompt("go")
    session.says("one", response="a").says("two", response="a").says("three", response="b")
    assert "totals: 2 model responses (20 input_tokens, 10 output_tokens" in only(tmp_path)


def test_what_is_left_out_is_counted(real):
    documents, _ = real
    totals = heads(documents[MAIN])[-1]
    assert "4 attachment prompt_snapshot" in totals
    assert "1 thinking" in totals
    assert "12 api-request" in totals
    assert "vendor prompt text" not in text_of(documents[MAIN])


def test_prompt_that_was_queued_and_never_sent_is_told(tmp_path):
    session = Session(tmp_path).prompt("first").says("working")
    for text, sent in (("second", True), ("third", False)):
        queued = {"type": "queue-operation", "operation": "enqueue", "sessionId": session.id, "content": text}
        session.raw(json.dumps(queued) + "\n")
        if sent:
            session.raw(json.dumps(queued | {"operation": "dequeue"}) + "\n").prompt(text)
    text = only(tmp_path)
    assert "queued prompt, never sent: third" in text
    assert text.count("second") == 1


def test_prompt_typed_while_the_agent_worked_is_told(tmp_path):
    attachment = {"type": "queued_command", "prompt": "and mind the tests", "commandMode": "prompt"}
    Session(tmp_path).prompt("go").says("working").record("attachment", attachment=attachment)
    assert "user prompt (typed while the agent worked): and mind the tests" in only(tmp_path)


@pytest.mark.parametrize(
    ("text", "values", "head"),
    [
        ("<task-notification>done</task-notification>", {}, "notification (not typed by the user): <task"),
        ("hello", {"turnOrigin": "task_notification"}, "notification (not typed by the user): hello"),
        ("caveat", {"isMeta": True}, "injected by the client (not typed by the user): caveat"),
        ("<bash-input>ls -l</bash-input>", {}, "user shell command: ls -l"),
        ("<bash-stdout>x</bash-stdout>", {}, "injected by the client"),
        ("[Request interrupted by user]", {}, "user interrupted the agent"),
        ("summary", {"isCompactSummary": True}, "compaction summary (made by the client"),
        ("hello", {"turnOrigin": "teleport"}, "user prompt (origin: teleport): hello"),
        ("<system-reminder>x</system-reminder>\nreal words", {}, "user prompt: real words"),
        ("I wrote <command-name> myself", {}, "user prompt: I wrote <command-name> myself"),
    ],
)
def test_words_in_the_users_name_are_told_apart(tmp_path, text, values, head):
    Session(tmp_path).prompt(text, **values)
    (document,) = read(tmp_path)[0].values()
    assert any(each.startswith(head) for each in heads(document))
    if not head.startswith("user prompt"):
        assert not any(each.startswith("user prompt") for each in heads(document))


@pytest.mark.parametrize(
    ("text", "error", "values", "status"),
    [
        ("Exit code 127\nno such command", True, {}, ", exit 127"),
        ("Error: Exit code 2", True, {}, ", exit 2"),
        ("something broke", True, {}, ", error"),
        ("Exit code 1 is what it printed", False, {}, ", ok"),
        ("Exit code 1 is what it printed", None, {}, ""),
        ("", False, {"toolUseResult": {"interrupted": True}}, ", interrupted"),
        ("The user doesn't want to proceed with this tool use.", True, {}, ", denied"),
    ],
)
def test_status_of_a_command_is_known_or_not_claimed(tmp_path, text, error, values, status):
    Session(tmp_path).prompt("go").calls("Bash", command="x").answers(text, error=error, **values)
    (document,) = read(tmp_path)[0].values()
    assert any(head.rstrip(":") == f"result of #3 Bash{status}" for head in heads(document))


def test_calls_of_tools_show_their_arguments(tmp_path):
    session = Session(tmp_path).prompt("go")
    session.calls("Write", file_path="a.py", content="one\ntwo")
    session.calls("MultiEdit", file_path="b.py", edits=[{"old_string": "x", "new_string": "y"}, {"new_string": "z"}])
    session.calls("Grep", pattern="a.*b", path="src", options={"deep": True})
    text = only(tmp_path)
    assert "edit a.py with Write:\n+one\n+two\n" in text
    assert "edit b.py with MultiEdit:\n-x\n+y\n+z\n" in text
    assert 'tool call Grep:\npattern: a.*b\npath: src\noptions: {"deep": true}\n' in text


def spilled(tmp_path, name, content=None):
    """What is shown of an output whose transcript says it was saved under this path."""
    session = Session(tmp_path / "project").prompt("go").calls("Bash", command="x")
    used = {"stdout": "what the client kept of it", "persistedOutputPath": name}
    session.answers("<persisted-output>\nOutput too large. Full output saved to: x\n", error=False, toolUseResult=used)
    (session.folder / "tool-results").mkdir(parents=True)
    if content is not None:
        (session.folder / "tool-results" / "b1.txt").write_text(content)
    return only(tmp_path / "project")


def test_spilled_output_that_is_gone_is_told_with_what_is_left(tmp_path):
    text = spilled(tmp_path, "/elsewhere/tool-results/b1.txt")
    assert "what the client kept of it" in text or "Output too large" in text
    assert "[cut by the client; its file b1.txt is not there]" in text


def test_spilled_output_is_found_wherever_the_transcripts_were_moved_to(tmp_path):
    assert "the whole" in spilled(tmp_path, "/elsewhere/tool-results/b1.txt", "the whole\noutput\n")


@pytest.mark.parametrize("name", ["../../../../secret.txt", "/x/..", "..", "secret.txt", "b2.txt"])
def test_spilled_output_is_read_from_its_folder_and_from_nowhere_else(tmp_path, name):
    (tmp_path / "secret.txt").write_text("outside")
    folder = tmp_path / "project"
    session = Session(folder, name="s")
    (session.folder / "tool-results").mkdir(parents=True)
    (session.folder / "tool-results" / "b2.txt").symlink_to(tmp_path / "secret.txt")
    session.prompt("go").calls("Bash", command="x")
    session.answers("preview", error=False, toolUseResult={"persistedOutputPath": name})
    assert "outside" not in only(folder)


def test_last_line_that_is_being_written_is_left_for_the_next_load(tmp_path):
    session = Session(tmp_path).prompt("whole")
    session.raw('{"parentUuid":null,"type":"user","mess')
    (document,) = read(tmp_path)[0].values()
    assert "whole" in text_of(document)
    assert document.flags == ("torn-last-line",)


def test_damaged_line_loses_only_itself(tmp_path):
    session = Session(tmp_path).prompt("before")
    session.raw(b"\xff\x00 not json\n").raw("[1, 2]\n").raw("\n").prompt("after")
    (document,) = read(tmp_path)[0].values()
    assert document.flags == ("unreadable-records:2",)
    assert [head.partition(":")[0] for head in heads(document)[1:5]] == [
        "user prompt",
        "a record that cannot be read",
        "a record that cannot be read",
        "user prompt",
    ]


def test_line_above_the_limit_is_passed_over_and_the_next_one_is_found(tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_bytes(b"short\n" + b"x" * 5000 + b"\nnext\n\n" + b"y" * 3000)
    with path.open("rb") as file:
        found = list(records(opened(file), oversize=1000))
    assert [(each.number, each.offset, each.length, each.data, each.whole) for each in found] == [
        (1, 0, 5, b"short", True),
        (2, 6, 5000, b"", True),
        (3, 5007, 4, b"next", True),
        (5, 5013, 3000, b"", False),
    ]


def test_what_is_appended_while_reading_waits_for_the_next_load(tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_bytes(b"one\n")
    with path.open("rb") as file:
        source = opened(file)
        path.write_bytes(b"one\ntwo\n")
        assert [each.data for each in records(source)] == [b"one"]


def test_record_of_an_unknown_kind_is_kept_and_counted(tmp_path):
    Session(tmp_path).prompt("go").record("telepathy", thought="the limit is five")
    (document,) = read(tmp_path)[0].values()
    assert "record of an unknown kind (telepathy)" in text_of(document)
    assert "the limit is five" in text_of(document)
    assert document.flags == ("unknown-records:1",)


def test_long_session_goes_on_in_a_second_document(tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "PART_BYTES", 1000)
    monkeypatch.setattr(writer, "_BATCH", 500)
    session = Session(tmp_path, name="long")
    for number in range(40):
        session.prompt(f"prompt {number} " + "words " * 10)
    Session(tmp_path, name="long-too").prompt("x")
    documents, fetched = read(tmp_path)
    parts = [each for each in documents.values() if each.id.startswith("claude-code/long.part")]
    assert parts
    whole = "".join(text_of(each) for each in [documents["claude-code/long"], *parts])
    assert [int(number) for number, _, _ in HEAD.findall(whole)] == list(range(1, 43))
    for anchor in parts[0].anchors:
        opens(fetched.facts["root"], anchor)
