"""Engine time per iteration, child start, and fan-out: what the engine itself adds, beside the bare client.

`python tests/bench/engine.py` prints a table. The models answer at once and in this process, so that what is timed
between two requests of the root is the engine, the session and the journal, and nothing else.
"""

import argparse
import asyncio
import gc
import hashlib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rlm_indexers.corpus import CorpusInfo, Coverage, SourceDocument
from rlm_indexers.pack.writer import PackWriter, map_pack
from rlm_mcp.engine.ask import ask
from rlm_mcp.engine.budget import BudgetLimits
from rlm_mcp.journal import FileJournal
from rlm_mcp.models.base import NO_USAGE, Price, Reply, Request, Usage
from rlm_mcp.models.calls import Calls
from rlm_sandbox.local import LocalProvider

LINE = b"%08d the quick brown fox jumps over the lazy dog and runs away\n"


class InstantModel:
    """Answers at once; notes when it was asked and when it answered."""

    window: int | None = 200_000
    address = "here"

    def __init__(self, name: str, script: Callable[[int, Request], str]) -> None:
        self.name = name
        self._script = script
        self.asked: list[float] = []
        self.answered: list[float] = []

    async def complete(self, request: Request) -> Reply:
        self.asked.append(time.perf_counter())
        text = self._script(len(self.asked) - 1, request)
        self.answered.append(time.perf_counter())
        return Reply(text, NO_USAGE, self.name, "stop", 0.0)

    def price(self) -> Price | None:
        return Price(0.0, 0.0)

    def estimate(self, request: Request) -> Usage:
        return NO_USAGE

    async def close(self) -> None:
        return

    def gaps(self) -> list[float]:
        """Milliseconds from each answer to the next question."""
        pairs = zip(self.answered[1:-1], self.asked[2:], strict=True)
        return [1000 * (after - before) for before, after in pairs]


class PlainCorpus:
    """A pack of made-up lines, without a search index."""

    def __init__(self, folder: Path, megabytes: int) -> None:
        self.path = folder / f"pack-{megabytes}"
        with PackWriter(self.path) as writer:
            lines = 0
            for document in documents(megabytes):
                writer.add(document)
                lines += document.data.count(b"\n")
            self.id, self.segments = writer.finish({"name": "plain", "kind": "folder", "facts": {}})
        self.pack = map_pack(self.path)
        count = len(self.pack)
        self.info = CorpusInfo(self.id, "plain", "folder", "", count, megabytes * 1_000_000, lines, {}, 0.0)
        self.coverage = Coverage(count, 0)
        self.facts: dict[str, Any] = {}

    def search(self, *_: Any, **__: Any) -> list[Any]:
        return []


def documents(megabytes: int) -> Iterator[SourceDocument]:
    for n in range(megabytes):
        data = b"".join(LINE % (n * 16_000 + k) for k in range(1_000_000 // 67))
        yield SourceDocument(f"part/{n:05d}.txt", data, hashlib.sha256(data).hexdigest())


async def iterations(corpus: PlainCorpus, folder: Path, turns: int) -> list[float]:
    """Milliseconds of engine time for each of `turns` iterations that print 100 lines."""
    code = "```repl\nx = corpus.docs[{n}].read(100, 199)\nprint(x)\n```"
    last = "FINAL(It runs away [part/00000.txt:100-102].)"
    root = InstantModel("root", lambda n, _: code.format(n=n % len(corpus.pack)) if n < turns else last)
    await run(corpus, folder, root, InstantModel("sub", lambda *_: "ok"))
    return root.gaps()


async def fan_out(corpus: PlainCorpus, folder: Path, code: str) -> float:
    """Milliseconds of one cell, by the root's clock."""
    script = [f"```repl\n{code}\n```", "```repl\nprint(corpus.read('part/00000.txt', 1, 2))\n```"]
    last = "FINAL(It runs away [part/00000.txt:1-2].)"

    def answer(n: int, request: Request) -> str:
        if "child of another run" in request.messages[0].content:
            return last if "Output of cell" in request.messages[-1].content else script[1]
        turn = sum(m.role == "assistant" for m in request.messages)
        return script[turn] if turn < 2 else last

    root = InstantModel("root", answer)
    await run(corpus, folder, root, InstantModel("sub", lambda *_: "ok"))
    return 1000 * (root.asked[-2] - root.answered[0])


async def run(corpus: Any, folder: Path, root: InstantModel, sub: InstantModel) -> None:
    provider, calls = LocalProvider(), Calls()
    journal = FileJournal(folder / f"journal-{time.monotonic_ns()}")
    try:
        outcome = await ask(
            question="Where does it run?",
            corpus=corpus,
            provider=provider,
            root=root,
            sub=sub,
            calls=calls,
            limits=BudgetLimits(iterations=500, calls=5_000),
            journal=journal,
        )
        assert outcome.status == "complete", outcome
    finally:
        await provider.close()
        journal.close()


def resident() -> float:
    """Megabytes of private memory of this process."""
    rows = Path("/proc/self/smaps_rollup").read_text().split("\n")
    return sum(int(row.split()[1]) for row in rows if row.startswith(("Private_Clean", "Private_Dirty"))) / 1000


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", default="1,100,1000", help="megabytes of corpus")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for size in map(int, options.sizes.split(",")):
            corpus = PlainCorpus(folder, size)
            gc.collect()
            before = resident()
            cpu = time.process_time()
            gaps = asyncio.run(iterations(corpus, folder, 200))
            cpu = 1000 * (time.process_time() - cpu) / 200
            took = f"{statistics.median(gaps):.2f} ms median, {max(gaps):.2f} ms worst, {cpu:.2f} ms of our CPU"
            print(f"{size:>5} MB: engine per iteration {took}; server +{resident() - before:.1f} MB")
        children = asyncio.run(fan_out(corpus, folder, "r = rlm_query_batched(['q'] * 64)\nprint(len(r), r[0])"))
        print(f"64 children, a look and an answer each: {children:.0f} ms, {children / 64:.1f} ms a child")
        calls = asyncio.run(fan_out(corpus, folder, "print(len(llm_query_batched([f'q{i}' for i in range(64)])))"))
        print(f"64 sub-calls to a model that answers at once: {calls:.1f} ms")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    main()
