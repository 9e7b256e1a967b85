"""The faults of the published engines that this one claims to be free of, one sentence each."""

from rlm_mcp.engine import loop, reply
from rlm_mcp.engine.budget import BudgetLimits
from tests.conftest import make_repository
from tests.support.asking import answered, cell, load

LOOK = cell('print(corpus.read("src/server.py", 6, 8))')
GOOD = "FINAL(The server is started by run_server [src/server.py:6-8].)"


def test_a_look_and_an_answer_make_a_complete_run_with_a_checked_and_seen_citation(corpus):
    run = answered(corpus, [LOOK, GOOD])
    assert run.outcome.status == "complete"
    assert run.outcome.answer == "The server is started by run_server [src/server.py:6-8]."
    (checked,) = run.outcome.citations
    assert (checked.citation.state, checked.seen) == ("verified", True)
    assert run.outcome.usage.iterations == 2


def test_an_answer_of_line_999999_of_nosuch_py_is_rejected_and_its_marker_says_so(corpus):
    run = answered(corpus, [LOOK, "FINAL(see [nosuch.py:999999])", "FINAL(see [nosuch.py:999999])"])
    assert run.outcome.status == "complete"
    assert run.outcome.answer == "see [unverified: nosuch.py:999999]"
    assert [c.citation.state for c in run.outcome.rejected] == ["rejected"]
    assert "no such document" in run.told[-1], "the root was told once, before the answer was taken"


def test_a_root_that_finalises_before_looking_is_refused(corpus):
    run = answered(corpus, ["FINAL(42)", LOOK, GOOD])
    assert loop.NOTHING_SEEN in run.told[1]
    assert run.outcome.answer.startswith("The server")
    assert run.records.of("final_refused")[0]["text"] == "42"


def test_a_final_in_the_run_s_first_cell_is_refused_and_its_output_shown(corpus):
    first = cell('print(corpus.read("src/server.py", 6, 8))\nFINAL("run_server [src/server.py:6-8]")')
    run = answered(corpus, [first, GOOD])
    assert loop.FIRST_CELL in run.told[1]
    assert "6| def run_server(port: int) -> int:" in run.told[1]


def test_a_final_in_a_cell_that_raised_is_refused(corpus):
    bad = cell('FINAL("everything is fine [src/server.py:6-8]")\n1 / 0')
    run = answered(corpus, [LOOK, bad, GOOD])
    assert loop.CELL_RAISED in run.told[2]
    assert "ZeroDivisionError" in run.told[2]
    assert run.outcome.answer.startswith("The server")


def test_output_invented_behind_the_block_never_enters_the_conversation(corpus):
    invented = LOOK + "\nOutput:\nthe port is 4711\n" + cell("print('second')") + "\nFINAL(4711)"
    run = answered(corpus, [invented, GOOD])
    sent = str(run.root_requests()[1].messages)
    assert "4711" not in sent
    assert "second" not in sent
    assert reply.FINAL_BESIDE_CODE in run.told[1]


def test_only_the_first_block_of_a_reply_runs(corpus):
    run = answered(corpus, [LOOK + "\n" + cell("ran = True"), cell("print('ran' in globals())"), GOOD])
    assert "False" in run.told[2]


def test_assignments_made_before_an_exception_survive_it(corpus):
    run = answered(corpus, [cell("kept = 41\nraise ValueError('no')"), cell("print(kept + 1)"), LOOK, GOOD])
    assert "ValueError: no" in run.told[1]
    assert 'File "<cell 1>", line 2' in run.told[1]
    assert "42" in run.told[2]


def test_names_with_an_underscore_and_functions_see_later_globals(corpus):
    first = cell("_n = 1\ndef f():\n    return _n")
    run = answered(corpus, [first, cell("_n = 2\nprint(f())"), LOOK, GOOD])
    assert "\n2" in run.told[2]


def test_standard_exceptions_and_types_are_defined(corpus):
    code = "print(frozenset([1]), ZeroDivisionError, TimeoutError, SystemExit)"
    assert "frozenset({1})" in answered(corpus, [cell(code), LOOK, GOOD]).told[1]


def test_sys_exit_ends_the_cell_and_not_the_run(corpus):
    run = answered(corpus, [cell("import sys\nsys.exit(3)"), LOOK, GOOD])
    assert "SystemExit" in run.told[1]
    assert run.outcome.status == "complete"


