"""The contract: a Model turns a Request into a Reply, or raises a ModelError. Everything else is behind it."""

from dataclasses import dataclass
from typing import Any, Literal, Protocol

JSON = Any
"""What `json.dumps` accepts."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What a call cost. `a + b` adds; an unknown cost stays unknown, because half a bill is not a bill."""

    input_tokens: int
    """All tokens sent, cached ones included."""
    output_tokens: int
    """All tokens written, hidden reasoning included."""
    cached_tokens: int = 0
    """The part of `input_tokens` that the provider took from its own cache."""
    usd: float | None = None
    """None: the price is unknown. Never 0 for want of a price."""

    def __add__(self, other: "Usage") -> "Usage":
        usd = None if self.usd is None or other.usd is None else self.usd + other.usd
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cached_tokens + other.cached_tokens,
            usd,
        )


NO_USAGE = Usage(0, 0, 0, 0.0)
"""Where a sum starts: no tokens, and known to be free."""


@dataclass(frozen=True, slots=True)
class Price:
    """USD per token of one model, as its provider lists it."""

    input: float
    output: float
    cached_input: float | None = None
    """None: cached tokens cost what others do."""
    cache_write: float | None = None
    """What tokens cost that the provider puts into its cache; None: what others do."""
    above: tuple[tuple[int, "Price"], ...] = ()
    """Ascending: with more input tokens than this, the whole call is charged by that price."""

    def cost(self, input_tokens: int, output_tokens: int, cached: int = 0, written: int = 0) -> float:
        """USD for one call. `cached` and `written` are parts of `input_tokens`."""
        price = self._for(input_tokens)
        cached_price = price.input if price.cached_input is None else price.cached_input
        write_price = price.input if price.cache_write is None else price.cache_write
        plain = max(0, input_tokens - cached - written)
        return plain * price.input + cached * cached_price + written * write_price + output_tokens * price.output

    def _for(self, input_tokens: int) -> "Price":
        return next((price for limit, price in reversed(self.above) if input_tokens > limit), self)


@dataclass(frozen=True, slots=True)
class Request:
    """One question to a model. Two equal requests may be answered by one call."""

    messages: tuple[Message, ...]
    max_tokens: int
    """The longest answer, in tokens. Always sent: providers' own defaults cost money."""
    timeout: float
    """Seconds for one attempt."""
    stop: tuple[str, ...] = ()
    json_schema: dict[str, JSON] | None = None
    """The answer must be JSON of this shape, where the provider can promise that."""
    cache_prefix: bool = False
    """These messages will be sent again with more behind them: mark them for the provider's prompt cache."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model answered."""

    text: str
    usage: Usage
    model: str
    """The name we configured. What the provider calls it in its answer is not believed."""
    finish_reason: str
    """`stop`, `length`, or the provider's own word."""
    seconds: float


class Model(Protocol):
    """Something that answers. One instance serves all runs, from one event loop, many requests at a time."""

    @property
    def name(self) -> str:
        """The name we configured, as journals and answers state it."""

    @property
    def address(self) -> str:
        """Where it is asked, when that is another place than its provider's own; part of what makes two calls equal."""

    @property
    def window(self) -> int | None:
        """Tokens that one request may hold, or None when nobody has said."""

    async def complete(self, request: Request) -> Reply:
        """The model's answer. Raises ModelError; cancelling it abandons the call."""

    def price(self) -> Price | None:
        """What its tokens cost, or None when unknown."""

    def estimate(self, request: Request) -> Usage:
        """The most this request should cost: input estimated upward, output at `max_tokens`. For reserving a budget."""

    async def close(self) -> None:
        """Let go of connections and processes. Safe to call twice."""
