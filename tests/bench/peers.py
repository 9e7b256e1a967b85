"""Published engines beside ours: the same server, the same program, one run. Prints Markdown tables.

    python -m tests.bench.peers [--rounds 2] [--sizes 1 10 100] [--peers ours rlms dspy]

Makes an environment for each peer in a cache folder, from the package index, the first time. What is timed is between
two requests as the server sees them arrive: the client, the engine, its REPL, all of it, and no model.
"""

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

JSON = Any
HERE = Path(__file__).parent
FOLDER = HERE.parents[1]
PACKAGES = {"rlms": "rlms==0.1.3", "dspy": "dspy==3.4.1"}
LINE = "{:08d} the quick brown fox jumps over the lazy dog and runs away\n"
FILE_LINES = 50_000
WHOLE = ".whole"
TURNS = 20
PATIENCE = 300


@dataclass(frozen=True, slots=True)
class Ran:
    """One run of one engine. Times in milliseconds."""

    answer: str
    gaps: tuple[float, ...]
    """Between the arrivals of the root's requests."""
    whole: float
    """The run from question to answer, without starting Python."""
    rss_mb: float
    sub_calls: int
    failed: str = ""

    @property
    def turn(self) -> float:
        """The median of the turns after the first two."""
        return statistics.median(self.gaps[2:]) if len(self.gaps) > 3 else float("nan")

    @property
    def longest(self) -> float:
        return max(self.gaps, default=float("nan"))


class Bench:
    """The server, the environments, the texts."""

    def __init__(self, url: str, cache: Path, texts: Path) -> None:
        self.url, self._cache, self._texts = url, cache, texts

    def python(self, peer: str) -> str:
        """The interpreter of a peer's environment, made when it is not there."""
        if peer not in PACKAGES:
            return sys.executable
        folder = self._cache / peer
        if not (folder / "ready").exists():
            subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
            subprocess.run([folder / "bin/python", "-m", "pip", "install", "-q", PACKAGES[peer]], check=True)
            (folder / "ready").touch()
        return str(folder / "bin/python")

    def text(self, megabytes: float) -> Path:
        """A folder with a text of this size in files of a few MB; and, beside it, one file of all for the peers."""
        folder = self._texts / f"{megabytes:g}"
        if not folder.exists():
            folder.mkdir()
            lines = [LINE.format(n) for n in range(int(megabytes * 1e6 / len(LINE.format(0))))]
            folder.with_suffix(WHOLE).write_text("".join(lines))
            for at in range(0, len(lines), FILE_LINES):
                name = f"more-{at:09}.txt" if at else "first.txt"
                (folder / name).write_text("".join(lines[at : at + FILE_LINES]))
        return folder

    def run(self, peer: str, shape: str, megabytes: float = 0.01, delay: float = 0.0) -> Ran:
        """One engine through one program."""
        folder = self.text(megabytes)
        path = folder if peer == "ours" else folder.with_suffix(WHOLE)
        return self._measured(peer, {"dialect": peer, "shape": shape, "delay": delay}, str(path))

    def bare(self, how: str, count: int, delay: float = 0.0) -> Ran:
        return self._measured("bare", {"dialect": "ours", "shape": f"turns-{count}", "delay": delay}, how, str(count))

    def _measured(self, peer: str, steering: JSON, *arguments: str) -> Ran:
        self._steer(steering)
        command = [self.python(peer), str(HERE / f"peers_{peer}.py"), self.url, *arguments]
        environment = {"PATH": os.environ["PATH"], "HOME": str(self._texts), "OPENAI_API_KEY": "none"}
        try:
            ran = subprocess.run(
                command, env=environment, cwd=self._texts, capture_output=True, text=True, timeout=PATIENCE, check=True
            )
        except subprocess.TimeoutExpired:
            return Ran("", (), float("nan"), float("nan"), 0, f"over {PATIENCE} s")
        except subprocess.CalledProcessError as error:
            return Ran("", (), float("nan"), float("nan"), 0, error.stderr.strip().rpartition("\n")[2][:200])
        said = json.loads(ran.stdout.strip().rpartition("\n")[2])
        if steering["shape"].startswith("turns") and said["answer"] != steering["shape"].partition("-")[2]:
            return Ran("", (), float("nan"), float("nan"), 0, f"answered {said['answer']}")
        seen = self._steer(steering)["requests"]
        arrivals = [row["at"] for row in seen if row["root"]]
        gaps = tuple(1000 * (b - a) for a, b in itertools.pairwise(arrivals))
        return Ran(said["answer"], gaps, 1000 * said["seconds"], said["rss_mb"], sum(not r["root"] for r in seen))

    def _steer(self, steering: JSON) -> JSON:
        request = urllib.request.Request(f"{self.url}/steer", json.dumps(steering).encode())
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())


