"""The contract of every provider, over the emulator: next door, and 40 ms away."""

import asyncio
from collections.abc import Iterator

import pytest

from rlm_sandbox.daytona import Access, DaytonaProvider
from rlm_sandbox.testing import CHECKS, Bench, Check
from tests.support.daytona_emulator import DaytonaEmulator

pytestmark = pytest.mark.anyio
AT_ONCE = 8


@pytest.fixture(scope="module")
def next_door() -> Iterator[DaytonaEmulator]:
    with DaytonaEmulator() as running:
        yield running


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_contract(next_door: DaytonaEmulator, check: Check) -> None:
    async with Bench(DaytonaProvider(Access(next_door.key, next_door.url), spare=False)) as bench:
        await check(bench)
    assert not next_door.sandboxes()


async def test_the_whole_contract_holds_40_ms_away_with_many_at_once() -> None:
    """Each check in a sandbox of its own; together, because most of their time is distance."""
    free = asyncio.Semaphore(AT_ONCE)
    with DaytonaEmulator(latency=0.04) as emulator:

        async def run(check: Check) -> None:
            async with free, Bench(DaytonaProvider(Access(emulator.key, emulator.url))) as bench:
                await check(bench)

        said = await asyncio.gather(*map(run, CHECKS), return_exceptions=True)
        broken = {check.__name__: error for check, error in zip(CHECKS, said, strict=True) if error}
        assert not broken
        assert not emulator.sandboxes()