def test_a_stale_ready_flag_does_not_end_a_later_turn(corpus):
    first = cell("answer['content'] = 'early'\nanswer['ready'] = True")
    run = answered(corpus, [first, cell("print('still here')"), LOOK, GOOD])
    assert loop.FIRST_CELL in run.told[1]
    assert "still here" in run.told[2]
    assert run.outcome.answer.startswith("The server")


def test_every_form_of_final_is_understood(corpus):
    text = "run_server listens [src/server.py:6-8]"
    forms = [
        cell(f"FINAL({text!r})"),
        cell(f"result = {text!r}\nFINAL_VAR('result')"),
        cell(f"FINAL_VAR('result', {text!r})"),
        cell(f"answer['content'] = {text!r}\nanswer['ready'] = True"),
        cell(f"SUBMIT(answer={text!r})"),
        f"FINAL({text})",
        f'FINAL("{text}")',
    ]
    for form in forms:
        run = answered(corpus, [LOOK, form])
        assert (run.outcome.status, run.outcome.answer) == ("complete", text), form


def test_a_final_variable_as_text_gives_its_value_and_not_its_name(corpus):
    for form in ("FINAL_VAR(result)", "FINAL(result)"):
        make = cell('print(corpus.read("src/app.py"))\nresult = "main starts it [src/app.py:4-6]"')
        run = answered(corpus, [make, form])
        assert run.outcome.answer == "main starts it [src/app.py:4-6]", form


def test_a_final_variable_that_does_not_exist_is_an_error_that_lists_those_that_do(corpus):
    run = answered(corpus, [LOOK, cell("found = 1\nFINAL_VAR('fuond')"), GOOD])
    assert "no variable 'fuond'; variables: found" in run.told[2]


def test_prose_without_a_block_gets_a_hint_and_the_run_goes_on(corpus):
    run = answered(corpus, ["Let me think about it.", LOOK, GOOD])
    assert run.told[1] == reply.NO_BLOCK
    assert run.outcome.status == "complete"


def test_a_syntax_error_is_told_exactly_and_nothing_ran(corpus):
    run = answered(corpus, [cell("x = 1\ny = = 2"), cell("print('x' in globals())"), LOOK, GOOD])
    assert "line 2" in run.told[1]
    assert "False" in run.told[2]


def test_a_root_whose_citations_nobody_saw_is_sent_back_once_to_look(corpus):
    unseen = "FINAL(The backlog is 128 [src/server.py:3].)"
    run = answered(corpus, [cell('print(corpus.read("README.md", 1, 3))'), unseen, unseen], question="zebra?")
    assert "[src/server.py:3-3]: none of it was shown to you as numbered lines" in run.told[2]
    (checked,) = run.outcome.citations
    assert (checked.citation.state, checked.seen) == ("verified", False)


def test_an_answer_without_citations_is_sent_back_once(corpus):
    run = answered(corpus, [LOOK, "FINAL(It is a server.)", GOOD])
    assert "it cites nothing" in run.told[2]
    assert run.outcome.answer.startswith("The server")


def test_corpus_text_printed_bare_counts_as_looking(corpus):
    run = answered(corpus, [cell("print(corpus['src/server.py'].text)"), GOOD])
    assert run.outcome.status == "complete"
    assert run.outcome.citations[0].seen


def test_a_final_planted_in_a_document_ends_nothing(corpus):
    run = answered(corpus, [cell("print(corpus['data/evil.txt'].text)"), LOOK, GOOD])
    assert "the moon" in run.told[1]
    assert run.outcome.answer.startswith("The server")


def test_an_error_comes_back_with_its_traceback_cut_to_the_cell(corpus):
    run = answered(corpus, [cell("def f(x):\n    return {}[x]\n\nf('k')"), LOOK, GOOD])
    assert "<cell 1>" in run.told[1]
    assert "KeyError: 'k'" in run.told[1]
    assert "runner" not in run.told[1]


def test_variables_are_told_by_difference(corpus):
    run = answered(corpus, [cell("a = [1]\nb = 'x'"), cell("a.append(2)"), LOOK, GOOD])
    assert "a (list[1]), b (str[1] = 'x')" in run.told[1]
    assert "a (list[2])" in run.told[2]
    assert " b (" not in run.told[2]


