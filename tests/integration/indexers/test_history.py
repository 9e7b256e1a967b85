"""Which sessions are found, on real repositories and folders, and what is said when none is."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rlm_indexers.errors import SourceError
from rlm_indexers.history import Places, load
from tests.support.transcripts import LEGACY, REAL, Session, only, opens, read, text_of

SECRET = "gh" + "p_" + "q7W3e8R2t6Y1u9I4o5P0a8S3d7F2g6H1j5K4"


def git(folder, *arguments):
    environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", *who, *arguments], cwd=folder, env=environment, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path):
    top = tmp_path / "work" / "app"
    (top / "src").mkdir(parents=True)
    git(top, "init", "-q")
    git(top, "commit", "-q", "--allow-empty", "-m", "first")
    return top


class Machine:
    """A home folder with Claude Code's transcripts in it."""

    def __init__(self, home):
        self.places = Places(home)
        self.projects = home / ".claude" / "projects"

    def session(self, cwd, name):
        slug = "".join(c if c.isalnum() else "-" for c in str(cwd))
        return Session(self.projects / slug, cwd=str(cwd), name=name).prompt(f"said in {name}")

    def names(self, cwd, where="", **options):
        documents, fetched = read(where, cwd=cwd, places=self.places, **options)
        return [each.removeprefix("claude-code/") for each in documents], fetched


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path / "home")


def test_history_means_the_sessions_of_this_repository_in_any_of_its_work_trees(machine, repository, tmp_path):
    other_tree = tmp_path / "elsewhere" / "feature"
    git(repository, "worktree", "add", "-q", str(other_tree))
    for cwd, name in (
        (repository, "top"),
        (repository / "src", "below"),
        (other_tree, "tree"),
        (other_tree / "src", "tree-below"),
        (tmp_path / "work" / "app2", "neighbour"),
        (tmp_path / "work", "above"),
    ):
        machine.session(cwd, name)
    inside = ["below", "top", "tree", "tree-below"]
    for cwd in (repository, repository / "src", other_tree):
        names, fetched = machine.names(cwd)
        assert names == inside
        assert [(each.id, each.reason) for each in fetched.skipped] == [("claude-code", "other-projects: 2 sessions")]


def test_repository_within_the_repository_is_another_project(machine, repository):
    inner = repository / "vendor" / "lib"
    inner.mkdir(parents=True)
    git(inner, "init", "-q")
    machine.session(repository, "outer")
    machine.session(inner, "inner")
    assert machine.names(repository)[0] == ["outer"]
    assert machine.names(inner)[0] == ["inner"]


def test_folder_without_a_repository_stands_for_itself(machine, tmp_path):
    plain = tmp_path / "plain"
    plain.mkdir()
    machine.session(plain / "sub", "mine")
    machine.session(tmp_path / "plain2", "not-mine")
    assert machine.names(plain)[0] == ["mine"]


def test_session_is_known_by_the_folder_it_ran_in_and_not_by_the_name_of_its_folder(machine, repository):
    machine.session(repository, "right")
    misfiled = Session(machine.projects / "-some-thing-else", cwd=str(repository), name="misfiled").prompt("x")
    lying = Session(misfiled.path.parent.parent / str(repository).replace("/", "-"), cwd="/elsewhere", name="lying")
    lying.prompt("y")
    assert machine.names(repository)[0] == ["misfiled", "right"]


def test_subagents_come_with_their_session(machine, repository):
    session = machine.session(repository, "main")
    Session(session.folder / "subagents", cwd="/elsewhere", name="agent-a1").prompt("job", isSidechain=True)
    assert machine.names(repository)[0] == ["main", "main/agent-a1"]
    with pytest.raises(SourceError, match="live-session"):
        machine.names(repository, exclude={"main"})


def test_session_that_was_swept_away_is_told_by_what_it_left(machine, repository):
    session = machine.session(repository, "swept")
    Session(session.folder / "subagents", cwd=str(repository), name="agent-a1").prompt("job", isSidechain=True)
    session.path.unlink()
    names, fetched = machine.names(repository)
    assert names == ["swept/agent-a1"]
    (skipped,) = fetched.skipped
    assert skipped.id.endswith("swept.jsonl")
    assert skipped.reason == "swept: only threads of its subagents are left"


