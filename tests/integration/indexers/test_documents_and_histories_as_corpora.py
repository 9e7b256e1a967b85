"""A folder and a history, loaded as a user loads them: what is found opens at its page, and at its record."""

import hashlib
import json
import os
from pathlib import Path

import pytest

from rlm_indexers import folder as folder_module
from rlm_indexers import history
from rlm_indexers.pack.previous import Previous
from rlm_indexers.repo import stat_cache
from rlm_indexers.sources import resolve
from rlm_indexers.store import Store
from tests.support.documents import encrypted_pdf, pdf
from tests.support.transcripts import REAL, Session


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "cache")


def test_clause_in_a_long_pdf_opens_at_its_page(store, tmp_path):
    folder = tmp_path / "contracts"
    folder.mkdir()
    pages = [[f"Clause {n}.{line} binds party {n * 7 + line}." for line in range(1, 6)] for n in range(1, 121)]
    (folder / "contract.pdf").write_bytes(pdf(pages))
    (folder / "locked.pdf").write_bytes(encrypted_pdf())
    (folder / "notes.md").write_text("# Notes\nthe limit is five\n")
    corpus = store.load(str(folder), kind="folder").corpus
    (match,) = corpus.grep("Clause 77.3 ", literal=True).matches
    origin = corpus.origin(match.span)
    assert origin["page"] == 77
    assert origin["sha256"] == hashlib.sha256((folder / "contract.pdf").read_bytes()).hexdigest()
    assert [(each.id, each.reason) for each in corpus.coverage.skipped] == [("locked.pdf", "encrypted")]
    assert corpus.coverage.indexed == 2


def test_event_of_a_history_opens_at_its_record(store):
    corpus = store.load(f"history:{REAL}").corpus
    match = corpus.grep("FAILED test_five", literal=True).matches[0]
    origin = corpus.origin(match.span)
    with (Path(corpus.facts["root"]) / origin["file"]).open("rb") as file:
        file.seek(origin["offset"])
        raw = file.read(origin["length"])
    assert hashlib.sha256(raw).hexdigest()[:16] == origin["sha256_16"]
    assert "FAILED test_five" in json.loads(raw)["message"]["content"][0]["content"]
    assert (origin["kind"], origin["role"]) == ("tool_result", "tool")


@pytest.mark.parametrize("kind", ["folder", "history"])
def test_second_load_of_what_did_not_change_is_the_same_corpus(store, tmp_path, kind):
    folder = tmp_path / "source"
    session = Session(folder, name="s").prompt("the limit is five")
    source = str(folder) if kind == "folder" else f"history:{folder}"
    first = store.load(source, kind=kind)
    again = store.load(source, kind=kind)
    assert (again.corpus.id, again.reused) == (first.corpus.id, True)
    session.prompt("and now it is six")
    changed = store.load(source, kind=kind)
    assert (changed.corpus.id == first.corpus.id, changed.reused) == (False, False)
    assert changed.corpus.grep("now it is six", literal=True).total == 1


SECRET = "gh" + "p_" + "q7W3e8R2t6Y1u9I4o5P0a8S3d7F2g6H1j5K4"


@pytest.fixture
def three_sessions(tmp_path):
    folder = tmp_path / "source"
    return folder, [Session(folder, name=name).prompt(f"said in {name}, key {SECRET}") for name in ("a", "b", "c")]


def fetched_again(folder, tmp_path, previous):
    source = resolve(f"history:{folder}", cwd=folder)
    fetched = history.fetch(source, cache=tmp_path / "cache", previous=previous and Previous(previous))
    return list(fetched.documents), fetched.facts


def test_only_the_session_that_went_on_is_read_again(store, tmp_path, three_sessions):
    folder, sessions = three_sessions
    corpus = store.load(f"history:{folder}").corpus
    sessions[1].prompt("one more")
    documents, facts = fetched_again(folder, tmp_path, corpus.pack)
    assert [type(each).__name__ for each in documents] == ["Unchanged", "SourceDocument", "Unchanged"]
    clean, clean_facts = fetched_again(folder, tmp_path, None)
    assert documents[1] == clean[1]
    assert facts == clean_facts
    assert facts["secrets"] == {"github": 3}


def test_refreshed_history_is_the_one_that_a_clean_load_gives(store, tmp_path, three_sessions):
    folder, sessions = three_sessions
    store.load(f"history:{folder}")
    sessions[2].prompt("one more")
    Session(folder, name="d").prompt("new")
    refreshed = store.load(f"history:{folder}").corpus.id
    store.evict(refreshed)
    assert store.load(f"history:{folder}").corpus.id == refreshed


@pytest.mark.parametrize("change", ["output", "fork"])
def test_session_is_read_again_when_what_lies_around_it_changes(store, tmp_path, three_sessions, change):
    folder, sessions = three_sessions
    corpus = store.load(f"history:{folder}").corpus
    if change == "output":
        (sessions[0].folder / "tool-results").mkdir(parents=True)
        (sessions[0].folder / "tool-results" / "b1.txt").write_text("late")
    else:
        copied = sessions[0].path.read_bytes().replace(b'"sessionId":"a"', b'"sessionId":"e"')
        (folder / "e.jsonl").write_bytes(copied)
    documents, _ = fetched_again(folder, tmp_path, corpus.pack)
    assert [type(each).__name__ for each in documents[:3]] == ["SourceDocument", "Unchanged", "Unchanged"]


def test_an_edit_in_a_folder_of_documents_reads_that_file_alone(store, tmp_path, monkeypatch):
    monkeypatch.setattr(stat_cache, "RESTED_NS", -60_000_000_000)
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "a.pdf").write_bytes(pdf([["Clause 1"]]))
    (folder / "closed.pdf").write_bytes(encrypted_pdf())
    for n in range(5):
        (folder / f"n{n}.md").write_text(f"# Note {n}\n")
    store.load(str(folder), kind="folder")
    (folder / "n3.md").write_text("# Another note\n")
    said: list[str] = []
    refreshed = store.load(str(folder), kind="folder", progress=said.append).corpus
    assert [each for each in said if each.endswith((".md", ".pdf"))] == ["n3.md"]
    clean = Store(tmp_path / "clean").load(str(folder), kind="folder").corpus
    assert refreshed.path.read_bytes() == clean.path.read_bytes()
    assert refreshed.coverage == clean.coverage
    assert refreshed.search("another note") == clean.search("another note")


def test_a_document_that_changes_while_it_is_read_says_so(store, tmp_path, monkeypatch):
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "a.log").write_text("one\n")
    fstat = os.fstat

    def appended(descriptor):
        status = fstat(descriptor)
        if os.path.realpath(f"/proc/self/fd/{descriptor}").endswith("a.log"):
            with (folder / "a.log").open("a") as file:
                file.write("more\n")
        return status

    monkeypatch.setattr(folder_module.os, "fstat", appended)
    assert store.load(str(folder), kind="folder").corpus.pack.document(0).flags == ("changed-while-read",)
    monkeypatch.undo()
    settled = store.load(str(folder), kind="folder").corpus
    assert settled.pack.document(0).flags == ()
    assert bytes(settled.pack.data(0)) == (folder / "a.log").read_bytes()
