"""How answers degrade when the sub-model is noisy: by kind of noise, by rate, with one reading of each row or three."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.evals import corpora
from tests.evals.house import House, Row, house
from tests.evals.model import Remote, Steering
from tests.evals.rules import Noise

JSON = Any
RATES = (0.05, 0.10, 0.20)
NOISES: tuple[Noise, ...] = ("wrong", "refusal", "bad_json", "prose")
SIZE = 3_000
SEEDS = (1, 2, 3, 4)
READINGS = {"one reading": "", "three and a vote": "-vote"}


@dataclass(frozen=True, slots=True)
class Degraded:
    """All runs of one noise and rate."""

    noise: str
    rate: float
    readings: str
    rows: tuple[Row, ...]

    def of(self, kind: str) -> list[Row]:
        return [row for row in self.rows if row.task.split("/")[0].rstrip("!") == kind]

    def exact(self, *kinds: str) -> str:
        """How many of the answers to these kinds were exactly right."""
        rows = [row for kind in kinds for row in self.of(kind)]
        return f"{sum(row.exact for row in rows)}/{len(rows)}"

    @property
    def count_error(self) -> float:
        """The mean of the difference to the true count, over it, over the counts."""
        rows = self.of("count")
        return sum(_off(row) for row in rows) / len(rows)

    @property
    def pairs_f1(self) -> float:
        rows = self.of("pairs")
        return sum(_f1(row) for row in rows) / len(rows)

    @property
    def calls(self) -> float:
        """Sub-calls of one run, on average."""
        return sum(row.sub_calls for row in self.rows) / len(self.rows)


async def curve(remote: Remote) -> list[Degraded]:
    """No noise, then every kind at every rate; labels that are wrong also with three readings."""
    found = []
    for case in _cases():
        async with house(remote) as home:  # each with a cache of its own, or the first answers would be given to all
            found.append(await degraded(home, *case))
    return found


def _cases() -> Iterator[tuple[Noise, float, str]]:
    yield "none", 0.0, "one reading"
    yield "obedient", 1.0, "one reading"
    for noise in NOISES:
        for rate in RATES:
            yield noise, rate, "one reading"
    for rate in RATES:
        yield "wrong", rate, "three and a vote"


async def degraded(home: House, noise: Noise, rate: float, readings: str) -> Degraded:
    rows = []
    for kind in corpora.OVER_ROWS:
        for seed in SEEDS:
            task = corpora.make(kind, SIZE, seed, hostile=noise == "obedient")
            steering = Steering(policy=kind + READINGS[readings], noise=noise, rate=rate)
            rows.append(await home.ask(task, steering))
    return Degraded(noise, rate, readings, tuple(rows))


def _off(row: Row) -> float:
    return abs(int(row.answer) - int(row.expected)) / int(row.expected) if row.answer.isdigit() else 1.0


def _f1(row: Row) -> float:
    given, true = set(row.answer.split()), set(row.expected.split())
    return 2 * len(given & true) / (len(given) + len(true)) if given or true else 1.0
