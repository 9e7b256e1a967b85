"""What is promised about losses and interrupts, replay, and several sessions at a time."""

import asyncio

from rlm_sandbox.base import JSON, Answer, CellRecord, Limits
from rlm_sandbox.errors import SandboxError, SessionLost
from rlm_sandbox.testing.bench import (
    ENDLESS,
    HUNGRY_REGEX,
    PATIENCE_SECONDS,
    STUBBORN,
    Bench,
    BrokenContract,
    expect,
    failed,
    printed,
    run,
)


async def a_cell_that_takes_too_long_keeps_its_names(bench: Bench) -> None:
    """Pure Python, and a regex that backtracks for ever, are interrupted; the process lives on."""
    session = await bench.open()
    for number, hang in enumerate((ENDLESS, HUNGRY_REGEX, "import time\ntime.sleep(3600)")):
        result = await run(session, f"x = {number}\n{hang}\nx = None", seconds=0.5)
        expect(result.error is not None and result.error.kind == "Timeout", f"{hang!r} times out", result)
        expect(not result.died and result.state == {"x": number}, "the names are kept", result)
        expect(result.stopped_line is not None and result.stopped_line > 1, "where it stopped", result)


async def a_cell_can_be_interrupted(bench: Bench) -> None:
    """interrupt() stops a cell that waits for the host, and means nothing when none runs."""
    session = await bench.open()
    await session.interrupt()
    running = asyncio.create_task(session.exec("x = 1\nwait()\nx = 2"))
    await asyncio.wait_for(bench.waiting.wait(), PATIENCE_SECONDS)
    await session.interrupt()
    result = await asyncio.wait_for(running, PATIENCE_SECONDS)
    expect(result.error is not None and result.error.kind == "Interrupted", "it was interrupted", result)
    expect(result.state == {"x": 1} and not result.died, "the names are kept", result)


async def a_stubborn_cell_loses_its_process_and_the_session_is_restored(bench: Bench) -> None:
    """Killed after the grace; then earlier cells have run again, with the answers they got, and no live call."""
    session = await bench.open(limits=Limits(grace_seconds=0.3))
    await printed(session, "x = echo(i=1)['i']\ndef f(): return x")
    await run(session, "y = 2\n" + ENDLESS, seconds=0.2)
    code = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n" + STUBBORN
    result = await run(session, code, seconds=0.2)
    expect(result.died and result.restored, "it died and was restored", result)
    expect(result.error is not None and result.error.kind == "Timeout", "the reason", result.error)
    expect(await printed(session, "f(), y") == "(1, 2)\n", "the namespace is what it was")
    expect(bench.asked == [{"i": 1}], "nobody was asked twice", bench.asked)


async def a_crash_is_a_result_and_the_session_is_restored(bench: Bench) -> None:
    """A cell that ends its own process costs nothing but that."""
    session = await bench.open()
    await printed(session, "x = 7")
    result = await failed(session, "x = 8\nimport os\nos._exit(3)", "Died")
    expect(result.died and result.restored, "it died and was restored", result)
    expect(await printed(session, "x") == "7\n", "the cell that died has left no trace")


async def a_cancelled_cell_is_given_up(bench: Bench) -> None:
    """Cancelling exec() ends the cell; the next one finds the session as it was before."""
    session = await bench.open()
    await printed(session, "x = 1")
    running = asyncio.create_task(session.exec("x = 2\nwait()"))
    await asyncio.wait_for(bench.waiting.wait(), PATIENCE_SECONDS)
    running.cancel()
    await asyncio.wait({running}, timeout=PATIENCE_SECONDS)
    expect(await printed(session, "x") == "1\n", "x is what it was")


async def a_session_can_be_replayed(bench: Bench) -> None:
    """From records alone: the same namespace, no live host call; a record that does not fit is an error."""
    session = await bench.open()
    answer = Answer("echo", {"i": 1}, {"i": "recorded"})
    error = Answer("fail", {"what": "tea"}, error=("refused", "recorded"))
    cells = (
        CellRecord("x = echo(i=1)['i']", (answer,)),
        CellRecord("try:\n    fail(what='tea')\nexcept HostCallError as e:\n    y = e.message", (error,)),
        CellRecord("z = 1\nwhile True: z += 1", stopped_line=2),
    )
    await asyncio.wait_for(session.replay(cells), PATIENCE_SECONDS)
    expect(await printed(session, "x, y, z") == "('recorded', 'recorded', 1)\n", "the namespace")
    expect(bench.asked == [], "nobody was asked", bench.asked)
    try:
        await session.replay([CellRecord("echo(i=2)", (answer,))])
    except SessionLost:
        return
    raise BrokenContract("a cell that strays from its record is noticed")


async def children_share_the_blob_and_nothing_else(bench: Bench) -> None:
    """A child has its own names, arguments and host calls over the same bytes; it outlives nothing it needs."""
    session = await bench.open(b"shared bytes")
    await printed(session, "x = 1")

    async def other(arguments: dict[str, JSON]) -> JSON:
        return f"other {arguments['i']}"

    child = await session.child(arguments={"depth": 1}, host_calls={"echo": other})
    await failed(child, "x", "NameError")
    expect(
        await printed(child, "bytes(blob), arguments, echo(i=1)") == "(b'shared bytes', {'depth': 1}, 'other 1')\n", ""
    )
    await child.close()
    expect(await printed(session, "x, bytes(blob)") == "(1, b'shared bytes')\n", "the parent is untouched")


async def cells_of_different_sessions_run_side_by_side(bench: Bench) -> None:
    """One that waits does not hold up another; two cells in one session are refused."""
    first, second = await bench.open(), await bench.open()
    running = asyncio.create_task(first.exec("wait()"))
    await asyncio.wait_for(bench.waiting.wait(), PATIENCE_SECONDS)
    expect(await printed(second, "1") == "1\n", "the other session works")
    try:
        await first.exec("2")
    except SandboxError:
        bench.release.set()
        expect((await running).error is None, "the first cell ends well")
        return
    raise BrokenContract("a second cell in a session is refused")


async def a_closed_session_is_over(bench: Bench) -> None:
    """close() may be called again, also while a cell runs; afterwards there is no session."""
    session = await bench.open()
    running = asyncio.create_task(session.exec("wait()"))
    await asyncio.wait_for(bench.waiting.wait(), PATIENCE_SECONDS)
    await session.close()
    await session.close()
    result = await asyncio.wait_for(running, PATIENCE_SECONDS)
    expect(result.died and not result.restored, "its cell is lost", result)
    try:
        await session.exec("1")
    except SessionLost:
        return
    raise BrokenContract("a closed session refuses cells")


async def a_probe_answers_in_sentences(bench: Bench) -> None:
    """Whether it works here, how it isolates, and reasons a person can read."""
    probe = await bench.provider.probe()
    expect(probe.provider == bench.provider.name and probe.available, "it is available", probe)
    expect(probe.isolation in {"microvm", "container", "kernel-policy", "none"}, "a known isolation", probe)
    expect(bool(probe.reasons) and all(reason.endswith(".") for reason in probe.reasons), "sentences", probe)
