"""Process start → `initialize` and `tools/list` answered: wall and CPU seconds, peak memory, tokens of the tool list.

python tests/bench/startup.py [-n 20]
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.support.stdio import COMMAND, Server

TICKS = os.sysconf("SC_CLK_TCK")


def once(command: tuple[str, ...]) -> tuple[float, float, float, float, int]:
    """Seconds to tools/list, CPU seconds until then, seconds until a first call is answered, peak MB, list bytes."""
    with tempfile.TemporaryDirectory() as folder, Server(cwd=Path(folder), env={}, command=command) as server:
        server.initialize()
        tools = server.request("tools/list")["result"]["tools"]
        listed, cpu = time.monotonic() - server.started, cpu_seconds(server.process.pid)
        server.call("load_corpus", source="/nowhere")
        called = time.monotonic() - server.started
        return listed, cpu, called, peak_mb(server.process.pid), len(json.dumps(tools))


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def peak_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1000


def report(n: int) -> Iterator[str]:
    yield "| | median s | worst s | CPU s | first call answered, median s | peak MB | tools, tokens (bytes / 4) |"
    yield "|---|---|---|---|---|---|---|"
    for label, command in (("with the front", COMMAND), ("without", (*COMMAND, "--no-front"))):
        runs = [once(command) for _ in range(n)]
        listed, cpu, called, peak, size = zip(*runs, strict=True)
        yield (
            f"| {label} | {statistics.median(listed):.3f} | {max(listed):.3f} | {statistics.median(cpu):.2f} "
            f"| {statistics.median(called):.2f} | {max(peak):.0f} | {size[0] // 4} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=20)
    for line in report(parser.parse_args().n):
        print(line)


if __name__ == "__main__":
    main()
