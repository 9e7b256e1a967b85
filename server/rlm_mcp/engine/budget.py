"""What a run may spend, held on the host by leases: reserved before a call, settled after it from its usage.

A child's budget is a part of its parent's: whatever it reserves is reserved there too. A call is refused when what is
spent and what is reserved leave no room for it, so a limit is overshot by the calls in flight at most, and only as far
as they cost more than was estimated.
"""

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from rlm_mcp.models.base import NO_USAGE, Usage


@dataclass(frozen=True, slots=True)
class BudgetLimits:
    """Caps on one run. Money in USD, times in seconds, tokens read and written together."""

    usd: float | None = 1.0
    """None: no cap on money."""
    tokens: int = 20_000_000
    calls: int = 500
    iterations: int = 30
    depth: int = 1
    seconds: float = 1800.0
    errors: int = 5
    """Failing turns in a row."""


@dataclass(frozen=True, slots=True)
class RunUsage:
    """What a run took."""

    usd: float | None
    """None: at least one call had no known price."""
    input_tokens: int
    output_tokens: int
    calls: int
    """Sub-calls and the turns of children, cached ones included; the root model's own turns are iterations."""
    cached_calls: int
    iterations: int
    max_depth: int
    seconds: float


class BudgetReached(Exception):
    """There is no room for a call. `reason` is a sentence for whoever reads the outcome."""

    def __init__(self, reason: str, *, may_free: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.may_free = may_free
        """Calls under way hold room that they may give back."""


@dataclass(eq=False, slots=True)
class Lease:
    """Room held for one call. Settle it exactly once: with what the call cost, or with nothing."""

    estimate: Usage
    sub_call: bool
    settled: bool = False


@dataclass(eq=False, slots=True)
class Budget:
    """One run's account. Use from one thread."""

    limits: BudgetLimits
    parent: "Budget | None" = None
    clock: Callable[[], float] = time.monotonic
    depth: int = 0
    spent: Usage = NO_USAGE
    known_usd: float = 0.0
    calls: int = 0
    cached_calls: int = 0
    iterations: int = 0
    errors: int = 0
    max_depth: int = 0
    started: float = field(init=False)
    leases: set[Lease] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.started = self.clock()

    def part(self, share: float) -> "Budget":
        """A budget beside others at the same depth, that may use a share of what is left here."""
        lent = replace(
            self.limits,
            usd=None if self.limits.usd is None else self.usd_left() * share,
            tokens=int(self.tokens_left() * share),
            calls=int(self.calls_left() * share),
        )
        return Budget(lent, parent=self, clock=self.clock, depth=self.depth)

    def child(self, share: float = 0.5) -> "Budget":
        """A budget one deeper that may use a share of what is left here."""
        iterations = max(4, self.limits.iterations // 2)
        lent = BudgetLimits(
            usd=None if self.limits.usd is None else self.usd_left() * share,
            tokens=int(self.tokens_left() * share),
            calls=int(self.calls_left() * share),
            iterations=iterations,
            depth=self.limits.depth,
            seconds=self.seconds_left(),
            errors=self.limits.errors,
        )
        made = Budget(lent, parent=self, clock=self.clock, depth=self.depth + 1)
        for above in made._chain():
            above.max_depth = max(above.max_depth, made.depth)
        return made

    def reserve(self, estimate: Usage, *, sub_call: bool = False) -> Lease:
        """Room for one call, here and in every budget above. Raises BudgetReached."""
        for budget in self._chain():
            if full := budget.refusal(estimate, sub_call=sub_call):
                raise full
        return self._enter(Lease(estimate, sub_call))

    def last_lease(self, estimate: Usage, *, sub_call: bool = False) -> Lease | None:
        """Room for the one call that asks for the best answer after a limit; None when money or tokens are gone.

        A child's own limits do not keep it from that call; those of the run do, since many children end at once.
        """
        gone = any(b.usd_left() <= 0 or b.tokens_left() <= 0 for b in self._chain())
        above = self.parent is not None and sub_call and self.parent.closed(estimate)
        return None if gone or above else self._enter(Lease(estimate, sub_call))

    def closed(self, estimate: Usage = NO_USAGE) -> str:
        """Why no sub-call (of this size) can be made any more, here or above; empty while one can."""
        found = (budget.refusal(estimate, sub_call=True) for budget in self._chain())
        return next((full.reason for full in found if full), "")

    def settle(self, lease: Lease, usage: Usage = NO_USAGE, *, cached: bool = False) -> None:
        """Give the room back and enter what was used instead."""
        if lease.settled:
            return
        lease.settled = True
        for budget in self._chain():
            budget.leases.discard(lease)
            budget.spent = budget.spent + usage
            budget.known_usd += usage.usd or 0.0
            budget.cached_calls += cached and lease.sub_call

    def charge(self, usage: Usage, calls: int = 0) -> None:
        """Enter what was paid before this budget was made."""
        for budget in self._chain():
            budget.spent = budget.spent + usage
            budget.known_usd += usage.usd or 0.0
            budget.calls += calls

    def turn(self) -> None:
        """A turn of the root model begins."""
        self.iterations += 1

    def reached(self) -> str:
        """The limit that ends the run now, as a sentence; empty while there is room."""
        chain = list(self._chain())
        reasons = itertools.chain(self._turns_reached(), *(budget.caps_reached() for budget in chain))
        return next(filter(None, reasons), "")

    def left(self) -> dict[str, float | int | None]:
        """What is left, as a cell may ask."""
        chain = list(self._chain())
        return {
            "usd_left": None if self.limits.usd is None else round(min(b.usd_left() for b in chain), 6),
            "tokens_left": min(b.tokens_left() for b in chain),
            "calls_left": min(b.calls_left() for b in chain),
            "iterations_left": max(0, self.limits.iterations - self.iterations),
            "seconds_left": round(min(b.seconds_left() for b in chain), 1),
            "depth_left": max(0, self.limits.depth - self.depth),
        }

    def used_share(self) -> tuple[float, str]:
        """The share of the cap that is nearest to its end, and its name."""
        limits = self.limits
        shares = [
            (self.known_usd / limits.usd if limits.usd else 0.0, "money"),
            (self._tokens() / limits.tokens if limits.tokens else 0.0, "tokens"),
            (self.calls / limits.calls if limits.calls else 0.0, "sub-calls"),
            (self.iterations / limits.iterations, "turns"),
            ((self.clock() - self.started) / limits.seconds, "time"),
        ]
        return max(shares)

    def usage(self) -> RunUsage:
        return RunUsage(
            usd=None if self.spent.usd is None else round(self.spent.usd, 6),
            input_tokens=self.spent.input_tokens,
            output_tokens=self.spent.output_tokens,
            calls=self.calls,
            cached_calls=self.cached_calls,
            iterations=self.iterations,
            max_depth=self.max_depth,
            seconds=round(self.clock() - self.started, 3),
        )

    @property
    def busy(self) -> bool:
        """Whether a call is under way, here or in any budget above or beside."""
        return any(budget.leases for budget in self._chain())

    def usd_left(self) -> float:
        return (
            float("inf") if self.limits.usd is None else max(0.0, self.limits.usd - self.known_usd - self._held_usd())
        )

    def tokens_left(self) -> int:
        return max(0, self.limits.tokens - self._tokens() - sum(_tokens(lease.estimate) for lease in self.leases))

    def calls_left(self) -> int:
        return max(0, self.limits.calls - self.calls)

    def seconds_left(self) -> float:
        return max(0.0, self.limits.seconds - (self.clock() - self.started))

    def refusal(self, estimate: Usage, *, sub_call: bool) -> BudgetReached | None:
        """Why there is no room for a call in this budget alone, or None."""
        limits = self.limits
        if sub_call and self.calls_left() < 1:
            return BudgetReached(f"the limit of {limits.calls} sub-calls is reached")
        if self.seconds_left() <= 0:
            return BudgetReached(f"the limit of {limits.seconds:g} s is reached")
        if _tokens(estimate) > self.tokens_left():
            reason = f"the limit of {limits.tokens:,} tokens leaves no room for this call"
            return BudgetReached(reason, may_free=True)
        if (estimate.usd or 0.0) > self.usd_left():
            reason = f"the budget of ${limits.usd:g} leaves no room for this call (it may cost ${estimate.usd:.4f})"
            return BudgetReached(reason, may_free=True)
        return None

    def _turns_reached(self) -> Iterator[str]:
        limits = self.limits
        yield f"the limit of {limits.iterations} turns is reached" if self.iterations >= limits.iterations else ""
        yield f"{self.errors} turns in a row failed" if self.errors >= limits.errors else ""

    def caps_reached(self) -> Iterator[str]:
        """The caps that children share: time, tokens, money."""
        limits = self.limits
        yield f"the limit of {limits.seconds:g} s is reached" if self.seconds_left() <= 0 else ""
        yield f"the limit of {limits.tokens:,} tokens is reached" if self._tokens() >= limits.tokens else ""
        if limits.usd is not None and self.known_usd >= limits.usd > 0:
            yield f"the budget of ${limits.usd:g} is spent"

    def _enter(self, lease: Lease) -> Lease:
        for budget in self._chain():
            budget.leases.add(lease)
            budget.calls += lease.sub_call
        return lease

    def _chain(self) -> "Iterator[Budget]":
        budget: Budget | None = self
        while budget is not None:
            yield budget
            budget = budget.parent

    def _tokens(self) -> int:
        return _tokens(self.spent)

    def _held_usd(self) -> float:
        return sum(lease.estimate.usd or 0.0 for lease in self.leases)


def _tokens(usage: Usage) -> int:
    return usage.input_tokens + usage.output_tokens
