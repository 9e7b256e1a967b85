"""The results as Markdown tables."""

from collections.abc import Iterable, Sequence

from tests.evals.house import Row
from tests.evals.latency import Wall
from tests.evals.limits import Held
from tests.evals.noise import Degraded

PLAIN_AGENT = {
    "needle": "940",
    "multi_key": "940",
    "chain": "2,760",
    "multi_hop": "2,760",
    "count": "5,690; by meaning 4,000 to 9,400",
    "most_common": "5,690; by meaning 4,000 to 9,400",
    "timeline": "5,690; by meaning 4,000 to 9,400",
    "pairs": "5,690; by meaning 4,000 to 9,400",
}
"""Tokens that a strong agent with grep and Python read for a question of this sort (shared facts, section E)."""


def oracle(rows: Sequence[Row]) -> str:
    """One line per task."""
    head = (
        "task", "corpus", "exact", "evidence", "turns", "root tokens", "sub-calls", "sub tokens", "caller tokens",
        "plain agent reads", "seconds", "engine's own",
    )  # fmt: skip
    return table(
        head,
        (
            (
                row.task, f"{row.bytes / 1e6:.2f} MB", yes(row.exact),
                yes(row.evidence) + ("" if row.seen else " (code read it)"), row.turns, f"{row.root_tokens:,}",
                row.sub_calls, f"{row.sub_tokens:,}", row.caller_tokens, _plain(row),
                f"{row.seconds:.2f}", f"{row.overhead:.2f}",
            )
            for row in rows
        ),
    )  # fmt: skip


def _plain(row: Row) -> str:
    return PLAIN_AGENT[row.task.split("/")[0].rstrip("!")]


def noise(found: Sequence[Degraded]) -> str:
    head = (
        "noise", "rate", "readings", "count exact", "most common, timeline exact", "pairs exact", "count off by",
        "pairs F1", "sub-calls",
    )  # fmt: skip
    return table(
        head,
        (
            (
                one.noise, f"{one.rate:.0%}", one.readings, one.exact("count"), one.exact("most_common", "timeline"),
                one.exact("pairs"), f"{one.count_error:.1%}", f"{one.pairs_f1:.2f}", f"{one.calls:.1f}",
            )
            for one in found
        ),
    )  # fmt: skip


def walls(found: Sequence[Wall]) -> str:
    head = ("latency", "sub-calls", "ideal", "the batch", "over", "the whole run", "over", "in flight", "answers")
    return table(
        head,
        (
            (
                f"{wall.latency * 1000:.0f} ms", wall.width, f"{wall.ideal:.2f} s", f"{wall.batch:.2f} s",
                share(wall.over and wall.over[1]), f"{wall.seconds:.2f} s", share(wall.over and wall.over[0]),
                wall.in_flight, wall.answers,
            )
            for wall in found
        ),
    )  # fmt: skip


def limits(found: Sequence[Held]) -> str:
    head = ("bomb", "limit", "spent", "overshoot", "ended as", "the agent got", "seconds")
    return table(
        head,
        (
            (
                held.bomb, f"{held.setting} = {held.limit:,g}", f"{held.spent:,g}", f"{held.overshoot:,g}", held.status,
                f"{held.caller_tokens} tokens: {held.got}", f"{held.seconds:.2f}",
            )
            for held in found
        ),
    )  # fmt: skip


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)


def yes(good: bool) -> str:
    return "yes" if good else "NO"


def share(value: float | None) -> str:
    return "" if value is None else f"{value:+.0%}"
