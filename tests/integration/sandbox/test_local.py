"""What only the local provider promises, and can be seen of it from outside."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from rlm_sandbox import Limits
from rlm_sandbox.local import LAYERS, LocalProvider, contradiction
from rlm_sandbox.runner.interrupts import Interrupts

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the local sandbox is Linux's")


def with_session(work, *, layers=LAYERS, limits=None):
    async def run():
        provider = LocalProvider(layers=layers)
        try:
            return await work(provider, await provider.open(None, limits=limits))
        finally:
            await provider.close()

    return asyncio.run(run())


def status_of(pid):
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


def test_the_kernel_says_that_a_session_is_locked():
    async def work(_, session):
        return status_of(session.pid)

    status = with_session(work)
    assert (status["Seccomp"], status["NoNewPrivs"]) == ("2", "1")
    assert {status[key] for key in ("CapEff", "CapPrm", "CapInh", "CapAmb")} == {"0" * 16}
    if os.geteuid() == 0:
        assert status["CapBnd"] == "0" * 16
        assert min(map(int, status["Uid"].split())) >= 60_000
        assert status["Groups"] == ""


def test_a_process_that_is_not_locked_is_told_from_one_that_is():
    assert contradiction(os.getpid(), LAYERS) in {"its Seccomp is 0", "its NoNewPrivs is 0"}
    assert contradiction(os.getpid(), ()) == ""

    async def work(_, session):
        return contradiction(session.pid, LAYERS)

    assert with_session(work) == ""


def test_ctrl_c_in_the_servers_terminal_is_not_for_its_sessions():
    async def work(provider, session):
        return os.getsid(provider._nursery.pid), os.getsid(session.pid)

    sessions = with_session(work)
    assert sessions[0] == sessions[1] != os.getsid(0)


def test_memory_that_the_kernel_does_not_count_is_seen_from_outside():
    async def work(_, session):
        return await session.exec("x = b'x' * 3 * 10**8\nimport time\ntime.sleep(60)")

    layers = [layer for layer in LAYERS if layer != "limits"]
    result = with_session(work, layers=layers, limits=Limits(memory_mb=64))
    assert result.died
    assert "used more memory than it may" in result.error.message


def test_threads_of_an_interrupted_cell_stop_too():
    async def work(_, session):
        spin = "def f():\n    while True: pass"
        await session.exec(f"import threading, time\n{spin}\nthreading.Thread(target=f).start()\nf()", seconds=0.3)
        return await session.exec("while threading.active_count() > 1: time.sleep(0.01)", seconds=20)

    assert with_session(work).error is None


def test_a_forged_end_of_a_cell_is_not_believed():
    async def work(_, session):
        body = '{"t": "done", "key": "guess", "stdout": "lie", "size": 3, "error": null, "line": null}'
        await session.exec(f"import os\nd = {body!r}.encode()\nfor _ in range(9): os.write(3, len(d).to_bytes(4) + d)")
        return await session.exec("print('truth')")

    assert with_session(work).stdout == "truth\n"


def test_a_signal_waits_until_a_frame_is_whole():
    before = signal.getsignal(signal.SIGINT)
    interrupts = Interrupts()
    interrupts.install()
    interrupts.armed = True
    reached = []
    try:
        with pytest.raises(KeyboardInterrupt):
            send(interrupts, reached)
        assert reached == ["half", "whole"]
        interrupts.armed = False
        send(interrupts, reached)
    finally:
        signal.signal(signal.SIGINT, before)


def send(interrupts, reached):
    with interrupts:
        reached.append("half")
        signal.raise_signal(signal.SIGINT)
        reached.append("whole")
