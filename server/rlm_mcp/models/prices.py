"""What a model can hold and what it costs: rows of the map that litellm brings along, read as a file, never fetched.

A row is found by the name *we configured*. What an answer calls its model is not believed: a local server that answers
as `gpt-4o-mini` would otherwise be billed at OpenAI's prices. A model without a row has no window and no price: None,
never 0.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rlm_mcp.models.base import Price

MAP = "model_prices_and_context_window_backup.json"
"""Part of litellm's wheel. Found without importing litellm, which would cost two seconds."""


@dataclass(frozen=True, slots=True)
class Row:
    """What is known of one model."""

    window: int | None = None
    """Tokens of input."""
    longest: int | None = None
    """Tokens of output."""
    price: Price | None = None
    reasoning: bool = False
    """It thinks before it answers, in tokens that count as output."""


@cache
def row(name: str) -> Row:
    """What is known of the model we call `name`; an empty row when nothing is."""
    entry = _entry(name)
    if entry is None:
        return Row()
    return Row(
        _whole(entry.get("max_input_tokens") or entry.get("max_tokens")),
        _whole(entry.get("max_output_tokens")),
        _price(entry),
        entry.get("supports_reasoning") is True,
    )


def _entry(name: str) -> dict[str, Any] | None:
    """`openai/gpt-5` is listed as `gpt-5`, `gemini/gemini-2.5-pro` under its full name."""
    rows = _map()
    if name in rows:
        return rows[name]
    provider, _, bare = name.partition("/")
    entry = rows.get(bare)
    return entry if entry and str(entry.get("litellm_provider", "")).startswith(provider) else None


def _map() -> dict[str, dict[str, Any]]:
    """Read anew for each model: 20 ms twice in a server's life, instead of 15 MB for all of it."""
    spec = find_spec("litellm")
    if spec is None or spec.origin is None:
        return {}
    try:
        rows = json.loads((Path(spec.origin).parent / MAP).read_bytes())
    except (OSError, ValueError):
        return {}
    return {name: entry for name, entry in rows.items() if isinstance(entry, dict)}


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and value > 0 else None


def _price(entry: dict[str, Any]) -> Price | None:
    ranges = entry.get("tiered_pricing")
    if isinstance(ranges, list) and ranges:
        first, *others = ranges
        return _flat(first, "", tuple((int(tier["range"][0]), price) for tier in others if (price := _flat(tier))))
    limits = sorted({int(key.split("_")[5][:-1]) for key in entry if _is_limit(key)})
    above = tuple((limit * 1000, price) for limit in limits if (price := _flat(entry, f"_above_{limit}k_tokens")))
    return _flat(entry, "", above)


def _is_limit(key: str) -> bool:
    """`input_cost_per_token_above_200k_tokens`, but not its `_priority` and `_batches` cousins."""
    return key.startswith("input_cost_per_token_above_") and key.endswith("k_tokens")


def _flat(entry: dict[str, Any], suffix: str = "", above: tuple[tuple[int, Price], ...] = ()) -> Price | None:
    sent, written = entry.get("input_cost_per_token" + suffix), entry.get("output_cost_per_token" + suffix)
    if not isinstance(sent, int | float) or not isinstance(written, int | float):
        return None
    read, write = (entry.get(f"cache_{act}_input_token_cost{suffix}") for act in ("read", "creation"))
    # A write price of 0 means "nothing extra": the tokens still cost what input costs.
    return Price(float(sent), float(written), read or None, write or None, above)
