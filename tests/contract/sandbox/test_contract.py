"""Every provider that needs no account passes the same contract; Daytona's run is in tests/contract/daytona."""

import asyncio

import pytest

from rlm_sandbox.local import LocalProvider
from rlm_sandbox.testing import CHECKS, Bench
from rlm_sandbox.unsafe import UnsafeProvider
from tests.support.plain_sandbox import PlainProvider


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("provider", [LocalProvider, UnsafeProvider, PlainProvider], ids=["local", "unsafe", "fake"])
def test_contract(provider, check):
    async def run():
        async with Bench(provider()) as bench:
            await check(bench)

    asyncio.run(run())
