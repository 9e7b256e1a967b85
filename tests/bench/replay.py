"""A repository's last commits, refreshed one by one: each must equal a clean build. `python -m tests.bench.replay`

Compared after each step, byte for byte or row for row: pack, coverage, all facts, the search index, some answers.
"""

import argparse
import sys
from pathlib import Path
from statistics import median

from tests.support.replaying import WAYS, replay


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("repository", type=Path, nargs="?", default=Path.cwd())
    parser.add_argument("--commits", type=int, default=200)
    parser.add_argument("--below", default="", help="only this folder of it")
    parser.add_argument(
        "--way", choices=WAYS, default=WAYS[0], help="one branch; from branch to branch; new, gone or renamed files"
    )
    options = parser.parse_args()
    refreshed, clean, wrong = [], [], 0
    for step in replay(options.repository, options.commits, options.below, options.way):
        differences = step.differences()
        wrong += bool(differences)
        refreshed.append(step.seconds[0])
        clean.append(step.seconds[1])
        print(
            f"{step.commit[:12]} {step.seconds[0]:6.2f} s {step.seconds[1]:6.2f} s {', '.join(differences) or 'same'}"
        )
        sys.stdout.flush()
    print(
        f"{len(clean)} commits, {wrong} differ; refresh {median(refreshed):.2f} s, clean {median(clean):.2f} s (median)"
    )
    return 1 if wrong or not clean else 0


if __name__ == "__main__":
    sys.exit(main())
