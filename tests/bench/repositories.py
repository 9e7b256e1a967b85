"""Repositories loaded, loaded again and asked, beside ctags, `rg` and `git grep` on the same trees, in one run.

    python -m tests.bench.repositories TREE …       trees are git work trees; a clone of each is worked on

Prints tables. CPU is user and system time of all processes of a step, wall the time on the clock, peak the largest
resident set of one process, mapped files included; a call's figure is the median of several. MB = 10^6 bytes.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlm_indexers.snapshot import Corpus
from rlm_indexers.store import Store
from tests.bench.loading import HERE, measured
from tests.support.repositories import Repository

RESTING_SECONDS = 2.5
"""Files that changed more recently are read anew at each load, as git does."""
CALLS = 20
GREPS = 5
NAMES = ("`rg`", "git")
FIELDS = ("--output-format=json", "--fields=+neS", "--quiet")
PATTERNS: dict[str, tuple[str, dict[str, bool], list[str]]] = {
    "a literal": ("config", {"literal": True}, ["-F"]),
    "a rare literal": ("unreachable state", {"literal": True}, ["-F"]),
    "`_(set\\|get)\\(`": (r"_(set|get)\(", {}, []),
    "`\\w+_(set\\|get)\\(`": (r"\w+_(set|get)\(", {}, []),
    "`[a-z]+[0-9]{4,}`": (r"[a-z]+[0-9]{4,}", {}, []),
    "`TODO\\|FIXME\\|XXX`": (r"TODO|FIXME|XXX", {}, []),
    "any case": ("unexpected", {"ignore_case": True}, ["-i"]),
    "a word": ("parse", {"word": True}, ["-w"]),
}
"""Each with our options and those of `rg` and `git grep`, which mean the same."""
SLOW_FOR_GIT = (r"\w", "[", "TODO|")
"""How patterns begin that `git grep` takes many seconds for."""
GREAT_BYTES = 100_000_000
"""Of a tree that is spared what takes minutes: these patterns by `git grep`, facts alone (`tests.bench.loading`)."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one step or call; `peak` in bytes."""

    cpu: float
    wall: float
    peak: int = 0

    def __str__(self) -> str:
        return f"{self.cpu:.2f} / {self.wall:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trees", type=Path, nargs="+")
    parser.add_argument("--asks", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.asks:
        print(json.dumps(_asks(options.asks, options.trees[0])))
        return
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}")
    for tree in options.trees:
        with tempfile.TemporaryDirectory() as folder:
            for row in _compared(tree.resolve(), Path(folder)):
                print(row, flush=True)


def _compared(tree: Path, folder: Path) -> Iterator[str]:
    clone = folder / "clone" / tree.name
    _run(["git", "clone", "-q", "--shared", str(tree), str(clone)], folder)
    time.sleep(RESTING_SECONDS)
    began = time.monotonic()
    cold = measured("load", clone, folder)
    wall = time.monotonic() - began
    corpus = Store(folder / "cache").open(tree.name)
    yield f"\n## {tree.name}: {cold['documents']:,} documents, {cold['text']:.1f} MB, {corpus.info.lines:,} lines\n"
    yield "| step | CPU s | wall s | peak MB | MB of code per CPU-s |\n|---|---|---|---|---|"
    code = cold["code"]
    memory = f"{cold['parent_peak']:.0f} + {cold['worker_peak']:.0f} a worker"
    yield f"| cold, with search index | {cold['seconds']:.1f} | {wall:.1f} | {memory} | {code / cold['seconds']:.1f} |"
    if cold["text"] * 1e6 < GREAT_BYTES:
        facts = measured("facts", clone, folder)["seconds"]
        yield f"| of it definitions and references | {facts:.1f} | | | {code / facts:.1f} |"
    yield from _refreshes(Repository(clone), folder)
    yield from _ctags(clone, corpus, folder, code)
    yield f"| `git status` | {_step(['git', 'status', '--short'], clone)[1].cpu:.2f} | | | |"
    yield from _asked(clone, corpus, folder)


