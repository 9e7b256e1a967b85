"""What a cold load costs: CPU seconds of all processes, MB per CPU-second, peak memory of parent and worker.

    python -m tests.bench.loading [TREE …] [--rounds N]

Two figures per tree. "facts": definitions, references and imports of every document that has a grammar, from the text
in a pack to the kept facts, workers' start included. "load": the whole of `rlm-mcp load`: reading, pack, facts, search
index. "parsing": the same documents through tree-sitter and nothing else, in one process: what of "facts" is not ours.
The cheapest round counts. MB = 10^6 bytes.
"""

import argparse
import gc
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rlm_indexers import extraction
from rlm_indexers.pack.reader import Pack
from rlm_indexers.pack.writer import map_pack
from rlm_indexers.store import Store
from rlm_indexers.symbols.parsing import GRAMMARS, Grammar
from rlm_indexers.symbols.parsing import load as grammar_of

HERE = Path(__file__).resolve().parents[2]


def load(tree: Path, folder: Path) -> dict[str, float]:
    """A cold load by the store, and the sizes of what was loaded."""
    pack = Store(folder / "cache").load(str(tree), cwd=tree).corpus.pack
    (folder / "pack").symlink_to(next((folder / "cache" / "corpora").glob("*/pack")))
    parsed = [len(data) for _, data in _code(pack)]
    return {"documents": len(pack), "text": pack.meta["bytes"] / 1e6, "parsed": len(parsed), "code": sum(parsed) / 1e6}


def facts(_tree: Path, folder: Path) -> dict[str, float]:
    """The facts of the pack that `load` left, with nothing in the cache."""
    pack, database = map_pack(folder / "pack"), folder / "facts.sqlite"
    request = extraction.Request(pack, database)
    return {"symbols": sum(found.rows.count(b"\n") for found in extraction.extract(request))}


def parsing(_tree: Path, folder: Path) -> dict[str, float]:
    """Its trees, made and dropped."""
    gc.disable()
    for language, data in _code(map_pack(folder / "pack")):
        grammar = grammar_of(language)
        if isinstance(grammar, Grammar):
            grammar.parse(data)
    return {}


def _code(pack: Pack) -> Iterator[tuple[str, bytes]]:
    """The documents that a grammar is for, with their languages."""
    for i, document in enumerate(pack.documents()):
        if document.language in GRAMMARS and document.size and not {"minified", "large"} & set(document.flags):
            yield document.language, bytes(pack.data(i))


STEPS = {step.__name__: step for step in (load, facts, parsing)}


def measured(step: str, tree: Path, folder: Path) -> dict[str, float]:
    """A step in a process of its own: what it returns, and what it and its children cost."""
    command = [sys.executable, "-m", "tests.bench.loading", str(tree), "--step", step, "--folder", str(folder)]
    done = subprocess.run(command, cwd=HERE, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout))


def _run(step: str, tree: Path, folder: Path) -> dict[str, float]:
    before = resource.getrusage(resource.RUSAGE_SELF)
    found = STEPS[step](tree, folder)
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    parent = own.ru_utime + own.ru_stime - before.ru_utime - before.ru_stime
    return {
        **found,
        "seconds": parent + children.ru_utime + children.ru_stime,
        "parent_seconds": parent,
        "parent_peak": own.ru_maxrss / 1000,
        "worker_peak": children.ru_maxrss / 1000,
    }


def _rows(tree: Path, rounds: int) -> Iterator[str]:
    best: dict[str, dict[str, float]] = {}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as temporary:
            for step in STEPS:
                now = measured(step, tree, Path(temporary))
                best[step] = min(best.get(step, now), now, key=lambda each: each["seconds"])
    sizes = best["load"]
    yield (
        f"{tree.name}: {sizes['documents']} documents, {sizes['text']:.1f} MB of text; {sizes['parsed']} with a"
        f" grammar, {sizes['code']:.1f} MB of code; {best['facts']['symbols']} definitions"
    )
    for step, each in best.items():
        rates = [f"{sizes[size] / each['seconds']:.1f} MB of {size} per CPU-s" for size in ("code", "text")]
        cost = f"{each['seconds']:6.2f} CPU-s ({each['parent_seconds']:.2f} parent)"
        memory = f"peak {each['parent_peak']:.0f} MB parent, {each['worker_peak']:.0f} MB largest child"
        yield "  ".join((f"  {step:7}", cost, *rates, memory))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trees", type=Path, nargs="*", default=[HERE])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        print(json.dumps(_run(options.step, options.trees[0], options.folder)))
        return
    for tree in options.trees:
        for row in _rows(tree.resolve(), options.rounds):
            print(row, flush=True)


if __name__ == "__main__":
    main()
