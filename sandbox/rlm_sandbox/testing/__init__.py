"""The contract as a runnable suite: what every provider must do, whatever it isolates with.

    async with Bench(provider) as bench:
        for check in CHECKS:
            await check(bench)

A check raises BrokenContract, and its docstring says what is promised. Whether a provider *holds* hostile code is not
asked here: that is the attack suite's business.
"""

from rlm_sandbox.testing import calls, cells, sessions
from rlm_sandbox.testing.bench import Bench, BrokenContract, Check, make_blob

CHECKS: tuple[Check, ...] = (
    cells.names_outlive_their_cell,
    cells.assignments_before_an_exception_survive,
    cells.a_syntax_error_is_a_result,
    cells.a_trailing_expression_is_echoed,
    cells.reserved_names_are_restored,
    cells.preloads_are_modules_with_hooks,
    cells.a_blob_is_mapped_read_only,
    cells.long_output_keeps_head_and_tail,
    cells.errors_do_not_lose_output,
    calls.a_host_call_is_answered_and_recorded,
    calls.a_host_call_fails_in_a_typed_way,
    calls.threads_of_a_cell_may_call,
    calls.waiting_for_the_host_is_not_computing,
    calls.calls_beyond_the_limit_are_refused,
    sessions.a_cell_that_takes_too_long_keeps_its_names,
    sessions.a_cell_can_be_interrupted,
    sessions.a_stubborn_cell_loses_its_process_and_the_session_is_restored,
    sessions.a_crash_is_a_result_and_the_session_is_restored,
    sessions.a_cancelled_cell_is_given_up,
    sessions.a_session_can_be_replayed,
    sessions.children_share_the_blob_and_nothing_else,
    sessions.cells_of_different_sessions_run_side_by_side,
    sessions.a_closed_session_is_over,
    sessions.a_probe_answers_in_sentences,
)
"""Each takes a fresh Bench and opens what it needs."""

__all__ = ["CHECKS", "Bench", "BrokenContract", "Check", "make_blob"]
