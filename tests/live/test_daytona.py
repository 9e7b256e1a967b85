"""The contract against the real cloud: `DAYTONA_API_KEY=… make live`. Creates sandboxes and deletes them.

RLM_DAYTONA_API_URL chooses another cloud. What the emulator cannot say is asked here too: whether the line survives
with all network access blocked, and which layers of the runner's lock the guest's kernel offers.
"""

import os
from collections.abc import AsyncIterator

import pytest

from rlm_sandbox.daytona import DEFAULT_URL, Access, DaytonaProvider
from rlm_sandbox.testing import CHECKS, Bench, Check

KEY = os.environ.get("DAYTONA_API_KEY", "")
URL = os.environ.get("RLM_DAYTONA_API_URL", DEFAULT_URL)

pytestmark = [
    pytest.mark.live,
    pytest.mark.anyio,
    pytest.mark.skipif(not KEY, reason="needs DAYTONA_API_KEY"),
    pytest.mark.timeout(900),
]
OUTWARD = "import socket\nsocket.create_connection(('1.1.1.1', 53), timeout=5)"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def provider() -> AsyncIterator[DaytonaProvider]:
    one = DaytonaProvider(Access(KEY, URL), labels={"rlm-test": "live"}, ttl_minutes=20)
    yield one
    await one.close()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_contract(provider: DaytonaProvider, check: Check) -> None:
    async with Bench(provider) as bench:
        await check(bench)


async def test_nothing_in_the_sandbox_reaches_the_network(provider: DaytonaProvider) -> None:
    session = await provider.open(None)
    result = await session.exec(OUTWARD)
    assert result.error is not None
    machine, _ = await provider._lease.machine()
    outside = await machine.execute(f'python3 -c "{OUTWARD.replace(chr(10), ";")}"', 30)
    assert outside.code != 0


async def test_the_guest_s_kernel_offers_these_layers(provider: DaytonaProvider) -> None:
    session = await provider.open(None)
    print("the lock inside:", session.layers)
    assert {"descriptors", "limits"} <= set(session.layers)
