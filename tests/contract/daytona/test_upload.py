"""A corpus on its way into the sandbox: only what is missing, checked inside, told in sentences."""

import hashlib
import random

import pytest

from rlm_sandbox import Blob, Preload, SandboxUnavailable
from rlm_sandbox.daytona import DaytonaProvider
from tests.contract.daytona.conftest import MakeBlob
from tests.support.daytona_emulator import DaytonaEmulator

pytestmark = pytest.mark.anyio
SHOW = Preload("show", "def setup(session):\n    return {'blob': session.blob}\n")
HASH = "import hashlib; print(hashlib.sha256(blob).hexdigest())"
PARTS = [bytes(random.Random(n).choices(b"etaoin shrdlu\n", k=300_000)) for n in range(6)]


def on_disk(blob: Blob) -> str:
    """The hash of what the session should see."""
    return hashlib.sha256(blob.path.read_bytes()).hexdigest()


async def test_a_published_blob_is_mapped_as_it_is(provider: DaytonaProvider, make_blob: MakeBlob) -> None:
    blob = make_blob(*PARTS)
    said: list[str] = []
    await provider.publish(blob, progress=said.append)
    session = await provider.open(blob, preloads=[SHOW])
    assert (await session.exec(HASH)).stdout.strip() == on_disk(blob)
    assert said[0].startswith("created the Daytona sandbox")
    assert said[-1] == "uploaded 2 of 2 MB to Daytona"


async def test_a_second_publish_moves_no_byte(
    provider: DaytonaProvider, emulator: DaytonaEmulator, make_blob: MakeBlob
) -> None:
    blob = make_blob(*PARTS)
    await provider.publish(blob)
    assert 0 < emulator.record.uploaded < blob.size  # it travelled compressed
    emulator.record.clear()
    await provider.publish(blob)
    provider._place.blobs.clear()  # as after a restart that found the sandbox again: the sandbox itself is asked
    await provider.publish(blob)
    assert emulator.record.uploaded == 0


async def test_an_edit_moves_one_segment(
    provider: DaytonaProvider, emulator: DaytonaEmulator, make_blob: MakeBlob
) -> None:
    await provider.publish(make_blob(*PARTS))
    emulator.record.clear()
    edited = make_blob(*PARTS[:3], b"edited\n" + PARTS[3], *PARTS[4:])
    await provider.publish(edited)
    assert emulator.record.uploaded < 2 * len(PARTS[3])
    assert (await (await provider.open(edited, preloads=[SHOW])).exec(HASH)).stdout.strip() == on_disk(edited)


async def test_a_truncated_upload_is_noticed_inside_and_sent_again(
    provider: DaytonaProvider, emulator: DaytonaEmulator, make_blob: MakeBlob
) -> None:
    blob = make_blob(*PARTS)
    await provider.open(None)
    for keep in (10**9, 1_000):  # the manifest arrives whole, then one segment does not
        emulator.faults.truncate_upload(keep)
    said: list[str] = []
    await provider.publish(blob, progress=said.append)
    assert "1 of 6 segments arrived damaged; sending them again" in said
    assert (await (await provider.open(blob, preloads=[SHOW])).exec(HASH)).stdout.strip() == on_disk(blob)


async def test_uploads_that_stay_damaged_are_given_up(
    provider: DaytonaProvider, emulator: DaytonaEmulator, make_blob: MakeBlob
) -> None:
    blob = make_blob(*PARTS)
    await provider.open(None)
    emulator.faults.truncate_upload(10**9)
    emulator.faults.truncate_upload(1_000, times=100)
    with pytest.raises(SandboxUnavailable, match="damaged"):
        await provider.publish(blob)


async def test_incompressible_and_repeated_segments_arrive(provider: DaytonaProvider, make_blob: MakeBlob) -> None:
    noise = random.Random(1).randbytes(200_000)
    blob = make_blob(noise, PARTS[0], noise, b"")
    await provider.publish(blob)
    assert (await (await provider.open(blob, preloads=[SHOW])).exec(HASH)).stdout.strip() == on_disk(blob)


async def test_a_blob_that_was_never_published_is_brought_by_open(
    provider: DaytonaProvider, make_blob: MakeBlob
) -> None:
    blob = make_blob(*PARTS)
    assert (await (await provider.open(blob, preloads=[SHOW])).exec(HASH)).stdout.strip() == on_disk(blob)
