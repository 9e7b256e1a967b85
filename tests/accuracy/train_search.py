"""Fit what ranked search has learnt: `python -m tests.accuracy.train_search [WHEELS]` (needs numpy).

The packages are those of training.txt, as wheels in the folder WHEELS or installed. None of them is one that search is
measured on. Writes words.txt and ranking.json in rlm_indexers/search/learned.
First words (`train_vectors.py`): documented functions of all these packages. Then the ranking: needles of each package
that is not large, for which the words are those learnt from the other half of the packages, so that they are weighed as
they will be met: on packages they were not learnt from.
"""

import contextlib
import importlib.metadata
import json
import math
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from rlm_indexers.search import likeness, ranking
from rlm_indexers.search import ranked as search
from rlm_indexers.search.index import open_index
from rlm_indexers.search.signs import compared, signs
from rlm_indexers.search.words import asked
from rlm_indexers.snapshot import Corpus
from tests.accuracy.needle_rows import Needle, Package, installed, needles, wheel
from tests.accuracy.needles import loaded
from tests.accuracy.train_vectors import Array, Pair, learn, pairs

TRAINING = Path(__file__).with_name("training.txt")
"""`name==version`, a line for each package."""
LEARNED = Path(likeness.__file__).parent / "learned"
UNITS = 12
ROUNDS = 14
AT_ONCE = 16
STEP = 0.004
DECAY = 2e-3
PER_PACKAGE = 56
LARGE = 400
"""Packages with more documented functions are learnt from and not asked about: loading them takes long."""
Question = tuple[Array, Array]
"""The signs of each candidate that is a function, and which of them are right."""


def questions(corpus: Corpus, asked_for: list[Needle]) -> list[Question]:
    """The needles whose answer is among the candidates."""
    found = []
    with contextlib.closing(open_index(corpus.path.with_name("search.sqlite"))) as database:
        for needle in asked_for:
            words = asked(needle.question)[: search.MOST_WORDS]
            proposed = search.propose(database, needle.question, words, search.CANDIDATES)
            question = search.question(database, needle.question, words)
            rows = compared([signs(question, each, search.text(corpus.pack, each)) for each in proposed])
            kept = [n for n, each in enumerate(proposed) if each.kind in ranking.FUNCTIONS]
            right = np.array([needle.found(proposed[n].document, proposed[n].start, proposed[n].end) for n in kept])
            if right.any():
                found.append((np.array([rows[n] for n in kept]), right))
    return found


def fit(found: list[Question], seed: int = 0) -> ranking.Network:
    """The network under which the right candidates are likeliest (softmax over the candidates of a question, Adam)."""
    rng = np.random.default_rng(seed)
    every = np.concatenate([rows for rows, _ in found])
    mean, spread = every.mean(0), every.std(0) + 1e-3
    count = every.shape[1]
    hidden = rng.standard_normal((count, UNITS)) / math.sqrt(count)
    weights = [hidden, np.zeros(UNITS), rng.standard_normal(UNITS) * 0.1, np.zeros(count)]
    first, second = [np.zeros_like(w) for w in weights], [np.zeros_like(w) for w in weights]
    scaled = [((rows - mean) / spread, right) for rows, right in found]
    done = 0
    for each_round in range(ROUNDS):
        order, step = rng.permutation(len(scaled)), STEP * (1 - each_round / ROUNDS) + 1e-4
        for start in range(0, len(order), AT_ONCE):
            parts = [_slope(weights, *scaled[n]) for n in order[start : start + AT_ONCE]]
            done += 1
            for k in range(len(weights)):
                slope = sum(part[k] for part in parts) / AT_ONCE - DECAY * weights[k]
                first[k] = 0.9 * first[k] + 0.1 * slope
                second[k] = 0.99 * second[k] + 0.01 * slope * slope
                size = np.sqrt(second[k] / (1 - 0.99**done)) + 1e-8
                weights[k] = weights[k] + step * first[k] / (1 - 0.9**done) / size
    hidden, bias, out, direct = (np.round(w, 3) for w in weights)
    rest = (np.round(values, 3).tolist() for values in (mean, spread, direct))
    return ranking.Network(*rest, hidden.T.tolist(), bias.tolist(), out.tolist())


def _slope(weights: list[Array], rows: Array, right: Array) -> list[Array]:
    """How the logarithm of the right candidates' share grows with each weight."""
    hidden, bias, out, direct = weights
    units = np.tanh(rows @ hidden + bias)
    scores = units @ out + rows @ direct
    shares = np.exp(scores - scores.max())
    shares /= shares.sum()
    wanted = shares * right
    push = wanted / wanted.sum() - shares
    into = np.outer(push, out) * (1 - units * units)
    return [rows.T @ into, into.sum(0), units.T @ push, rows.T @ push]


def use(table: dict[str, str]) -> None:
    """Have search work with these words."""
    LEARNED.mkdir(exist_ok=True)
    lines = (f"{word} {numbers}\n" for word, numbers in sorted(table.items()))
    (LEARNED / "words.txt").write_text("".join(lines), "utf-8")
    likeness.forget()


def package(pinned: str, wheels: Path | None) -> Package:
    """A package of exactly this version, from its wheel where there is one."""
    name, _, version = pinned.partition("==")
    start = f"{name.replace('-', '_')}-{version}-".lower()
    for path in wheels.glob("*.whl") if wheels else ():
        if path.name.lower().startswith(start):
            return wheel(path)
    if (found := importlib.metadata.version(name)) != version:
        raise SystemExit(
            f"{name} {found} is installed, and {version} is wanted: install it, or give a folder with its wheel"
        )
    return installed(name)


def of_half(packages: list[Package]) -> list[Question]:
    """The questions of some packages, under the words in use."""
    found: list[Question] = []
    for each in packages:
        with tempfile.TemporaryDirectory() as folder:
            found += questions(loaded(each, Path(folder)), needles(each, PER_PACKAGE))
        _say(f"{each.name}: {len(found)} questions so far")
    return found


def _say(line: str) -> None:
    sys.stderr.write(f"{time.process_time():.0f} s: {line}\n")


def main() -> None:
    wheels = Path(sys.argv[1]) if sys.argv[1:] else None
    packages = [package(pinned, wheels) for pinned in TRAINING.read_text("utf-8").split()]
    documented: list[list[Pair]] = [list(pairs(each)) for each in packages]
    _say(f"{len(packages)} packages, {sum(map(len, documented))} documented functions")
    found: list[Question] = []
    for half, other in ((0, 1), (1, 0)):
        use(learn(documented[half::2]))
        found += of_half([packages[n] for n in range(other, len(packages), 2) if len(documented[n]) <= LARGE])
    use(learn(documented))
    (LEARNED / "ranking.json").write_text(json.dumps(fit(found)._asdict()) + "\n")
    _say(f"fitted on {len(found)} questions of packages with at most {LARGE} documented functions")


if __name__ == "__main__":
    main()