def remember(machine, project, session, text):
    with (machine.projects.parent / "history.jsonl").open("a") as file:
        record = {"display": text, "pastedContents": {}, "timestamp": 1793613600000, "project": str(project)}
        file.write(json.dumps(record | {"sessionId": session}) + "\n")


def test_prompts_of_sessions_without_transcript_are_told_from_what_the_client_remembers(machine, repository):
    machine.session(repository, "kept")
    remember(machine, repository, "kept", "said in kept")
    remember(machine, repository, "gone", f"never touch the public API, key {SECRET}")
    remember(machine, "/elsewhere", "other", "another project")
    documents, fetched = read("", cwd=repository, places=machine.places, exclude={"live"})
    text = text_of(documents["claude-code/prompts-of-lost-sessions"])
    assert f"user prompt (session gone, in {repository}; its transcript is gone): never touch the public API" in text
    assert "said in kept" not in text
    assert "another project" not in text
    assert SECRET not in text
    assert len(documents) == 2
    (anchor,) = (each for each in documents["claude-code/prompts-of-lost-sessions"].anchors if each.line == 2)
    assert b"never touch" in opens(fetched.facts["roots"]["claude-code"], anchor)


def test_prompts_of_other_projects_are_not_told(machine, repository):
    machine.session(repository, "kept")
    remember(machine, "/elsewhere", "other", "another project")
    assert machine.names(repository)[0] == ["kept"]
    assert machine.names(repository, "all")[0] == ["kept", "prompts-of-lost-sessions"]


def test_session_that_asks_is_left_out_and_listed(machine, repository):
    machine.session(repository, "old")
    machine.session(repository, "live")
    names, fetched = machine.names(repository, exclude={"live"})
    assert names == ["old"]
    assert [each.reason for each in fetched.skipped] == ["live-session: the one that asks"]


@pytest.mark.parametrize("where", ["all", "claude-code"])
def test_every_project_is_read_only_when_that_is_asked_for(machine, repository, tmp_path, where):
    machine.session(repository, "here")
    machine.session(tmp_path / "x", "there")
    assert machine.names(repository, where)[0] == ["here", "there"]


def test_configuration_folder_may_be_elsewhere(machine, repository, tmp_path):
    machine.session(repository, "here")
    moved = tmp_path / "moved"
    shutil.move(machine.projects.parent, moved)
    machine.places = Places(tmp_path / "home", claude_config=moved)
    assert machine.names(repository)[0] == ["here"]


def test_nothing_found_says_where_was_looked_and_what_to_pass(machine, repository, tmp_path):
    with pytest.raises(SourceError, match=r"Looked in .*/\.claude/projects.*history:PATH.*history:claude-code"):
        machine.names(repository)
    machine.session(tmp_path / "x", "there")
    with pytest.raises(SourceError, match=r"for sessions that ran in .*/work/app.*other-projects: 1 sessions"):
        machine.names(repository)
    with pytest.raises(SourceError, match=r"there is no '/no/such/folder'"):
        machine.names(repository, "/no/such/folder")


@pytest.mark.parametrize("where", [REAL, REAL / "projects", REAL / "projects" / "-home-dev-limiter"])
def test_transcripts_are_found_from_any_folder_above_them(where):
    documents, fetched = read(where)
    assert len(documents) == 4
    assert fetched.facts["sessions"] == 3
    assert fetched.facts["subagents"] == 1


def test_one_transcript_brings_its_subagents():
    (main,) = REAL.rglob("4bde63a9*.jsonl")
    documents, _ = read(main)
    assert len(documents) == 2


def test_session_that_is_there_twice_is_two_documents(tmp_path):
    for copy in ("a", "b"):
        shutil.copytree(LEGACY / "projects", tmp_path / copy)
    documents, _ = read(tmp_path)
    assert "claude-code/11111111-1111-4111-8111-111111111111~2" in documents
    assert len(documents) >= 3


