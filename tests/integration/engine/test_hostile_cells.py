"""Cells that would harm: each ends as designed, the run goes on, and the answer still comes."""

import resource

import pytest

from rlm_mcp.engine.budget import BudgetLimits
from rlm_sandbox.base import Limits
from tests.support.asking import answered, cell

LOOK = cell('print(corpus.read("src/server.py", 6, 8))')
GOOD = "FINAL(The server is started by run_server [src/server.py:6-8].)"
LIMITS = Limits(cell_seconds=1.0, grace_seconds=0.5, memory_mb=256)


def after(corpus, code, session_limits=LIMITS):
    """What the root is told after this cell; the run must then end well."""
    run = answered(corpus, [cell("kept = 7"), cell(code), cell("print('kept' in globals())"), LOOK, GOOD],
                   session_limits=session_limits)  # fmt: skip
    assert run.outcome.status == "complete"
    assert run.outcome.citations[0].citation.state == "verified"
    return run.told[2], run.told[3]


def test_fifty_megabytes_of_output_come_back_as_head_and_tail_with_the_true_size(corpus):
    after(corpus, "print('everything is imported now')")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    told, _ = after(corpus, "print('start')\nfor _ in range(50):\n    print('x' * 1_000_000)\nprint('the end')")
    assert "50,000,0" in told
    assert "start" in told
    assert "the end" in told
    assert "out[2]" in told
    assert len(told) < 14_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000, "kB added to the server"


def test_an_endless_loop_is_interrupted_and_the_namespace_kept(corpus):
    told, then = after(corpus, "while True:\n    pass")
    assert "Timeout: The cell computed for more than 1 s" in told
    assert "True" in then


def test_a_catastrophic_regex_is_ended(corpus):
    told, _ = after(corpus, "import re\nre.match(r'(a+)+$', 'a' * 64 + 'b')")
    assert "Timeout" in told


def test_four_gigabytes_are_a_memory_error(corpus):
    told, then = after(corpus, "x = bytearray(4 << 30)")
    assert "MemoryError" in told
    assert "True" in then


@pytest.mark.parametrize(
    ("code", "end"),
    [
        ("import os\nprint(os.system('id'))", "32512"),
        ("open('/etc/passwd').read()", "PermissionError"),
        ("import os\nos.listdir(os.path.expanduser('~'))", "PermissionError"),
        ("import socket\nsocket.create_connection(('127.0.0.1', 80))", "Error"),
    ],
)
def test_programs_files_and_sockets_are_out_of_reach(corpus, code, end):
    told, then = after(corpus, code)
    assert end in told
    assert "uid=" not in told
    assert "root:" not in told
    assert "True" in then


def test_a_cell_that_kills_its_process_costs_nothing_but_that_cell(corpus):
    told, then = after(corpus, "import ctypes\nctypes.string_at(0)")
    assert "The session's process was lost; its namespace is restored" in told
    assert "True" in then


def test_host_calls_with_wrong_arguments_are_refused_in_words(corpus):
    code = """
call = corpus._call
for name, arguments in [
    ("grep", {"pattern": 3, "limit": 1}),
    ("grep", {"pattern": "x", "limit": "many"}),
    ("search", {"query": "x" * 20_000, "limit": 1}),
    ("llm_query_batched", {"prompts": "no list"}),
    ("llm_query_batched", {"prompts": ["x"] * 5_000}),
    ("rlm_query", {"questions": ["a"], "spans": [[["doc", "x", 1]]]}),
    ("cite", {"place": "no place"}),
    ("turn", {"number": 99}),
    ("open", {"path": "/etc/passwd"}),
    ("__class__", {}),
]:
    try:
        print(name, call(name, **arguments))
    except Exception as error:
        print(name, error.kind)
"""
    told, _ = after(corpus, code)
    kinds = [line.split()[1] for line in told.split("\n") if line and line.split()[0] in
             ("grep", "search", "llm_query_batched", "rlm_query", "cite", "turn", "open", "__class__")]  # fmt: skip
    assert kinds == [
        "bad-argument", "bad-argument", "too-large", "bad-argument", "too-many",
        "bad-argument", "bad-argument", "no-turn", "unknown-call", "unknown-call",
    ]  # fmt: skip


def test_an_endless_run_ends_at_its_time_with_what_it_has(corpus):
    slow = cell("import time\ntime.sleep(0.4)\nprint(corpus.read('src/server.py', 6, 8))")
    run = answered(corpus, lambda asked: GOOD if "must end now" in asked.text else slow,
                   limits=BudgetLimits(seconds=1.0), session_limits=LIMITS)  # fmt: skip
    assert run.outcome.status == "partial"
    assert run.outcome.reason == "the limit of 1 s is reached"
    assert run.outcome.citations[0].citation.state == "verified"
