"""Settings are read once, and a wrong one is named with what to do about it."""

import pytest

from rlm_mcp import settings
from rlm_mcp.errors import ConfigError


def test_defaults_hold_when_nothing_is_set() -> None:
    loaded = settings.load({})
    assert (loaded.sandbox, loaded.budget_usd, loaded.max_calls) == ("auto", 1.0, 500)


def test_variables_override_defaults_and_flags_override_variables() -> None:
    environment = {"RLM_MAX_CALLS": "7", "RLM_SANDBOX": "docker", "HOME": "/x"}
    loaded = settings.load(environment, max_calls="9", sandbox=None)
    assert (loaded.max_calls, loaded.sandbox) == (9, "docker")


def test_an_empty_variable_counts_as_unset() -> None:
    assert settings.load({"RLM_MODEL": "", "RLM_MAX_CALLS": ""}).max_calls == 500


def test_an_unknown_variable_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match=r"RLM_BUGDET_USD is not a setting. Nearest: RLM_BUDGET_USD"):
        settings.load({"RLM_BUGDET_USD": "1"})


@pytest.mark.parametrize(
    ("name", "value"),
    [("RLM_MAX_CALLS", "many"), ("RLM_BUDGET_USD", "-1"), ("RLM_SANDBOX", "none"), ("RLM_CELL_TIMEOUT", "0")],
)
def test_a_wrong_value_is_named_with_its_meaning(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=rf"{name} = '{value}': .* It means: "):
        settings.load({name: value})


def test_settings_cannot_be_changed_after_they_were_read() -> None:
    with pytest.raises(ValueError, match="frozen"):
        settings.load({}).max_calls = 1
