"""Which models a run gets: as told, else by the keys present, else offline. Nothing is chosen silently."""

import asyncio
import subprocess
import sys

import pytest

from rlm_mcp.errors import ConfigError
from rlm_mcp.models.agent_cli import AgentModel, found
from rlm_mcp.models.choose import choice, choose
from rlm_mcp.models.litellm_door import LitellmModel
from rlm_mcp.models.offline import NoSubModel, OfflineModel
from rlm_mcp.models.openai_door import OpenAIModel

OPENAI, ANTHROPIC, LOCAL = {"OPENAI_API_KEY": "k"}, {"ANTHROPIC_API_KEY": "k"}, {"OPENAI_BASE_URL": "http://here/v1"}

CHOICES = [
    ("", "", {}, "offline", "offline"),
    ("", "", {"SOME_KEY": "k"}, "offline", "offline"),
    ("", "", OPENAI, "openai/gpt-6.1-sol", "openai/gpt-6-luna"),
    ("", "", OPENAI | ANTHROPIC, "anthropic/claude-sonnet-5-5", "anthropic/claude-haiku-5-5"),
    ("offline", "", OPENAI, "offline", "offline"),
    ("openai/gpt-5.5", "", OPENAI, "openai/gpt-5.5", "openai/gpt-6-luna"),
    ("openai/gpt-5.5", "openai/gpt-5.4-nano", OPENAI, "openai/gpt-5.5", "openai/gpt-5.4-nano"),
    ("openai/local", "", LOCAL, "openai/local", "openai/local"),
    ("", "", OPENAI | LOCAL, "offline", "offline"),
    ("", "", OPENAI | LOCAL | ANTHROPIC, "anthropic/claude-sonnet-5-5", "anthropic/claude-haiku-5-5"),
    ("ollama/llama", "", {}, "ollama/llama", "ollama/llama"),
    ("agent:claude", "", {}, "agent:claude", "agent:claude"),
    ("agent:codex", "", OPENAI, "agent:codex", "offline"),
    ("agent:codex", "agent:claude:haiku", {}, "agent:codex", "agent:claude:haiku"),
]


@pytest.mark.parametrize(("model", "sub", "environment", "root", "chosen_sub"), CHOICES)
def test_models_are_chosen_as_told_or_by_the_keys_present(model, sub, environment, root, chosen_sub):
    chosen = choice(model, sub, environment)
    assert (chosen.root, chosen.sub) == (root, chosen_sub)
    models = choose(model, sub, environment)
    assert [made.name for made in models] == [root, chosen_sub]


def test_each_name_gets_the_door_it_needs():
    kinds = [
        ("offline", OfflineModel),
        ("openai/x", OpenAIModel),
        ("gemini/x", LitellmModel),
        ("agent:claude", AgentModel),
    ]
    for name, kind in kinds:
        assert type(choose(name, "", {})[0]) is kind
    assert type(choose("offline", "", {})[1]) is NoSubModel


def test_the_reason_is_said_and_an_address_without_a_model_says_what_to_set():
    assert choice("", "", OPENAI).reason == "RLM_MODEL is not set; OPENAI_API_KEY is."
    assert "RLM_MODEL=openai/<name>" in choice("", "", OPENAI | LOCAL).reason


@pytest.mark.parametrize("name", ["agent:nobody", "a name", "https://api.openai.com/v1", "/models/x"])
def test_a_name_that_can_be_no_model_is_refused_at_once(name):
    with pytest.raises(ConfigError, match="no model"):
        choose(name, "", {})


def test_codex_does_not_take_sub_calls():
    with pytest.raises(ConfigError, match="agent:claude"):
        choose("agent:claude", "agent:codex", {})


def test_installed_agents_are_detected_without_starting_them(tmp_path):
    command = tmp_path / "claude"
    command.write_text("#!/bin/sh\ntouch started\n")
    command.chmod(0o755)
    assert found({"PATH": str(tmp_path)}) == {"claude": str(command)}
    assert found({"PATH": ""}) == {}
    assert choice("", "", {"PATH": str(tmp_path)}).root == "offline"
    assert not (tmp_path / "started").exists()


def test_the_two_models_share_one_pool_of_connections():
    async def main() -> None:
        root, sub = choose("openai/a", "openai/b", LOCAL)
        assert root._connections is sub._connections
        await root.close()
        await sub.close()

    asyncio.run(main())


def test_choosing_models_imports_neither_litellm_nor_openai():
    program = (
        "import sys; from rlm_mcp.models.choose import choose; choose('', '', {'ANTHROPIC_API_KEY': 'k'});"
        "sys.exit(sorted({'litellm', 'openai', 'mcp'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert done.stderr == b"[]\n"