def _refreshes(repository: Repository, folder: Path) -> Iterator[str]:
    """An unchanged tree, and one with one file edited: as a command, and in a process that is up."""
    load = [sys.executable, "-c", _LOAD, str(repository.root), str(folder / "cache")]
    edited = max((each for each in repository.root.rglob("*.[cgp][oy]*") if each.is_file()), key=lambda f: f.name)
    rows: dict[str, list[tuple[Cost, Cost]]] = {"unchanged": [], "one file edited": []}
    for number in range(3):
        for what, found in rows.items():
            if what != "unchanged":
                edited.write_bytes(edited.read_bytes() + b"\n%d\n" % number)
            out, whole = _step(load, repository.root)
            found.append((Cost(*json.loads(out)), whole))
    repository.git("checkout", "-q", ".")
    for what, found in rows.items():
        inside, whole = (_median(each) for each in zip(*found, strict=True))
        cpu = f"{inside.cpu:.2f} ({whole.cpu:.2f})"
        yield f"| {what} (and with the process's start) | {cpu} | {inside.wall:.2f} | {whole.peak / 1e6:.0f} | |"


_LOAD = """
import json, resource, sys, time
from pathlib import Path
from rlm_indexers.store import Store
import rlm_indexers.repo.documents, rlm_indexers.building
def cpu():
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
before, began = cpu(), time.monotonic()
Store(Path(sys.argv[2])).load(sys.argv[1])
print(json.dumps([cpu() - before, time.monotonic() - began]))
"""


def _ctags(clone: Path, corpus: Corpus, folder: Path, code: float) -> Iterator[str]:
    """Definitions with lines, ends and signatures of the files that we find symbols in."""
    listed = folder / "listed"
    listed.write_text("".join(f"{document}\n" for document in _with_symbols(corpus)))
    _, cost = _step(["ctags", *FIELDS, "-L", str(listed), "-f", "-"], clone)
    figures = f"{cost.cpu:.1f} | {cost.wall:.1f} | {cost.peak / 1e6:.0f} | {code / cost.cpu:.1f}"
    yield f"| ctags, definitions only | {figures} |"


def _with_symbols(corpus: Corpus) -> Iterator[str]:
    from rlm_indexers.symbols.parsing import GRAMMARS

    for document in corpus.pack.documents():
        if document.language in GRAMMARS and not {"minified", "large"} & set(document.flags):
            yield document.id


# Finding


def _asked(clone: Path, corpus: Corpus, folder: Path) -> Iterator[str]:
    """Our calls, in a process of their own that holds the corpus as the server does, and the rivals' searches."""
    command = [sys.executable, "-m", "tests.bench.repositories", "--asks", str(folder / "cache"), str(clone)]
    asked = json.loads(_run(command, HERE))
    yield "\n| `grep` for | lines | ours CPU / wall ms | `rg` | `git grep -E` | ours : `rg`, CPU |"
    yield "|---|---|---|---|---|---|"
    for what, (pattern, _, flags) in PATTERNS.items():
        total, *ours = asked["greps"][what]
        rivals = [_by_rg(clone, [*flags, "-e", pattern])]
        if corpus.info.bytes < GREAT_BYTES or not pattern.startswith(SLOW_FOR_GIT):
            rivals.append(_counted(["git", "grep", "-hcE", *flags, "-e", pattern], clone))
        yield _compared_greps(what, (total, Cost(*ours)), rivals)
    yield "\n| call | median ms, CPU / wall | slowest, wall |\n|---|---|---|"
    for what, (cpu, wall, slowest) in asked["calls"].items():
        yield f"| {what} | {cpu * 1e3:.1f} / {wall * 1e3:.1f} | {slowest * 1e3:.0f} |"
    before, opened, after = asked["memory"]
    yield f"\nPrivate memory: {before} MB before it is opened, {opened} MB after, {after} MB after all calls."


