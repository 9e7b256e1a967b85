"""Cells that end well and have broken their process: the session is restored without them, and says so."""

import asyncio
import sys

import pytest

from rlm_sandbox import CellRecord, Limits
from rlm_sandbox.local import LocalProvider

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the local sandbox is Linux's")

OBJECT = "import gc, os, sys, ctypes\nrunner = next(o for o in gc.get_objects() if type(o).__name__ == '%s')\n"

AT_ONCE = {
    "the way cells are run": OBJECT % "Cells" + "runner._execute = lambda *_: os._exit(1)",
    "the parser": "import ast\nast.parse = None\nimport linecache\nlinecache.cache = None",
    "a hook on what is compiled": "import sys, os\n"
    "sys.addaudithook(lambda event, _: event == 'compile' and os._exit(3))",
    "a hook that never returns": "import sys\ndef hook(event, _):\n    while event == 'compile': pass\n"
    "sys.addaudithook(hook)",
    "readers of what is for the runner": "import os, threading\n"
    "for _ in range(8): threading.Thread(target=os.read, args=(3, 99), daemon=True).start()",
    "a lock on the interpreter": OBJECT % "Cells" + "runner._execute = lambda *_: ctypes.PyDLL(None).sleep(600)",
}
"""What the very next cell dies of, or hangs in."""

LATER = {
    "a clock": "import threading, os\nthreading.Timer(0.2, os._exit, (5,)).start()",
    "a thread that closes the channel": "import threading, os, time\n"
    "threading.Thread(target=lambda: (time.sleep(0.2), os.close(3), os._exit(0))).start()",
    "a thread that talks nonsense": "import threading, os, time\n"
    "threading.Thread(target=lambda: (time.sleep(0.2), os.write(3, b'nonsense' * 9))).start()",
    "a thread that crashes": "import threading, ctypes, time\n"
    "threading.Thread(target=lambda: (time.sleep(0.2), ctypes.string_at(0))).start()",
}
"""What ends the process a little after the cell."""

HARMLESS = {
    "a pool of threads": "from concurrent.futures import ThreadPoolExecutor\n"
    "pool = ThreadPoolExecutor(4)\nlist(pool.map(abs, range(9)))",
    "callbacks of the collector": "import gc\ngc.callbacks.append(lambda *_: 1 / 0)",
    "a function for the end": "import atexit, os\natexit.register(os._exit, 9)",
    "builtins of its own": "import builtins\nbuiltins.len = builtins.print = builtins.compile = None",
    "hooks of the tracer": "import sys\nsys.settrace(lambda *_: 1 / 0)\nsys.setprofile(lambda *_: 1 / 0)",
    "a deep stack": "import sys\nsys.setrecursionlimit(2**31 - 1)",
    "signals that are held back": "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))",
}
"""What is put right after the cell, or does nothing."""

LIMITS = Limits(cell_seconds=10, grace_seconds=0.3, memory_mb=256)


def in_session(work, limits=LIMITS):
    async def run():
        provider = LocalProvider()
        try:
            return await asyncio.wait_for(work(await provider.open(None, limits=limits)), 100)
        finally:
            await provider.close()

    return asyncio.run(run())


async def gone(session):
    """Returns when the process behind the session is lost."""
    assert not await session._link.outlives(60)


async def until_lost(session):
    """What became of the first cell that was lost: one of the next two."""
    for _ in range(2):
        result = await session.exec("z = 3", seconds=1)
        if result.died:
            break
    return result


@pytest.mark.parametrize("poison", AT_ONCE.values(), ids=AT_ONCE)
def test_a_cell_that_breaks_the_next_is_left_out_after_one_loss(poison):
    async def work(session):
        await session.exec("x = 1")
        ended = await session.exec(f"y = 2\n{poison}")
        await session.exec("z = 3") if ended.died else None
        lost = await until_lost(session)
        return ended, lost, await session.exec("x, 'y' in globals()")

    ended, lost, well = in_session(work)
    assert not ended.died
    assert (lost.died, lost.restored, lost.left_out) == (True, True, (2,))
    assert "Cell 2 was left out" in lost.error.message
    assert (well.stdout, well.died, well.restored) == ("(1, False)\n", False, False)


@pytest.mark.parametrize("poison", LATER.values(), ids=LATER)
def test_a_cell_that_breaks_its_process_later_is_left_out_before_the_next_is_run(poison):
    async def work(session):
        await session.exec("x = 1")
        await session.exec(f"y = 2\n{poison}")
        await gone(session)
        return await session.exec("x, 'y' in globals()")

    well = in_session(work)
    assert (well.stdout, well.died, well.restored, well.left_out) == ("(1, False)\n", False, True, (2,))


@pytest.mark.parametrize("code", HARMLESS.values(), ids=HARMLESS)
def test_a_cell_that_breaks_nothing_is_kept_when_another_does(code):
    async def work(session):
        await session.exec(f"x = 1\n{code}")
        lost = await session.exec("import os\nos._exit(3)")
        return lost, await session.exec("x")

    lost, well = in_session(work)
    assert (lost.died, lost.restored, lost.left_out) == (True, True, ())
    assert (well.stdout, well.died) == ("1\n", False)


def test_two_cells_that_break_their_process_are_both_left_out():
    poison = AT_ONCE["the way cells are run"]

    async def work(session):
        await session.exec("x = 1")
        await session.replay([CellRecord(poison), CellRecord("y = 2"), CellRecord(poison)])
        return await session.exec("x, y")

    well = in_session(work)
    assert (well.stdout, well.left_out) == ("(1, 2)\n", (2, 4))


def test_a_cell_that_fails_to_stop_twice_costs_no_other():
    async def work(session):
        await session.exec("x = 1")
        endless = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass"
        lost = [await session.exec(endless, seconds=0.2) for _ in range(3)]
        return lost, await session.exec("x")

    lost, well = in_session(work)
    assert [(result.died, result.left_out) for result in lost] == [(True, ())] * 3
    assert well.stdout == "1\n"


def test_threads_that_go_on_computing_are_not_started_again():
    async def work(session):
        await session.exec("x = 1")
        await session.exec(
            "y = 2\nimport threading\ndef f():\n    while True: pass\nthreading.Thread(target=f).start()"
        )
        await gone(session)
        return await session.exec("x, 'y' in globals()")

    well = in_session(work)
    assert (well.stdout, well.restored, well.left_out) == ("(1, False)\n", True, (2,))
