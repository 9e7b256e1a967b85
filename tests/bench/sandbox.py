"""The local sandbox beside its goals: starts, cells, host calls, a large blob, children, kills.

python tests/bench/sandbox.py [--gib 1]
"""

import argparse
import asyncio
import hashlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rlm_sandbox import Blob, Limits, Preload, Segment
from rlm_sandbox.local import LocalProvider

ROOT = Path(__file__).resolve().parents[2]
PRELOAD = Preload("bench", "def setup(session): return {'call': session.call, 'blob': session.blob}")
IMPORTS = "import asyncio, time; t = time.perf_counter(); import rlm_sandbox.local; print(time.perf_counter() - t)"


async def echo(arguments):
    return arguments


class Bench:
    """One provider, and figures as they come."""

    def __init__(self):
        self.provider = LocalProvider()
        self.rows = []

    def row(self, what, goal, seconds, unit="ms"):
        scale = {"ms": 1000, "s": 1}[unit]
        values = sorted(seconds)
        worst = f"{values[-1] * scale:.2f}" if len(values) > 1 else ""
        self.rows.append((what, goal, f"{statistics.median(values) * scale:.2f} {unit}", worst))

    async def open(self, blob=None):
        return await self.provider.open(
            blob, preloads=[PRELOAD], host_calls={"echo": echo}, limits=Limits(cell_seconds=60, memory_mb=512)
        )

    async def timed(self, work, count):
        times = []
        for _ in range(count):
            started = time.perf_counter()
            await work()
            times.append(time.perf_counter() - started)
        return times

    async def starts(self):
        colds = []
        for _ in range(5):
            provider = LocalProvider()
            started = time.perf_counter()
            await provider.open(None)
            colds.append(time.perf_counter() - started)
            await provider.close()
        self.row("cold start", "120 ms", colds)
        first = await self.open()
        warms = []
        for _ in range(30):
            started = time.perf_counter()
            session = await self.open()
            warms.append(time.perf_counter() - started)
            await session.close()
        self.row("warm start", "15 ms", warms)
        self.row("a cell", "1 ms", await self.timed(lambda: first.exec("1"), 300))
        await first.close()

    async def calls(self):
        session = await self.open()
        code = "import time\nfor _ in range(300): call('echo', prompt='x')"
        started = time.perf_counter()
        await session.exec(code)
        self.row("a host call", "1 ms", [(time.perf_counter() - started) / 300])
        started = time.perf_counter()
        await session.exec("p = 'x' * 1_000_000\nfor _ in range(20): call('echo', prompt=p)")
        self.row("a host call with 1 MB each way", "", [(time.perf_counter() - started) / 20])
        pool = (
            "from concurrent.futures import ThreadPoolExecutor as P\n"
            "with P(16) as p: list(p.map(lambda i: call('echo', i=i), range(200)))"
        )
        self.row("200 calls from 16 threads", "", await self.timed(lambda: session.exec(pool), 5))
        await session.close()

    async def blob(self, path, size):
        blob = Blob(path, "", size, (Segment("", 0, size),))
        first = await self.open(blob)
        await first.exec("1")
        self.row("a session over the blob", "200 ms", await self.timed(lambda: self.open(blob), 3))
        started = time.perf_counter()
        result = await first.exec("blob.obj.find(b'not there')", seconds=60)
        assert result.error is None, result
        self.row("find through the whole blob", "", [time.perf_counter() - started], "s")
        started = time.perf_counter()
        children = await asyncio.gather(*(first.child(arguments={}, host_calls={"echo": echo}) for _ in range(16)))
        self.row("16 children", "600 ms", [time.perf_counter() - started])
        await asyncio.gather(*(child.exec("blob[0], blob[-1]") for child in children))
        private = max(private_mb(child.pid) for child in children)
        self.rows.append(("private memory of a child", "15 MB", f"{private:.1f} MB", ""))

    async def kills(self):
        session = await self.open()
        deaf = "import signal\nsignal.signal(2, signal.SIG_IGN)\nwhile True: pass"
        times = await self.timed(lambda: session.exec(deaf, seconds=0.5), 3)
        self.row("a deaf cell: over its limit until killed and restored", "1000 ms + grace", [t - 0.5 for t in times])
        times = await self.timed(lambda: session.exec("while True: pass", seconds=0.5), 3)
        self.row("an endless cell: over its limit until interrupted", "1000 ms", [t - 0.5 for t in times])

    async def leftovers(self):
        pids = []
        for _ in range(10):
            sessions = await asyncio.gather(*(self.open() for _ in range(20)))
            pids += [session.pid for session in sessions]
            for session in sessions[::2]:
                os.kill(session.pid, 9)
            await asyncio.gather(*(session.close() for session in sessions))
        left = alive(pids)
        self.rows.append(("left of 200 sessions, half of them killed", "0", str(left), ""))


def alive(pids):
    return sum(Path(f"/proc/{pid}").exists() for pid in pids)


def import_seconds():
    run = [sys.executable, "-c", IMPORTS]
    environment = {"PYTHONPATH": str(ROOT / "sandbox")}
    return [float(subprocess.run(run, env=environment, capture_output=True, check=True).stdout) for _ in range(5)]


def private_mb(pid):
    """Pages that no other process shares; root may ask, others get what is anonymous."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1000
    except OSError:
        lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1000


def write_blob(folder, gib):
    path = folder / "blob"
    size = int(gib * (1 << 30))
    block = b"".join(hashlib.sha256(bytes([n])).hexdigest().encode() + b"\n" for n in range(256)) * 64
    with path.open("wb") as file:
        while file.tell() < size:
            file.write(block[: size - file.tell()])
    return path, size


async def main(gib):
    bench = Bench()
    bench.row("import of the default path, asyncio apart", "150 ms", import_seconds())
    with tempfile.TemporaryDirectory() as folder:
        path, size = write_blob(Path(folder), gib)
        await bench.starts()
        await bench.calls()
        await bench.kills()
        await bench.leftovers()
        await bench.blob(path, size)
        await bench.provider.close()
    print(
        f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}, Python {sys.version.split()[0]}, blob {gib} GiB"
    )
    for what, goal, value, worst in [("", "goal", "median", "worst"), *bench.rows]:
        print(f"{what:55} {goal:16} {value:>12} {worst:>10}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gib", type=float, default=1)
    asyncio.run(main(parser.parse_args().gib))
