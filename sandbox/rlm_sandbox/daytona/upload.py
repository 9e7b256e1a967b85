"""Brings a blob into a sandbox: only the segments that are missing, compressed, a few at a time, every hash checked."""

import asyncio
import json
import os
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from rlm_sandbox.base import Blob, Segment
from rlm_sandbox.daytona.door import Machine
from rlm_sandbox.daytona.patience import Patience
from rlm_sandbox.daytona.tools import Tools
from rlm_sandbox.errors import SandboxUnavailable

PARALLEL = 4
BATCH_BYTES = 8 * 1024 * 1024
LEVEL = 1
"""Of zlib: it keeps pace with a fast line; higher levels do not."""

ROUNDS = 3
SECONDS = 600
MB = 1_000_000

Progress = Callable[[str], None]


async def publish(blob: Blob, machine: Machine, tools: Tools, patience: Patience, progress: Progress) -> int:
    """Make the blob whole in the sandbox; returns how many bytes were sent. Raises SandboxUnavailable."""
    held = await tools.ask("held")
    if blob.sha256 in _names(held, "blobs"):
        return 0
    here = set(_names(held, "segments"))
    missing = [segment for segment in blob.segments if segment.sha256 not in here]
    uploads = Uploads(blob, machine, tools.root, patience, progress)
    await uploads.manifest()
    for _ in range(ROUNDS):
        await uploads.send(missing)
        answer = await tools.ask("assemble", blob.sha256, seconds=SECONDS)
        if answer.get("blob") == blob.sha256:
            return uploads.sent
        bad = set(_names(answer, "bad"))
        missing = [segment for segment in blob.segments if segment.sha256 in bad]
        progress(f"{len(missing)} of {len(blob.segments)} segments arrived damaged; sending them again")
    raise SandboxUnavailable(
        f"The corpus could not be brought into the Daytona sandbox: {ROUNDS} uploads were damaged."
    )


def _names(answer: dict[str, Any], key: str) -> list[str]:
    value = answer.get(key, [])
    return [str(name) for name in value] if isinstance(value, list) else []


def batches(segments: Sequence[Segment]) -> Iterator[list[Segment]]:
    """Segments in groups of about BATCH_BYTES; the same segment is sent once."""
    batch: list[Segment] = []
    for segment in {segment.sha256: segment for segment in segments}.values():
        if batch and sum(one.length for one in batch) + segment.length > BATCH_BYTES:
            yield batch
            batch = []
        batch.append(segment)
    if batch:
        yield batch


def packed(blob: Blob, segment: Segment) -> tuple[str, bytes]:
    """The file name and the bytes to send for a segment: compressed, unless that makes it larger."""
    with blob.path.open("rb") as file:
        data = os.pread(file.fileno(), segment.length, segment.offset)
    small = zlib.compress(data, LEVEL)
    return (f"{segment.sha256}.z", small) if len(small) < len(data) else (f"{segment.sha256}.raw", data)


class Uploads:
    """The uploads of one blob, and how far they are."""

    def __init__(self, blob: Blob, machine: Machine, root: str, patience: Patience, progress: Progress) -> None:
        self._blob = blob
        self._machine = machine
        self._folder = f"{root}/incoming"
        self._patience = patience
        self._progress = progress
        self.sent = 0

    async def manifest(self) -> None:
        rows = [[one.sha256, one.offset, one.length] for one in self._blob.segments]
        await self._put([(f"{self._blob.sha256}.json", json.dumps({"segments": rows}).encode())])

    async def send(self, segments: Sequence[Segment]) -> None:
        """Upload these segments, PARALLEL batches at a time."""
        total = sum(segment.length for segment in segments)
        self._done, self._total, self._told = 0, total, time.monotonic()
        free = asyncio.Semaphore(PARALLEL)
        async with asyncio.TaskGroup() as group:
            for batch in batches(segments):
                await free.acquire()
                sending = group.create_task(self._send(batch))
                sending.add_done_callback(lambda _: free.release())

    async def _send(self, batch: Sequence[Segment]) -> None:
        files = await asyncio.to_thread(lambda: [packed(self._blob, segment) for segment in batch])
        await self._put(files)
        self._done += sum(segment.length for segment in batch)
        if self._done == self._total or time.monotonic() - self._told > 1.0:
            self._told = time.monotonic()
            self._progress(f"uploaded {self._done / MB:.0f} of {self._total / MB:.0f} MB to Daytona")

    async def _put(self, files: list[tuple[str, bytes]]) -> None:
        placed = [(f"{self._folder}/{name}", data) for name, data in files]
        self.sent += sum(len(data) for _, data in files)
        await self._patience.keep_trying(lambda: self._machine.upload(placed, SECONDS))
