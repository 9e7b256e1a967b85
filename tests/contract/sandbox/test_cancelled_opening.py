"""Sessions whose opening is given up, at whatever moment, leave no process, no descriptor and no slot behind."""

import asyncio
import gc
import time
from pathlib import Path

from rlm_sandbox.local import LocalProvider


def descriptors():
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir()))


def childless(pid, seconds=20.0):
    """Whether the process has no children any more, within some seconds."""
    until = time.monotonic() + seconds
    while Path(f"/proc/{pid}/task/{pid}/children").read_text():
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def test_an_opening_that_is_cancelled_leaves_nothing_behind():
    async def scenario():
        provider = LocalProvider()
        await (await provider.open(None)).close()
        before = descriptors()
        for steps in range(100):
            opening = asyncio.create_task(provider.open(None))
            for _ in range(steps):
                await asyncio.sleep(0)
            opening.cancel()
            [outcome] = await asyncio.gather(opening, return_exceptions=True)
            if not isinstance(outcome, asyncio.CancelledError):
                await outcome.close()
        assert not provider._sessions
        assert await asyncio.to_thread(childless, provider._nursery._process.pid)
        after = descriptors()
        await provider.close()
        return before, after

    before, after = asyncio.run(scenario())
    assert after <= before + 1
