"""What is promised about one cell after another: names, errors, the blob, output."""

import hashlib

from rlm_sandbox.base import Limits
from rlm_sandbox.testing.bench import Bench, expect, failed, printed, run


async def names_outlive_their_cell(bench: Bench) -> None:
    """A later cell sees earlier names, and a function sees globals that were bound after it."""
    session = await bench.open()
    await printed(session, "def f(): return y")
    await printed(session, "y = 5")
    expect(await printed(session, "f()") == "5\n", "f sees y")


async def assignments_before_an_exception_survive(bench: Bench) -> None:
    """What was bound before the line that failed is kept; the error carries the cell's own lines only."""
    session = await bench.open()
    result = await failed(session, "x = 1\ndef g():\n    return 1 / 0\ng()\nx = 2", "ZeroDivisionError")
    trace = result.error.traceback if result.error else ""
    expect("line 3, in g" in trace and "line 4" in trace and "runner" not in trace, "a cut traceback", trace)
    expect(await printed(session, "x") == "1\n", "x is kept")


async def a_syntax_error_is_a_result(bench: Bench) -> None:
    """Code that cannot be compiled runs nothing and says where."""
    session = await bench.open()
    result = await failed(session, "x = 1\nx = (", "SyntaxError")
    expect("line 2" in (result.error.traceback if result.error else ""), "the line", result.error)
    await failed(session, "x", "NameError")


async def a_trailing_expression_is_echoed(bench: Bench) -> None:
    """As in a notebook: its repr, unless it is None."""
    session = await bench.open()
    expect(await printed(session, "x = 'a'\nx") == "'a'\n", "echo")
    expect(await printed(session, "None") == "", "no echo of None")
    expect(await printed(session, "print('p')\n1 + 1") == "p\n2\n", "after what was printed")


async def reserved_names_are_restored(bench: Bench) -> None:
    """A cell may overwrite what setup() gave, and builtins, for itself; the next cell finds them as they were."""
    session = await bench.open()
    await printed(session, "echo = None\nimport builtins\nbuiltins.len = builtins.print = builtins.isinstance = None")
    expect(await printed(session, "print(len(echo(a='b')))") == "1\n", "all is back")
    await printed(session, "import sys\nsys.stdout = None\nsys.settrace(lambda *_: 1 / 0)")
    expect(await printed(session, "print(1)") == "1\n", "printing works")


async def preloads_are_modules_with_hooks(bench: Bench) -> None:
    """setup() is given the arguments; after_cell() sees the namespace, and what it returns is the result's state."""
    session = await bench.open()
    expect(await printed(session, "import helper\nhelper.__doc__ and arguments['depth']") == "0\n", "the module")
    result = await run(session, "x = [1, {'a': None}]")
    expect(result.state == {"x": [1, {"a": None}]}, "the state", result.state)
    result = await run(session, "x = object()")
    expect(result.error is None and result.state is None, "a state that is not JSON is none", result)


async def a_blob_is_mapped_read_only(bench: Bench) -> None:
    """The bytes are there, all of them, and cannot be written."""
    data = bytes(range(256)) * 5_000
    session = await bench.open(data)
    code = "import hashlib\nhashlib.sha256(blob).hexdigest(), blob.readonly, bytes(blob[255:257])"
    wanted = repr((hashlib.sha256(data).hexdigest(), True, b"\xff\x00")) + "\n"
    expect(await printed(session, code) == wanted, "the blob's bytes")
    await failed(session, "blob[0] = 1", "TypeError")
    none = await bench.open()
    expect(await printed(none, "blob is None") == "True\n", "no blob")


async def long_output_keeps_head_and_tail(bench: Bench) -> None:
    """The result shows both ends, within the limit, and the true size; `out[n]` holds what was kept."""
    session = await bench.open(limits=Limits(output_bytes=2_000, output_kept_bytes=100_000))
    result = await run(session, "print('start' + 'é' * 20_000 + 'end')")
    expect(result.stdout_bytes == 40_009, "the true size", result.stdout_bytes)
    expect(result.stdout.startswith("start") and result.stdout.endswith("end\n"), "both ends")
    expect(len(result.stdout.encode()) < 2_300 and "40,009" in result.stdout, "a marked cut", result.stdout)
    expect(await printed(session, "len(out[1])") == "20009\n", "out[1]")
    result = await run(session, "for i in range(20_000): print('x' * 99)")
    expect(result.stdout_bytes == 2_000_000, "the size of a flood", result.stdout_bytes)
    expect(await printed(session, "100_000 <= len(out[3]) < 101_000") == "True\n", "a bounded out[3]")


async def errors_do_not_lose_output(bench: Bench) -> None:
    """What was printed before the exception comes with it."""
    session = await bench.open()
    result = await failed(session, "import sys\nprint('so far', file=sys.stderr)\nraise KeyError('k')", "KeyError")
    expect(result.stdout == "so far\n", "the output", result.stdout)
