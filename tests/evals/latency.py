"""Wall time over the ideal: one batch of sub-calls, at several latencies and widths."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from tests.evals.house import WIDEST, House
from tests.evals.limits import tiny
from tests.evals.model import Steering

JSON = Any
LATENCIES = (0.0, 0.05, 0.5)
WIDTHS = (1, 8, 64, 200, 500)


@dataclass(frozen=True, slots=True)
class Wall:
    """One run: three turns of the root (at no latency) around one batch."""

    latency: float
    width: int
    seconds: float
    """The whole run, corpus and session included."""
    batch: float
    """The turn that makes the batch."""
    ideal: float
    """As many waves as the widest gate needs, each as long as the latency, and the model server's own computing."""
    in_flight: int
    answers: int

    @property
    def over(self) -> tuple[float, float] | None:
        """By what share the run and the batch exceed the ideal; None where the ideal is nothing."""
        if not self.latency:
            return None
        return (self.seconds - self.ideal) / self.ideal, (self.batch - self.ideal) / self.ideal

    def as_json(self) -> dict[str, JSON]:
        return dataclasses.asdict(self) | {"over": self.over, "widest": WIDEST}


async def walls(home: House) -> list[Wall]:
    """Every latency and width, after one run that nobody counts: the first imports the model library."""
    await wall(home, 0.0, 1, "warm-up")
    return [await best(home, latency, width) for latency in LATENCIES for width in WIDTHS]


async def best(home: House, latency: float, width: int) -> Wall:
    """The quicker of two runs: other work on the machine only ever adds."""
    return min([await wall(home, latency, width, f"{n}") for n in range(2)], key=lambda wall: wall.seconds)


async def wall(home: House, latency: float, width: int, note: str) -> Wall:
    task = tiny(f"spread {width} at {latency} {note}")
    task = dataclasses.replace(task, answer=str(width))
    row = await home.ask(task, Steering(policy=f"spread-{width}", sub_delay=latency))
    answers = int(row.answer) if row.answer.isdigit() else 0
    return Wall(latency, width, row.seconds, row.longest_turn, row.ideal, row.in_flight, answers)
