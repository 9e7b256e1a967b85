"""An emulator and a provider over it, for every test of this folder."""

import hashlib
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from rlm_sandbox import Blob, Segment
from rlm_sandbox.daytona import Access, DaytonaProvider
from rlm_sandbox.daytona.patience import Patience
from tests.support.daytona_emulator import DaytonaEmulator

MakeBlob = Callable[..., Blob]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def emulator() -> Iterator[DaytonaEmulator]:
    with DaytonaEmulator() as running:
        yield running


@pytest.fixture
async def provider(emulator: DaytonaEmulator) -> AsyncIterator[DaytonaProvider]:
    """One that does not wait long, and keeps no spare runner."""
    hasty = Patience(first_wait=0.02, longest_wait=5)
    one = DaytonaProvider(Access(emulator.key, emulator.url), labels={"run": "r1"}, patience=hasty, spare=False)
    yield one
    await one.close()


@pytest.fixture
def make_blob(tmp_path: Path) -> MakeBlob:
    """A blob of these segments' bytes, as a file."""

    def make(*parts: bytes) -> Blob:
        data, segments, offset = b"".join(parts), [], 0
        for part in parts:
            segments.append(Segment(hashlib.sha256(part).hexdigest(), offset, len(part)))
            offset += len(part)
        # A name, like the hash of the hashes that the server uses; only segments are called by their own bytes.
        name = hashlib.sha256(b"name" + data).hexdigest()
        (tmp_path / name).write_bytes(data)
        return Blob(tmp_path / name, name, len(data), tuple(segments))

    return make
