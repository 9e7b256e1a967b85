"""An interrupted run goes on from its journal, to the same answer, and pays for nothing twice."""

import pytest

from rlm_mcp.engine import replay
from rlm_mcp.engine.following import Followed
from rlm_mcp.journal import FileJournal
from rlm_mcp.journal import read as journal_records
from tests.support import scripted_model
from tests.support.asking import Records, answered, cell

CHILD = "child of another run"
STEPS = [
    cell(
        'hits = corpus.grep("lamp", limit=40)\nprint(hits.total)\nfirst = llm_query_batched([s.text for s in hits[:4]])'
    ),
    cell('print(first[0], rlm_query("which lamp?", hits[:2]))\nprint(cite("src/server.py:3", "BACKLOG = 128"))'),
    "No block here.",
    cell('again = llm_query(["sum up", hits[4:6]])\nprint(len(first), again[:10])\nraise ValueError("on purpose")'),
    cell('print(corpus.read("data/messages.txt", 1, 2))'),
    "FINAL(The first lamp was red [data/messages.txt:1]; 128 waits [src/server.py:3-3]; [data/messages.txt:5-6].)",
]


def root(asked):
    turn = sum(message["role"] == "assistant" for message in asked.messages)
    if CHILD not in str(asked.messages[0]["content"]):
        return STEPS[min(turn, len(STEPS) - 1)]
    return cell("print(given)\nllm_query('inside')") if turn == 0 else "FINAL(red [data/messages.txt:1])"


def ask(corpus, recorded=replay.NOTHING_RECORDED, rows=()):
    records = Records([dict(row) for row in rows])
    return answered(corpus, root, lambda asked: "ok " + asked.text[:30], recorded=recorded, records=records)


@pytest.fixture(scope="module")
def whole(corpus):
    """The run when nothing goes wrong."""
    return ask(corpus)


def paid(run):
    return len(run.server.requests)


def test_a_run_cut_off_anywhere_ends_with_the_same_answer_and_pays_for_nothing_twice(corpus, whole):
    rows = whole.records.rows
    spent = [row for row in rows if row["kind"] == "model_reply" or (row["kind"] == "sub_call" and row["ok"])]
    assert paid(whole) == len(spent)
    assert {c.citation.state for c in whole.outcome.citations} == {"verified"}
    for cut in range(1, len(rows) - 1, 2):
        kept = rows[:cut]
        resumed = ask(corpus, replay.read(kept), kept)
        already = sum(row in spent for row in kept)
        assert paid(resumed) + already == len(spent), f"cut after record {cut}, {rows[cut - 1]['kind']}"
        assert resumed.outcome.answer == whole.outcome.answer
        assert resumed.outcome.citations == whole.outcome.citations, f"cut after record {cut}"
        expected, found = whole.outcome.usage, resumed.outcome.usage
        assert (found.calls, found.iterations) == (expected.calls, expected.iterations)
        assert (found.input_tokens, found.output_tokens) == (expected.input_tokens, expected.output_tokens)


def test_a_resumed_run_has_its_variables_again(corpus, whole):
    rows = whole.records.rows
    cut = next(i for i, row in enumerate(rows) if row["kind"] == "cell_result" and row["cell"] == 2) + 1
    resumed = ask(corpus, replay.read(rows[:cut]), rows[:cut])
    told = next(row for row in resumed.records.rows[cut:] if row["kind"] == "cell_result" and "again" in row["code"])
    assert told["stdout"].startswith("4 ok sum up")


def test_a_journal_of_another_cell_is_not_believed(corpus, whole):
    rows = [dict(row) for row in whole.records.rows]
    for row in rows:
        if row["kind"] == "cell_result" and not row.get("child"):
            row["code"] = "something = 'else'"
    resumed = ask(corpus, replay.read(rows[:-3]))
    assert resumed.outcome.answer == whole.outcome.answer


