"""Prices and windows: from our own row for the name we configured, and unknown when there is none."""

import pytest

from rlm_mcp.models.base import NO_USAGE, Message, Price, Usage
from rlm_mcp.models.choose import DEFAULTS
from rlm_mcp.models.prices import row
from rlm_mcp.models.tokens import estimate_messages, estimate_tokens


def test_every_default_model_is_listed_with_a_window_and_a_price():
    for default in DEFAULTS:
        for name in (default.root, default.sub):
            assert row(name).price is not None, name
            assert (row(name).window or 0) >= 100_000, name


def test_the_sub_model_of_a_provider_is_not_dearer_than_its_root():
    for default in DEFAULTS:
        assert row(default.sub).price.input <= row(default.root).price.input, default.key


def test_a_name_nobody_lists_has_no_price_and_no_window():
    assert (row("openai/my-local-model").price, row("openai/my-local-model").window) == (None, None)


def test_a_name_is_not_priced_as_another_providers_model():
    assert row("anthropic/claude-haiku-5-5").price is not None
    assert row("openai/claude-haiku-5-5").price is None


def test_cached_and_written_tokens_cost_what_they_cost():
    price = Price(10.0, 50.0, cached_input=1.0, cache_write=12.0)
    assert price.cost(100, 2, cached=60, written=30) == 10 * 10 + 60 * 1 + 30 * 12 + 2 * 50
    assert Price(10.0, 50.0).cost(100, 2, cached=60) == 100 * 10 + 2 * 50


def test_a_long_prompt_is_charged_whole_by_the_price_above_the_limit():
    price = Price(1.0, 2.0, above=((100, Price(3.0, 4.0)), (1000, Price(5.0, 6.0))))
    assert [price.cost(sent, 1) for sent in (100, 101, 1001)] == [102.0, 307.0, 5011.0]
    assert row("openai/gpt-6.1-sol").price.above[0][0] == 272_000


def test_an_unknown_cost_stays_unknown_in_a_sum():
    assert Usage(1, 2, 0, 0.5) + Usage(3, 4, 1, 0.25) == Usage(4, 6, 1, 0.75)
    assert (Usage(1, 2, 0, 0.5) + Usage(3, 4)).usd is None
    assert sum([Usage(1, 2, 0, 0.5)], NO_USAGE).usd == 0.5


@pytest.mark.parametrize(("text", "least"), [("", 0), ("a", 1), ("word " * 1000, 1100), ("漢字" * 100, 200)])
def test_tokens_are_guessed_upward(text, least):
    assert least <= estimate_tokens(text) <= least * 2 + 1
    assert estimate_messages((Message("user", text),)) > estimate_tokens(text)
