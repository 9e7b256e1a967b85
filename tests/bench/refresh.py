"""A large tree loaded again: unchanged, one file edited, one added, another branch; `git status` of it in the same run.

`python -m tests.bench.refresh [TREE]` (else this Python's installed packages, which takes minutes: the first load is
cold). A copy is worked on, in a repository of its own. CPU is user and system time, programs that we start included.
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from rlm_indexers.store import Store
from tests.support.repositories import Repository, made

ON_THE_BRANCH = 200
RESTING_SECONDS = 2.5
"""Files that changed more recently are read anew at each load, as git does."""
Figures = tuple[float, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tree", type=Path, nargs="?", default=Path(sysconfig.get_path("purelib")))
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        repository = _copied(options.tree, Path(folder) / "tree")
        time.sleep(RESTING_SECONDS)
        store = Store(Path(folder) / "cache")
        _say("cold", [_measured(lambda: store.load(str(repository.root)))])
        info = store.list()[0]
        print(f"{info.documents} documents, {info.bytes / 1e6:.0f} MB", flush=True)
        rounds = [_round(store, repository, number) for number in range(options.rounds)]
        for what in rounds[0]:
            _say(what, [each[what] for each in rounds])
        command = [sys.executable, "-m", "rlm_mcp.cli", "load", str(repository.root), "--json"]
        _say("unchanged, as a command", [_measured(lambda: _run(command, Path(folder))) for _ in rounds])
        print(f"our peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:.0f} MB")


def _copied(tree: Path, target: Path) -> Repository:
    """A copy under git, with a branch on which many files differ."""
    left_out = shutil.ignore_patterns(".git", "__pycache__", "*.so*")
    shutil.copytree(tree, target, symlinks=True, ignore=left_out)
    repository = made(target)
    repository.commit("all")
    repository.git("checkout", "-q", "-b", "other")
    files = [file for file in sorted(target.rglob("*.*")) if file.suffix in {".py", ".c", ".go", ".js", ".md", ".txt"}]
    for file in files[:: max(1, len(files) // ON_THE_BRANCH)][:ON_THE_BRANCH]:
        file.write_bytes(file.read_bytes() + b"\n# on the branch\n")
    repository.commit("many files")
    repository.git("checkout", "-q", "main")
    return repository


def _round(store: Store, repository: Repository, number: int) -> dict[str, Figures]:
    """What each kind of refresh costs, from a tree that is loaded and clean to the same."""
    root = repository.root
    files = sorted(root.rglob("*.py"))
    edited = files[(number + 1) * len(files) // 5 % len(files)]
    before = edited.read_bytes()

    def load() -> Figures:
        return _measured(lambda: store.load(str(root)))

    found = {"git status": _measured(lambda: _run(["git", "status", "--short"], root)), "unchanged": load()}
    edited.write_bytes(before + b"\n\ndef edited_%d():\n    return 1\n" % number)
    found["one file edited"] = load()
    edited.write_bytes(before)
    load()
    (root / "added_here.py").write_text(f"def added_{number}():\n    return 1\n")
    found["one file added"] = load()
    (root / "added_here.py").unlink()
    load()
    repository.git("checkout", "-q", "other")
    found[f"another branch, {ON_THE_BRANCH} files differ"] = load()
    repository.git("checkout", "-q", "main")
    load()
    return found


def _run(command: list[str], folder: Path) -> None:
    environment = {**os.environ, "RLM_CACHE_DIR": str(folder / "cache")}
    subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, check=True)


def _measured(work: Callable[[], object]) -> Figures:
    """CPU seconds and wall seconds."""
    began, cpu = time.perf_counter(), _cpu()
    work()
    return _cpu() - cpu, time.perf_counter() - began


def _cpu() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


def _say(what: str, figures: list[Figures]) -> None:
    cpu, wall = (median(each[i] for each in figures) for i in (0, 1))
    print(f"{what:45} {cpu:7.2f} CPU-s {wall:7.2f} s", flush=True)


if __name__ == "__main__":
    main()
