"""What is promised about host calls."""

import asyncio

from rlm_sandbox.base import Answer, Limits
from rlm_sandbox.testing.bench import PATIENCE_SECONDS, Bench, expect, failed, printed, run


async def a_host_call_is_answered_and_recorded(bench: Bench) -> None:
    """JSON in, JSON out, counted, and kept in the result for a journal."""
    session = await bench.open()
    result = await run(session, "x = echo(text='naïve \U0001f600', n=[1, None, 2.5])")
    arguments = {"text": "naïve \U0001f600", "n": [1, None, 2.5]}
    expect(result.error is None and result.calls == 1, "one call", result)
    expect(result.answers == (Answer("echo", arguments, arguments),), "its record", result.answers)
    expect(result.state == {"x": arguments}, "its value", result.state)


async def a_host_call_fails_in_a_typed_way(bench: Bench) -> None:
    """HostCallError has a kind and a message. A handler's own exception is not told to the cell."""
    session = await bench.open()
    code = "try:\n    fail(what='tea')\nexcept HostCallError as error:\n    print(error.kind, '|', error.message)"
    expect(await printed(session, code) == "refused | no tea today\n", "the kind and the message")
    result = await failed(session, "crash()", "HostCallError")
    expect("hunter2" not in str(result), "the host keeps its secrets", result.error)
    await failed(session, "missing()", "HostCallError")


async def threads_of_a_cell_may_call(bench: Bench) -> None:
    """A pool of threads around a host call works, and every answer comes to the thread that asked."""
    session = await bench.open()
    code = (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "with ThreadPoolExecutor(16) as pool:\n"
        "    x = [a['i'] for a in pool.map(lambda i: echo(i=i), range(200))]\n"
        "x == list(range(200))"
    )
    expect(await printed(session, code) == "True\n", "200 calls from 16 threads")


async def waiting_for_the_host_is_not_computing(bench: Bench) -> None:
    """The time a cell waits for host calls does not count against it."""
    session = await bench.open()
    running = asyncio.create_task(session.exec("x = wait()", seconds=1.0))
    await asyncio.wait_for(bench.waiting.wait(), PATIENCE_SECONDS)
    await asyncio.sleep(1.3)
    bench.release.set()
    result = await running
    expect(result.error is None, "the cell was not interrupted", result.error)


async def calls_beyond_the_limit_are_refused(bench: Bench) -> None:
    """The cell hears of it, and the session goes on."""
    session = await bench.open(limits=Limits(calls_per_cell=10, calls_in_flight=4))
    result = await failed(session, "for i in range(12): echo(i=i)", "HostCallError")
    expect(len(bench.asked) == 10, "ten were answered", len(bench.asked))
    expect("limit" in (result.error.message if result.error else ""), "the kind", result.error)
    expect(await printed(session, "echo(i=0)") == "{'i': 0}\n", "the next cell has calls again")