def test_a_run_that_fell_back_to_the_loop_is_resumed_in_the_loop(corpus):
    look, final = cell('print(corpus.read("src/server.py", 6, 8))'), "FINAL(run_server [src/server.py:6-8])"

    def reply(asked):
        if "from nothing else" in str(asked.messages[0]["content"]):
            return scripted_model.context_overflow()
        return final if len(asked.messages) > 2 else look

    options = {"strategy": "direct", "models": ("openai/gpt-4o-mini", "openai/sub")}
    whole = answered(corpus, reply, **options)
    rows = whole.records.rows
    for cut in range(1, len(rows), 3):
        resumed = answered(corpus, reply, recorded=replay.read(rows[:cut]), **options)
        assert resumed.outcome.answer == whole.outcome.answer, rows[cut - 1]
        assert resumed.outcome.strategy == "loop"


def test_a_search_that_found_nothing_is_not_asked_again_on_resuming(corpus):
    look, final = cell('print(corpus.read("src/server.py", 6, 8))'), "FINAL(run_server [src/server.py:6-8])"

    def reply(asked):
        if "from nothing else" in str(asked.messages[0]["content"]):
            return "NOT IN THIS TEXT"
        return final if len(asked.messages) > 2 else look

    whole = answered(corpus, reply, strategy="search", question="Where is run_server?")
    rows = whole.records.rows
    for cut in range(1, len(rows), 3):
        resumed = answered(corpus, reply, strategy="search", question="Where is run_server?",
                           recorded=replay.read(rows[:cut]))  # fmt: skip
        assert resumed.outcome.answer == whole.outcome.answer
        assert paid(resumed) + sum(row["kind"] == "model_reply" for row in rows[:cut]) == paid(whole)


def test_a_journal_read_back_from_its_file_resumes_too(corpus, tmp_path):
    odd = cell("print('\\ud800 \\x00 \\u2028', corpus.read('src/server.py', 6, 8))\nx = {1: 2.5}")
    steps = [odd, "FINAL(run_server [src/server.py:6-8])"]
    path = tmp_path / "journal.jsonl"
    written = FileJournal(path)
    whole = answered(corpus, steps, records=written)
    written.close()
    kept = [row for row in journal_records(path) if row["kind"] not in ("final", "citations", "outcome")]
    resumed = answered(corpus, [], recorded=replay.read(kept))
    assert resumed.outcome.answer == whole.outcome.answer
    assert paid(resumed) == 0


def test_a_question_may_follow_another_and_finds_its_variables(corpus):
    first = answered(corpus, [cell('hits = corpus.grep("lamp")\nn = len(hits)\nprint(hits[:2])'),
                              cell("1 / 0"), "FINAL(The red lamp [data/messages.txt:1])"])  # fmt: skip
    follows = Followed("Which lamp?", first.outcome.answer, replay.read(first.records.rows))
    steps = [cell("print(n, out[1][:30])"), cell("print(hits[2])"), "FINAL(Blue [data/messages.txt:3])"]
    second = answered(corpus, steps, follows=follows)
    assert "hits (Spans[90]" in second.told[0]
    assert "It was answered: The red lamp" in second.told[0]
    assert "Output of cell 3" in second.told[1]
    assert "90 data/messages.txt:1|" in second.told[1]
    assert second.outcome.citations[0].seen


def test_the_root_is_told_which_cell_broke_the_session_and_a_resumed_run_does_without_it(corpus):
    poison = "import sys, os\nsys.addaudithook(lambda event, _: event == 'compile' and os._exit(3))\nbroken = 1"
    steps = [cell("kept = 1"), cell(poison), cell("print(kept)"),
             cell("print('broken' in globals(), kept, corpus.read('data/messages.txt', 1, 2))"),
             "FINAL(Red [data/messages.txt:1])"]  # fmt: skip
    whole = answered(corpus, steps)
    rows = whole.records.rows
    assert "Cell 2 was left out: it broke the process twice; names made there are gone." in whole.told[3]
    assert "False 1" in whole.told[4]
    results = [row for row in rows if row["kind"] == "cell_result"]
    assert [row["left_out"] for row in results] == [(), (), (2,), ()]
    cells = replay.read(rows).cells("", 4)
    assert [record.code for record in cells] == [results[0]["code"], "", "", results[3]["code"]]
    cut = rows.index(results[2]) + 1
    resumed = answered(corpus, steps[3:], recorded=replay.read(rows[:cut]))
    assert resumed.outcome.answer == whole.outcome.answer
