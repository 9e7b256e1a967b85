"""Sessions end with whoever started them, however that one ends; a lost one costs nobody else anything."""

import asyncio
import contextlib
import gc
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from rlm_sandbox import Limits, Preload, SandboxUnavailable, SessionLost
from rlm_sandbox.local import LocalProvider

ROOT = Path(__file__).parents[3]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the local sandbox is Linux's")

SERVER = """
import asyncio, sys
from rlm_sandbox.local import LocalProvider

async def main():
    provider = LocalProvider()
    sessions = [await provider.open(None) for _ in range(3)]
    deaf = "import signal; signal.pthread_sigmask(0, range(1, 65)); sum(range(10**13))"
    codes = ["while True: pass", "sum(range(10**13))", deaf]
    busy = [asyncio.create_task(session.exec(code, seconds=600)) for session, code in zip(sessions, codes)]
    await asyncio.sleep(0.2)
    print(provider._nursery.pid, *[session.pid for session in sessions], flush=True)
    await asyncio.gather(*busy)

asyncio.run(main())
"""


FORKED = SERVER.replace(
    "print(", "import os, time\n    pid = os.fork()\n    if pid == 0:\n        time.sleep(100)\n    print("
).replace("for session in sessions], flush", "for session in sessions], pid, flush")


def alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def descriptors():
    """What this process has open, by number and target; without the one that is open only for looking."""
    found = set()
    for place in list(Path("/proc/self/fd").iterdir()):
        with contextlib.suppress(FileNotFoundError):
            found.add((place.name, str(place.readlink())))
    return found


def count(folder):
    return sum(1 for _ in Path(folder).iterdir())


def links_in(folder):
    return {int(path.name): str(path.readlink()) for path in folder.iterdir()}


def wait_until(condition, what):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)  # the kernel tells nobody of the death of somebody else's child


def start_server(program=SERVER):
    process = subprocess.Popen(
        # Whoever runs the tests in the background of a shell has SIGINT ignored, and so would this process.
        [sys.executable, "-c", "import signal; signal.signal(2, signal.default_int_handler)\n" + program],
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": str(ROOT / "sandbox")},
    )
    pids = [int(word) for word in process.stdout.readline().split()]
    assert len(pids) >= 4
    assert all(map(alive, pids))
    return process, pids


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_when_the_server_is_killed_nothing_is_left_behind(number):
    process, pids = start_server()
    process.send_signal(number)
    process.wait(30)
    process.stdout.close()
    wait_until(lambda: not any(map(alive, pids)), f"still there: {[pid for pid in pids if alive(pid)]}")


def test_the_zygote_notices_the_servers_death_though_a_fork_of_it_holds_its_socket_open():
    process, pids = start_server(FORKED)
    fork = pids.pop()
    process.kill()
    process.wait(30)
    process.stdout.close()
    try:
        wait_until(lambda: not any(map(alive, pids)), "the zygote and its sessions")
        assert alive(fork)
    finally:
        os.kill(fork, signal.SIGKILL)


def test_when_the_zygote_is_killed_its_sessions_die_and_the_next_one_gets_another():
    async def run():
        provider = LocalProvider()
        session = await provider.open(None)
        await session.exec("x = 1")
        running = asyncio.create_task(session.exec("while True: pass"))
        await asyncio.sleep(0.1)
        os.kill(provider._nursery.pid, signal.SIGKILL)
        result = await asyncio.wait_for(running, 30)
        assert (result.died, result.restored) == (True, True)
        assert (await session.exec("x")).stdout == "1\n"
        await provider.close()

    asyncio.run(run())


def test_sessions_outlive_the_thread_that_opened_them():
    """PR_SET_PDEATHSIG follows the thread that forked: here it is the zygote's only one, never one of ours."""

    async def run():
        provider = LocalProvider()
        loop = asyncio.get_running_loop()
        opened = []

        def in_a_thread_of_its_own():
            opened.append(asyncio.run_coroutine_threadsafe(provider.open(None), loop).result(30))

        thread = threading.Thread(target=in_a_thread_of_its_own)
        thread.start()
        await asyncio.to_thread(thread.join)
        for _ in range(3):
            await asyncio.to_thread(threading.Event().wait, 0.05)
            assert (await opened[0].exec("1")).stdout == "1\n"
        await provider.close()

    asyncio.run(run())