def _by_rg(clone: Path, arguments: list[str]) -> tuple[int, Cost]:
    """The lines that `rg` counts in all files, hidden and ignored ones too, and what that costs."""
    rg = ["rg", "--no-config", "--hidden", "--no-ignore", "-g!.git", "-c", "--no-filename", *arguments, "."]
    rounds = [_counted(rg, clone) for _ in range(GREPS)]
    return rounds[0][0], _median(cost for _, cost in rounds)


def _compared_greps(what: str, ours: tuple[int, Cost], rivals: list[tuple[int, Cost]]) -> str:
    lines = " ".join(
        [f"{ours[0]:,}", *(f"({name} {found:,})" for name, (found, _) in zip(NAMES, rivals, strict=False))]
    )
    costs = [f"{cost.cpu * 1e3:.0f} / {cost.wall * 1e3:.0f}" for _, cost in (ours, *rivals)]
    costs += [""] * (1 + len(NAMES) - len(costs))
    return f"| {' | '.join([what, lines, *costs])} | {ours[1].cpu / rivals[0][1].cpu:.2f} |"


def _asks(cache: Path, tree: Path) -> dict[str, Any]:
    """What our calls cost and find."""
    store, memory = Store(cache), [_private()]
    opened = [_timed(lambda: store.open(tree.name)) for _ in range(CALLS)]
    corpus = store.open(tree.name)
    memory.append(_private())
    names = sorted({symbol.name for symbol in corpus.symbols(kind="function")})
    names = names[:: max(1, len(names) // CALLS)][:CALLS]
    words = [name.replace("_", " ") + " error" for name in names]
    calls = {
        "open": opened,
        "symbols by name": [_timed(lambda name=name: list(corpus.symbols(name=name))) for name in names],
        "search": [_timed(lambda text=text: corpus.search(text)) for text in words],
        "outline, the first": [_timed(corpus.outline)],
        "outline for a question": [_timed(lambda text=text: corpus.outline(question=text)) for text in words],
        "references, the first": [_timed(lambda: corpus.relations.references(names[0]))],
        "references": [_timed(lambda name=name: corpus.relations.references(name)) for name in names],
        "callers": [_timed(lambda name=name: corpus.relations.callers(name)) for name in names],
    }
    greps = {}
    for what, (pattern, flags, _) in PATTERNS.items():
        cost = _median(_timed(lambda p=pattern, f=flags: corpus.grep(p, **f)) for _ in range(GREPS))
        greps[what] = [corpus.grep(pattern, **flags).total, cost.cpu, cost.wall]
    memory.append(_private())
    told = {what: [*_pair(_median(found)), max(each.wall for each in found)] for what, found in calls.items()}
    return {"greps": greps, "calls": told, "memory": memory}


def _pair(cost: Cost) -> tuple[float, float]:
    return cost.cpu, cost.wall


def _private() -> int:
    """The memory that is this process's alone, in MB."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("RssAnon:")[2].split()[0]) // 1000


# Measuring


def _timed(call: Callable[[], object]) -> Cost:
    before, began = _cpu(), time.monotonic()
    call()
    return Cost(_cpu() - before, time.monotonic() - began)


def _cpu() -> float:
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def _median(costs: Iterable[Cost]) -> Cost:
    found = list(costs)
    return Cost(
        statistics.median(each.cpu for each in found),
        statistics.median(each.wall for each in found),
        max(each.peak for each in found),
    )


def _step(command: list[str], folder: Path) -> tuple[bytes, Cost]:
    """What a program says, and what it costs with the children it waited for."""
    began = time.monotonic()
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        return out.read(), Cost(used.ru_utime + used.ru_stime, time.monotonic() - began, used.ru_maxrss * 1024)


def _counted(command: list[str], folder: Path) -> tuple[int, Cost]:
    """The sum of the counts that a program prints."""
    out, cost = _step(command, folder)
    return sum(map(int, out.split())), cost


def _run(command: list[str], folder: Path) -> str:
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main()
