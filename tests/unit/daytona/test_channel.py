"""A channel believes a bridge no further than our own bridge would go."""

import asyncio

import pytest

from rlm_sandbox.daytona.channel import HELD_BYTES, CloudChannel
from rlm_sandbox.daytona.inside.stream import DATA, END, LINE_BYTES, RESUME, Stream
from rlm_sandbox.daytona.line import TerminalLine
from rlm_sandbox.daytona.patience import Patience

PREFIX = b"0123456789ab"


@pytest.fixture
def channel() -> CloudChannel:
    """One whose line was never opened; what it hears is said by the test."""
    return CloudChannel(TerminalLine(None, "t", "c", PREFIX.decode()), PREFIX, Patience())


def test_what_a_bridge_says_is_received_in_order_and_then_the_end(channel: CloudChannel) -> None:
    far = Stream(PREFIX)

    async def run() -> list[bytes]:
        channel._hear(b"stray\n" + far.say(DATA, b"one") + far.say(DATA, b"two") + far.say(END, b"exit code 3"))
        return [await channel.receive(), await channel.receive()]

    assert asyncio.run(run()) == [b"onetwo", b""]
    assert asyncio.run(channel.epitaph()) == "exit code 3"


def test_a_flood_beyond_the_window_ends_the_channel(channel: CloudChannel) -> None:
    far = Stream(PREFIX)
    for _ in range(HELD_BYTES // LINE_BYTES):
        channel._hear(far.say(DATA, b"x" * LINE_BYTES))
    assert not channel.over
    channel._hear(far.say(DATA, b"x" * LINE_BYTES) + far.say(DATA, b"x" * LINE_BYTES))
    assert channel.over
    assert channel._held < HELD_BYTES + 3 * LINE_BYTES


def test_asking_for_everything_again_and_again_ends_the_channel(channel: CloudChannel) -> None:
    far = Stream(PREFIX)
    asyncio.run(channel.send(b"x" * 100 * LINE_BYTES))
    for _ in range(100):
        channel._hear(far._line(RESUME, 0))
    assert channel.over
