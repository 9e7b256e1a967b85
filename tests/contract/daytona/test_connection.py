"""What the connection does, and what the session sees of it: nothing, as long as its process lives."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from rlm_sandbox import Preload
from rlm_sandbox.daytona import Access, DaytonaProvider
from tests.contract.daytona.conftest import MakeBlob
from tests.support.daytona_emulator import DaytonaEmulator

pytestmark = pytest.mark.anyio
CALL = Preload("call", "def setup(session):\n    return {'ask': lambda **a: session.call('ask', **a)}\n")


class Model:
    """A host call that counts what it was asked, and may do something on the way."""

    def __init__(self) -> None:
        self.asked: Counter[Any] = Counter()
        self.meanwhile: Any = None

    async def __call__(self, arguments: dict[str, Any]) -> Any:
        self.asked[arguments["n"]] += 1
        if self.meanwhile is not None:
            await self.meanwhile()
        return arguments["n"] * 2


async def test_a_connection_dropped_during_a_host_call_is_not_noticed(
    provider: DaytonaProvider, emulator: DaytonaEmulator
) -> None:
    model = Model()
    session = await provider.open(None, preloads=[CALL], host_calls={"ask": model})
    await session.exec("kept = 1")

    async def cut() -> None:
        assert await asyncio.to_thread(emulator.cut_terminals) == 1

    model.meanwhile = cut
    result = await session.exec("print([ask(n=n) for n in range(3)], kept)")
    assert (result.stdout, result.died, result.restored) == ("[0, 2, 4] 1\n", False, False)
    assert model.asked == {0: 1, 1: 1, 2: 1}


async def test_large_frames_survive_being_cut_anywhere(provider: DaytonaProvider, emulator: DaytonaEmulator) -> None:
    async def echo(arguments: dict[str, Any]) -> Any:
        return arguments["n"]

    session = await provider.open(None, preloads=[CALL], host_calls={"ask": echo})
    for after in (0, 1, 70_000, 500_001):
        emulator.faults.cut_terminal(after)
    await asyncio.to_thread(emulator.cut_terminals)
    result = await session.exec("t = 'abc' * 500_000; print(ask(n=t) == t, ask(n=t[::-1]) == t[::-1])")
    assert (result.stdout, result.died) == ("True True\n", False)
    assert not emulator.faults.cut_after


async def test_a_sandbox_that_goes_under_us_is_replaced_and_no_call_is_paid_twice(
    provider: DaytonaProvider, emulator: DaytonaEmulator, make_blob: MakeBlob
) -> None:
    model = Model()
    blob = make_blob(b"text\n")
    session = await provider.open(blob, preloads=[CALL], host_calls={"ask": model})
    await session.exec("a = ask(n=1)")
    emulator.lose(emulator.sandboxes()[0], "error")
    result = await session.exec("print(a, ask(n=2))")
    assert result.stdout == "2 4\n" or (result.died and result.restored)
    assert (await session.exec("print(a)")).stdout == "2\n"
    assert model.asked[1] == 1
    assert [one.state for one in emulator.sandboxes()] == ["started"]


async def test_a_sandbox_lost_during_a_cell_is_replaced_and_said_so(
    provider: DaytonaProvider, emulator: DaytonaEmulator
) -> None:
    model = Model()
    session = await provider.open(None, preloads=[CALL], host_calls={"ask": model})
    await session.exec("a = ask(n=1)")

    async def lose() -> None:
        await asyncio.to_thread(emulator.lose, emulator.sandboxes()[0], "destroyed")

    model.meanwhile = lose
    lost = await session.exec("ask(n=2)")
    model.meanwhile = None
    assert (lost.died, lost.restored) == (True, True)
    assert (await session.exec("print(a)")).stdout == "2\n"
    assert model.asked == {1: 1, 2: 1}


async def test_without_terminals_a_session_s_log_carries_the_lines(
    provider: DaytonaProvider, emulator: DaytonaEmulator
) -> None:
    emulator.faults.reply("GET", "*/process/pty/create-connect", 501, times=1000)
    model = Model()
    session = await provider.open(None, preloads=[CALL], host_calls={"ask": model})
    assert (await session.exec("print(ask(n=4), len('x' * 10**6))")).stdout == "8 1000000\n"
    assert emulator.record.matching("POST", "/input")
    interrupted = await session.exec("while True: pass", seconds=0.2)
    assert interrupted.error is not None
    assert (interrupted.error.kind, interrupted.died) == ("Timeout", False)
    await session.close()


async def test_a_hang_in_c_is_interrupted_from_outside_and_names_are_kept(provider: DaytonaProvider) -> None:
    session = await provider.open(None)
    await session.exec("a = 5")
    stopped = await session.exec("import re; re.match('(a+)+$', 'a' * 50 + 'b')", seconds=0.3)
    assert stopped.error is not None
    assert stopped.error.kind == "Timeout"
    assert (await session.exec("print(a)")).stdout == "5\n"


async def test_children_share_the_sandbox_and_the_blob(
    provider: DaytonaProvider, emulator: DaytonaEmulator, make_blob: MakeBlob
) -> None:
    show = Preload("show", "def setup(session):\n    return {'blob': session.blob, 'arguments': session.arguments}\n")
    parent = await provider.open(make_blob(b"the corpus"), preloads=[show])
    emulator.record.clear()
    children = [await parent.child(arguments={"n": n}, host_calls={}) for n in range(4)]
    said = await asyncio.gather(*(child.exec("print(bytes(blob), arguments['n'])") for child in children))
    assert [one.stdout for one in said] == [f"b'the corpus' {n}\n" for n in range(4)]
    assert len(emulator.sandboxes()) == 1
    assert emulator.record.uploaded == 0


async def test_a_closed_session_leaves_no_process(provider: DaytonaProvider, emulator: DaytonaEmulator) -> None:
    sessions = [await provider.open(None) for _ in range(3)]
    box = emulator.sandboxes()[0]
    for session in sessions:
        await session.close()
    assert not provider._sessions
    async with asyncio.timeout(10):
        while box.leaders:  # noqa: ASYNC110 - it is emptied in the emulator's thread
            await asyncio.sleep(0.01)


async def test_a_spare_runner_waits_for_the_next_session(emulator: DaytonaEmulator) -> None:
    provider = DaytonaProvider(Access(emulator.key, emulator.url))
    await provider.open(None)
    await asyncio.wait_for(asyncio.shield(provider._spare), 10)
    emulator.record.clear()
    provider._wants_spare = False
    second = await provider.open(None)
    assert (await second.exec("print(1)")).stdout == "1\n"
    assert emulator.record.round_trips == 0
    await provider.close()
    assert not emulator.sandboxes()


async def test_a_flood_of_output_does_not_end_the_connection(provider: DaytonaProvider) -> None:
    session = await provider.open(None)
    for _ in range(3):
        result = await session.exec("print('x' * 20_000_000)")
        assert result.stdout_bytes == 20_000_001
        assert not result.died


async def test_much_more_than_a_window_passes_both_ways(provider: DaytonaProvider) -> None:
    async def echo(arguments: dict[str, Any]) -> Any:
        return arguments["n"]

    session = await provider.open(None, preloads=[CALL], host_calls={"ask": echo})
    result = await session.exec("t = 'abcd' * 500_000; print(sum(len(ask(n=t)) for _ in range(7)))")
    assert (result.stdout, result.died) == ("14000000\n", False)
