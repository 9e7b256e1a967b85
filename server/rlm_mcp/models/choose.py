"""From settings and the keys present to the two models of a run."""

from collections.abc import Mapping
from dataclasses import dataclass

from rlm_mcp.errors import ConfigError
from rlm_mcp.models import agent_cli, offline
from rlm_mcp.models.base import Model
from rlm_mcp.models.connections import Connections
from rlm_mcp.models.litellm_door import LitellmModel
from rlm_mcp.models.openai_door import PREFIX, OpenAIModel

AGENT = "agent:"


@dataclass(frozen=True, slots=True)
class Default:
    """What is used when there is a key and RLM_MODEL does not say."""

    key: str
    """The environment variable, as litellm names it."""
    root: str
    sub: str
    """Reads much, so it is the provider's cheap one."""

    @property
    def provider(self) -> str:
        return self.root.partition("/")[0]


DEFAULTS = (
    Default("ANTHROPIC_API_KEY", "anthropic/claude-sonnet-5-5", "anthropic/claude-haiku-5-5"),
    Default("OPENAI_API_KEY", "openai/gpt-6.1-sol", "openai/gpt-6-luna"),
    Default("GEMINI_API_KEY", "gemini/gemini-3.8-flash", "gemini/gemini-3.5-flash-lite"),
    Default("DEEPSEEK_API_KEY", "deepseek/deepseek-v4-pro", "deepseek/deepseek-v4-flash"),
    Default("XAI_API_KEY", "xai/grok-4.7", "xai/grok-4.3"),
    Default("MISTRAL_API_KEY", "mistral/mistral-medium-latest", "mistral/mistral-small-latest"),
    Default("ZAI_API_KEY", "zai/glm-5.3", "zai/glm-5.3-flash"),
    Default("MOONSHOT_API_KEY", "moonshot/kimi-k3", "moonshot/kimi-k2.6"),
    Default("GROQ_API_KEY", "groq/openai/gpt-oss-120b", "groq/openai/gpt-oss-20b"),
)
"""In order of preference. Every name is in the map that litellm brings; a test holds this."""

OWN_ADDRESS = ("OPENAI_BASE_URL", "OPENAI_API_BASE")
"""Where `openai/…` goes instead of OpenAI. Which models there are, only the user knows."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The names of the two models, and why these, in a sentence for a person."""

    root: str
    sub: str
    reason: str


def choose(
    model: str, sub_model: str, environment: Mapping[str, str], effort: str | None = None
) -> tuple[Model, Model]:
    """The root model (thinking with `effort` if it can) and the sub-model. Raises ConfigError for no model's name."""
    names = choice(model, sub_model, environment)
    shared = Connections()
    return _root(names.root, environment, shared, effort), _sub(names.sub, environment, shared)


def choice(model: str, sub_model: str, environment: Mapping[str, str]) -> Choice:
    """What `choose` would take, by name, without making anything."""
    default = _by_key(environment)
    if model:
        root, reason = model, "RLM_MODEL says so."
    elif default:
        root, reason = default.root, f"RLM_MODEL is not set; {default.key} is."
    else:
        root, reason = offline.NAME, _why_offline(environment)
    return Choice(root, sub_model or _beside(root, environment), reason)


def _by_key(environment: Mapping[str, str]) -> Default | None:
    """The first provider with a key. An OpenAI key for another address names no model that is surely there."""
    elsewhere = _own_address(environment)
    return next((d for d in DEFAULTS if environment.get(d.key) and not (elsewhere and d.provider == "openai")), None)


def _beside(root: str, environment: Mapping[str, str]) -> str:
    """The sub-model for a root: its provider's cheap one, or the root itself where we know no better."""
    if root == offline.NAME or root.split(":")[:2] == ["agent", "codex"]:
        return offline.NAME
    if root.startswith(AGENT) or (root.startswith("openai/") and _own_address(environment)):
        return root
    return next((d.sub for d in DEFAULTS if root.startswith(d.provider + "/")), root)


def _root(name: str, environment: Mapping[str, str], shared: Connections, effort: str | None) -> Model:
    if name == offline.NAME:
        return offline.OfflineModel()
    return _agent(name, environment) if name.startswith(AGENT) else _named(name, environment, shared, effort)


def _sub(name: str, environment: Mapping[str, str], shared: Connections) -> Model:
    if name == offline.NAME:
        return offline.NoSubModel()
    if name.split(":")[:2] == ["agent", "codex"]:
        raise ConfigError(
            "agent:codex cannot be the sub-model: each call carries 7 KB of Codex's own prompt. "
            "Set RLM_SUB_MODEL to agent:claude or to a litellm name."
        )
    return _agent(name, environment) if name.startswith(AGENT) else _named(name, environment, shared)


def _agent(name: str, environment: Mapping[str, str]) -> Model:
    agent = agent_cli.AGENTS.get(name.split(":")[1])
    if agent is None:
        known = ", ".join(AGENT + known for known in agent_cli.AGENTS)
        raise ConfigError(f"There is no model {name!r}. Agents: {known}.")
    return agent_cli.AgentModel(name, agent(), environment)


def _named(name: str, environment: Mapping[str, str], shared: Connections, effort: str | None = None) -> Model:
    if any(character.isspace() for character in name) or name.startswith(("/", "http:", "https:")):
        raise ConfigError(f"{name!r} is no model name. Like openai/gpt-6.1-sol, anthropic/claude-sonnet-5-5, offline.")
    if not name.startswith(PREFIX):
        return LitellmModel(name, effort=effort, connections=shared)
    key = environment.get("OPENAI_API_KEY")
    return OpenAIModel(name, effort=effort, api_base=_own_address(environment), api_key=key, connections=shared)


def _own_address(environment: Mapping[str, str]) -> str:
    return next((environment[name] for name in OWN_ADDRESS if environment.get(name)), "")


def _why_offline(environment: Mapping[str, str]) -> str:
    if _own_address(environment):
        return "OPENAI_BASE_URL is set, but not which model to ask there: set RLM_MODEL=openai/<name>."
    return "No key of a known provider is set: set one, or RLM_MODEL."