def test_of_two_hundred_sessions_half_of_them_killed_none_is_left():
    async def run():
        provider = LocalProvider()
        pids = []
        for batch in range(10):
            sessions = await asyncio.gather(*(provider.open(None) for _ in range(20)))
            pids += [session.pid for session in sessions]
            for session in sessions[::2]:
                os.kill(session.pid, signal.SIGKILL)
            await asyncio.gather(*(session.close() for session in sessions))
            assert not provider._sessions, batch
        zygote = provider._nursery.pid
        children = Path(f"/proc/{zygote}/task/{zygote}/children")
        assert len(set(pids)) == 200
        wait_until(lambda: not children.read_text().split(), "children of the zygote")
        assert count(f"/proc/{zygote}/fd") < 12
        await provider.close()
        assert not any(map(alive, [zygote, *pids]))

    gc.collect()  # of other tests: what they left is not to be closed in between, nor its numbers given away again
    before = descriptors()
    asyncio.run(run())
    assert descriptors() == before


def test_a_session_that_is_killed_between_cells_is_restored_before_the_next():
    async def run():
        provider = LocalProvider()
        session = await provider.open(None)
        await session.exec("x = 41")
        os.kill(session.pid, signal.SIGKILL)
        await asyncio.to_thread(wait_until, lambda: session._link.lost, "the link's loss")
        result = await session.exec("x + 1")
        assert (result.stdout, result.died, result.restored) == ("42\n", False, True)
        await provider.close()

    asyncio.run(run())


def test_threads_left_behind_by_a_cell_are_stopped(monkeypatch):
    monkeypatch.setattr("rlm_sandbox.link.IDLE_SECONDS", 0.2)

    async def run():
        provider = LocalProvider()
        session = await provider.open(None)
        await session.exec("import threading\ndef f():\n    while True: pass\nthreading.Thread(target=f).start()")
        first = session.pid
        await asyncio.to_thread(wait_until, lambda: not alive(first), "the idle session")
        result = await session.exec("1")
        assert result.restored
        await provider.close()

    asyncio.run(run())


def test_a_thread_that_waits_does_not_stop_the_clock_of_one_that_computes():
    async def never(arguments):
        await asyncio.Event().wait()

    async def run():
        provider = LocalProvider()
        preload = Preload("names", "def setup(session): return {'call': session.call}")
        session = await provider.open(None, preloads=[preload], host_calls={"never": never})
        code = "from threading import Thread\nThread(target=call, args=('never',)).start()\nx = 1\nwhile True: pass"
        result = await asyncio.wait_for(session.exec(code, seconds=0.3), 30)
        assert (result.error.kind, result.died) == ("Timeout", False)
        await provider.close()

    asyncio.run(run())


def test_the_interpreter_says_nothing_of_where_it_runs():
    async def run():
        provider = LocalProvider()
        session = await provider.open(None)
        code = "import os, sys\nsys.argv, sys.orig_argv, sys.executable, sys.path, dict(os.environ), os.getcwd()"
        result = await session.exec(code)
        assert result.stdout == "([''], [''], '', [], {}, '/')\n"
        await provider.close()

    asyncio.run(run())


def test_a_session_that_cannot_lock_itself_is_refused_with_a_way_out():
    async def run():
        provider = LocalProvider()
        with pytest.raises(SandboxUnavailable, match=r"'limits' .* Choose another sandbox") as caught:
            await provider.open(None, limits=Limits(memory_mb=-1))
        assert "docker" in str(caught.value)
        assert not provider._sessions
        await provider.close()

    asyncio.run(run())


def test_a_provider_that_is_closed_ends_running_cells():
    async def run():
        provider = LocalProvider()
        session = await provider.open(None)
        running = asyncio.create_task(session.exec("while True: pass"))
        await asyncio.sleep(0.05)
        await provider.close()
        result = await asyncio.wait_for(running, 30)
        assert result.died
        with contextlib.suppress(SessionLost):
            await session.exec("1")
            raise AssertionError

    asyncio.run(run())


def test_a_session_has_three_null_descriptors_its_channel_and_at_most_the_map_of_its_blob():
    if os.geteuid() != 0:
        pytest.skip("a locked session's descriptors are shown to root only")

    async def run():
        provider = LocalProvider()
        session = await provider.open(None)
        links = links_in(Path(f"/proc/{session.pid}/fd"))
        await provider.close()
        return links

    links = asyncio.run(run())
    assert [links.pop(fd) for fd in (0, 1, 2)] == ["/dev/null"] * 3
    assert links.pop(3).startswith("socket:")
    assert links == {}