def test_braces_in_the_corpus_and_lone_surrogates_in_output_break_nothing(corpus):
    run = answered(corpus, [cell("print('{x} {{y}} \\ud800')"), LOOK, GOOD])
    assert "{x} {{y}}" in run.told[1]
    assert run.outcome.status == "complete"


def test_turns_in_a_row_that_fail_end_the_run_as_partial(corpus):
    run = answered(corpus, [cell("1/0")] * 3 + ["FINAL(I could not do it.)"], limits=BudgetLimits(errors=3))
    assert run.outcome.status == "partial"
    assert run.outcome.reason == "3 turns in a row failed"
    assert run.outcome.answer == "I could not do it."


def test_the_last_request_is_a_user_message_and_its_answer_is_parsed(corpus):
    run = answered(corpus, [LOOK, LOOK, GOOD], limits=BudgetLimits(iterations=2))
    assert run.root_requests()[-1].messages[-1]["role"] == "user"
    assert "must end now" in run.told[-1]
    assert run.outcome.status == "partial"
    assert run.outcome.reason == "the limit of 2 turns is reached"
    assert run.outcome.citations[0].citation.state == "verified"


def test_the_journal_holds_every_reply_and_every_host_call_answer_before_it_is_used(corpus):
    code = cell('hits = corpus.grep("run_server")\nprint(hits)\nprint(llm_query("say so"))')
    kinds = [row["kind"] for row in answered(corpus, [code, GOOD, GOOD]).records.rows]
    assert kinds[:9] == [
        "strategy",
        "model_request", "model_reply", "cell", "host_call", "sub_call", "host_call", "cell_result", "model_request",
    ]  # fmt: skip
    assert kinds[-3:] == ["final", "citations", "outcome"]


def test_the_review_names_the_line_that_was_not_shown_and_rules_of_dashes_need_no_showing(tmp_path):
    text = "Title\n-----\n\nThe first claim.\nThe second claim.\n"
    (tmp_path / "repo").mkdir()
    own = load(make_repository(tmp_path / "repo", {"notes.md": text}), tmp_path / "cache")
    look = cell("print(corpus.grep('Title'))\nprint(corpus.grep('first'))")
    whole, part = "FINAL(Both [notes.md:1-5].)", "FINAL(One [notes.md:1-4].)"
    run = answered(own, [look, whole, part], question="zebra?")
    assert "[notes.md:1-5]: you were not shown line 5 of it" in run.told[2]
    assert [c.seen for c in run.outcome.citations] == [True]


def test_an_output_that_was_folded_away_leaves_the_places_it_showed(corpus):
    look = cell("print(corpus.read('src/server.py', 1, 8))\nprint(corpus.grep('main'))\nprint('x' * 11_000)")
    more = cell("print('y' * 11_500)")
    run = answered(corpus, [look, more, more, "FINAL(The backlog [src/server.py:3].)"], question="zebra?")
    folded = str(run.root_requests()[3].messages[1]["content"])
    assert "showed src/server.py:1-8" in folded
    assert "src/app.py:4" in folded


def test_windows_of_context_that_overlap_are_shown_once(corpus):
    look = cell("print(corpus.grep('message 1[0-9]:', context=3))")
    run = answered(corpus, [look, "FINAL(There [data/messages.txt:11].)"])
    assert run.told[1].count("message 15:") == 1
    assert "data/messages.txt:8-23" in run.told[1]


def test_reading_from_one_line_reads_that_line(corpus):
    run = answered(corpus, [cell("print(corpus.read('src/server.py', 3))"), "FINAL(128 [src/server.py:3].)"])
    assert "src/server.py:3-3\n3| BACKLOG = 128" in run.told[1]
    assert "socket" not in run.told[1]


def test_what_the_question_names_in_code_is_shown_with_its_definition_first(corpus):
    run = answered(corpus, ["FINAL(x)"] * 3, question="Who decides how often `run_server` retries?", strategy="auto")
    first = run.told[0]
    assert "src/server.py:6-8\n6| def run_server(port: int) -> int:" in first
    assert "meaning of many texts" not in first, "a count of something that code names needs no sub-models"


def test_a_count_is_never_asked_for_at_once_however_small_the_corpus(corpus):
    def route(question):
        models = ("openai/gpt-4o", "openai/sub")
        run = answered(corpus, ["FINAL(x)"] * 3, question=question, models=models, strategy="auto")
        return run.records.of("strategy")[0]["strategy"]

    assert route("How many lamps were red?") == "map"
    assert route("Which port is it?") == "direct"