@contextmanager
def serving() -> Iterator[str]:
    command = [sys.executable, "-m", "tests.bench.peers_model"]
    with subprocess.Popen(command, cwd=FOLDER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield str(process.stdout.readline()).strip() if process.stdout else ""
        process.communicate()


def turns(bench: Bench, peers: Sequence[str], sizes: Sequence[float]) -> str:
    """Engine time per turn by size of the context, and memory."""
    bare = bench.bare("openai-turns", TURNS)
    rows = [
        ["bare openai client", *[f"{statistics.median(bare.gaps):.1f} ms"] * len(sizes), f"{bare.rss_mb:.0f} MB", ""]
    ]
    for peer in peers:
        runs = [bench.run(peer, f"turns-{TURNS}", size) for size in sizes]
        times = [run.failed or f"{run.turn:.1f} ms" for run in runs]
        rows.append([peer, *times, f"{runs[0].rss_mb:.0f} MB", f"{runs[-1].rss_mb - runs[0].rss_mb:+.0f} MB"])
    head = ["time per turn", *(f"{size:g} MB" for size in sizes), "memory", f"added by {sizes[-1]:g} MB"]
    return table(head, rows)


def batches(bench: Bench, peers: Sequence[str], rounds: int) -> str:
    """64 sub-calls, 100 batches of 8, 64 children: the turn that makes them, and how many answers came back."""
    rows = []
    for how in ("aiohttp", "openai"):
        best = min((bench.bare(how, 64, 0.05) for _ in range(rounds)), key=lambda run: run.whole)
        rows.append([f"bare {how}", f"{best.whole:.0f} ms, {best.answer}/64", "", ""])
    for peer in peers:
        shapes = (("spread-64", 0.05, 64), ("batches-100-8", 0.05, 800), ("children-64", 0.0, 64))
        rows.append([peer, *(_batch(bench, peer, *shape, rounds) for shape in shapes)])
    return table(["", "64 sub-calls at 50 ms", "100 batches of 8 at 50 ms", "64 children"], rows)


def _batch(bench: Bench, peer: str, shape: str, delay: float, due: int, rounds: int) -> str:
    if peer == "dspy" and shape.startswith("children"):
        return "has none"
    runs = [bench.run(peer, shape, delay=delay) for _ in range(rounds if due == 64 else 1)]
    good = [run for run in runs if not run.failed]
    if not good:
        return runs[0].failed
    # Children ask the same model as their parent, so no gap between requests is theirs alone: all of the run counts.
    times = [run.whole if shape.startswith("children") else run.longest for run in good]
    worst = min(int(run.answer) if run.answer.isdigit() else 0 for run in good)
    return f"{min(times):,.0f} ms, {worst}/{due}"


def table(head: Sequence[object], rows: Sequence[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)


def main() -> None:
    arguments = argparse.ArgumentParser(description="published engines beside ours")
    arguments.add_argument("--rounds", type=int, default=2)
    arguments.add_argument("--sizes", type=float, nargs="+", default=[1, 10, 100])
    arguments.add_argument("--peers", nargs="+", default=["ours", "rlms", "dspy"])
    arguments.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "rlm-mcp-peers")
    options = arguments.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    with serving() as url, tempfile.TemporaryDirectory() as texts:
        bench = Bench(url, options.cache, Path(texts))
        print(turns(bench, options.peers, options.sizes), flush=True)
        print()
        print(batches(bench, options.peers, options.rounds), flush=True)


if __name__ == "__main__":
    main()