def test_links_and_unreadable_files_are_listed_and_not_followed(tmp_path):
    session = Session(tmp_path / "in", name="good").prompt("x")
    secret = Session(tmp_path / "out", name="secret").prompt("hidden")
    (session.path.parent / "link.jsonl").symlink_to(secret.path)
    (session.path.parent / "folder").symlink_to(secret.path.parent)
    os.mkfifo(session.path.parent / "pipe.jsonl")
    (session.path.parent / "rollout.jsonl.zst").write_bytes(b"x")
    (session.path.parent / "binary.jsonl").write_bytes(b"\x00\x01\x02" * 100)
    documents, fetched = read(tmp_path / "in")
    assert list(documents) == ["claude-code/good"]
    assert {each.id: each.reason for each in fetched.skipped} == {
        "link.jsonl": "symlink",
        "folder": "symlink",
        "pipe.jsonl": "unreadable: no regular file",
        "rollout.jsonl.zst": "compressed: unpack it with zstd -d",
        "binary.jsonl": "no-transcript: of no form that is known",
    }


def test_transcript_of_an_unknown_agent_is_not_lost(tmp_path):
    lines = [
        {"role": "user", "content": "raise the limit", "ts": "2026-11-20T10:00:00Z"},
        {"role": "assistant", "message": {"role": "assistant", "content": [{"type": "text", "text": "raised"}]}},
        {"event": "compile", "status": 3},
    ]
    (tmp_path / "x.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines) + "torn")
    text = only(tmp_path)
    assert "#2 2026-11-20T10:00:00Z record user: raise the limit" in text
    assert "record assistant: raised" in text
    assert 'record: {"event": "compile", "status": 3}' in text


def test_session_whose_first_prompt_is_very_long_is_still_in_scope(machine, repository):
    session = Session(machine.projects / "-x", cwd=str(repository), name="long")
    session.parent = None
    record = {"type": "user", "message": {"role": "user", "content": "x" * 300_000}, "uuid": "u", "parentUuid": None}
    session.raw(json.dumps(record | {"cwd": str(repository), "sessionId": "long"}) + "\n")
    assert machine.names(repository)[0] == ["long"]


def test_unchanged_transcripts_are_known_without_being_read(tmp_path, monkeypatch):
    monkeypatch.setattr(load, "_RACY", 0)
    cache = tmp_path / "cache"
    session = Session(tmp_path / "t", name="s").prompt("one")
    first = read(tmp_path / "t", cache=cache)
    second = read(tmp_path / "t", cache=cache)
    assert first[1].fingerprint
    assert second[1].fingerprint == first[1].fingerprint
    assert second[0] == first[0]
    assert second[1].facts == first[1].facts
    session.prompt("two")
    assert read(tmp_path / "t", cache=cache)[1].fingerprint != first[1].fingerprint


def test_more_at_the_end_changes_nothing_before_it(tmp_path):
    session = Session(tmp_path, name="s")
    before = ""
    for number in range(4):
        session.prompt(f"prompt {number}").says("done", response=str(number))
        text = text_of(read(tmp_path)[0]["claude-code/s"])
        events = text[: text.rindex("\n#")]
        assert events.startswith(before)
        before = events


READ_ONE = """
import re, sys
from pathlib import Path
from rlm_indexers import history
from rlm_indexers.sources import Source
fetched = history.fetch(Source("history", "history", sys.argv[1]))
(document,) = fetched.documents
print(document.flags, b"after the flood" in bytes(document.data), end=" ")
print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
"""
"""Its own peak in kB: what getrusage says begins with the peak of the process that forked it."""


@pytest.mark.slow
def test_line_of_a_hundred_megabytes_costs_no_memory(tmp_path):
    session = Session(tmp_path, name="s").prompt("before")
    with session.path.open("ab") as file:
        file.write(b'{"type":"user","message":{"content":"')
        for _ in range(100):
            file.write(b"x" * 1_000_000)
        file.write(b'"}}\n')
    session.prompt("after the flood")
    path = os.pathsep.join(each for each in sys.path if each)
    done = subprocess.run(
        [sys.executable, "-c", READ_ONE, str(session.path)], env={"PYTHONPATH": path}, capture_output=True, check=True
    )
    *told, peak = done.stdout.decode().rsplit(None, 1)
    assert told == ["('oversize-records:1',) True"]
    assert int(peak) < 250_000


def test_nothing_is_written_where_the_transcripts_are(tmp_path):
    shutil.copytree(REAL, tmp_path / "t")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "t").rglob("*")}
    read(tmp_path / "t", cache=tmp_path / "cache")
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "t").rglob("*")} == before
    assert Path(tmp_path / "cache" / "redaction.key").is_file()
