"""Figures of the Daytona provider over the emulator: `python tests/bench/daytona.py [MEGABYTES]`.

The emulator's sandbox is this machine, so what is measured is our own share and the distance: not the cloud's.
"""

import asyncio
import contextlib
import hashlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
# In the place of this folder, where this very file would be taken for the SDK.
sys.path[:1] = [str(ROOT), str(ROOT / "sandbox")]

from rlm_sandbox import Blob, Preload, Segment, Session  # noqa: E402
from rlm_sandbox.daytona import Access, DaytonaProvider  # noqa: E402
from tests.support.daytona_emulator import DaytonaEmulator  # noqa: E402

MB = 1_000_000
SEGMENT = 8 * MB
CALL = Preload("call", "def setup(session):\n    return {'ask': lambda **a: session.call('ask', **a)}\n")
Rows = dict[str, str]


async def echo(arguments: dict[str, Any]) -> Any:
    return arguments


async def middle(work: Callable[[], Awaitable[Any]], times: int) -> float:
    """The median time of `work` in seconds."""
    took = []
    for _ in range(times):
        start = time.perf_counter()
        await work()
        took.append(time.perf_counter() - start)
    return statistics.median(took)


def text_blob(folder: Path, megabytes: int) -> Blob:
    """Python's own library, over and over with a number between, in segments of 8 MB."""
    page = b"".join(path.read_bytes() for path in sorted(Path(os.__file__).parent.glob("*.py")))
    data = b"".join(b"%d\n%s" % (n, page) for n in range(megabytes * MB // len(page) + 1))[: megabytes * MB]
    path = folder / "blob"
    path.write_bytes(data)
    parts = [data[at : at + SEGMENT] for at in range(0, len(data), SEGMENT)]
    segments = [Segment(hashlib.sha256(part).hexdigest(), n * SEGMENT, len(part)) for n, part in enumerate(parts)]
    return Blob(path, hashlib.sha256(data).hexdigest(), len(data), tuple(segments))


@contextlib.contextmanager
def far_emulator(latency: float) -> Iterator[Access]:
    """An emulator in a process of its own, so that it takes no time of ours."""
    command = [sys.executable, "-m", "tests.support.daytona_emulator", "--latency", str(latency)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url, key = (process.stdout.readline().strip().partition("=")[2] for _ in range(2))
        try:
            yield Access(key, url)
        finally:
            process.terminate()


def trips(seconds: float, latency: float) -> str:
    return f"{seconds * 1000:.1f} ms" + (f" = {seconds / latency:.2f} round trips" if latency else "")


async def speaking(session: Session, latency: float) -> Rows:
    await session.exec("1")
    one = await middle(lambda: session.exec("1"), 30)
    many = await middle(lambda: session.exec("for n in range(10): ask(n=n)"), 10)
    return {"exec": trips(one, latency), "host call": trips((many - one) / 10, latency)}


async def starting(provider: DaytonaProvider, latency: float) -> Rows:
    rows = {"another session at once": trips(await middle(lambda: provider.open(None), 3), latency)}
    await asyncio.sleep(2)
    rows["a session, a spare runner waiting"] = trips(await middle(lambda: provider.open(None), 1), latency)
    session = await provider.open(None)

    async def sixteen() -> None:
        await asyncio.gather(*(session.child(arguments={}, host_calls={}) for _ in range(16)))

    rows["16 children"] = trips(await middle(sixteen, 1), latency)
    return rows


async def timed(access: Access, latency: float, blob: Blob) -> Rows:
    provider = DaytonaProvider(access)
    first = await middle(lambda: provider.open(None), 1)
    worked = time.process_time()
    up = await middle(lambda: provider.publish(blob), 1)
    worked = time.process_time() - worked
    again = await middle(lambda: provider.publish(blob), 1)
    session = await provider.open(blob, preloads=[CALL], host_calls={"ask": echo})
    rows = {
        "first session, import and create included": f"{first:.2f} s",
        f"upload of {blob.size / MB:.0f} MB": f"{up:.2f} s = {blob.size / MB / up:.0f} MB/s; our CPU {worked:.1f} s",
        "second publish": trips(again, latency),
    }
    rows |= await speaking(session, latency)
    rows |= await starting(provider, latency)
    rows["close"] = trips(await middle(provider.close, 1), latency)
    return rows


async def counted(blob: Blob) -> Rows:
    """What only the emulator itself can say."""
    with DaytonaEmulator(latency=0.04) as emulator:
        provider = DaytonaProvider(Access(emulator.key, emulator.url), spare=False)
        await provider.publish(blob)
        rows = {"bytes on the wire, first publish": f"{emulator.record.uploaded / MB:.1f} MB"}
        emulator.record.clear()
        await provider.publish(blob)
        rows["bytes on the wire, second publish"] = str(emulator.record.uploaded)
        session = await provider.open(blob)
        await session.exec("1")
        await asyncio.to_thread(emulator.cut_terminals)
        rows["exec across a dropped connection"] = trips(await middle(lambda: session.exec("1"), 1), 0.04)
        await provider.close()
    return rows


def main() -> None:
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    with tempfile.TemporaryDirectory() as folder:
        blob = text_blob(Path(folder), megabytes)
        columns = []
        for latency in (0.0, 0.04):
            with far_emulator(latency) as access:
                columns.append(asyncio.run(timed(access, latency, blob)))
        print("| | next door | 40 ms away |\n|---|---|---|")
        for name, value in columns[0].items():
            print(f"| {name} | {value} | {columns[1][name]} |")
        for name, value in asyncio.run(counted(blob)).items():
            print(f"| {name} | | {value} |")


if __name__ == "__main__":
    main()
