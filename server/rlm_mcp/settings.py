"""Every knob, read once from the environment (prefix `RLM_`) and passed on as one frozen object."""

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, get_args

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from rlm_mcp.errors import ConfigError

ProviderName = Literal["auto", "local", "docker", "daytona", "unsafe-no-isolation"]
Strategy = Literal["auto", "direct", "search", "map", "loop"]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]

PREFIX = "RLM_"
PROVIDER_NAMES: tuple[str, ...] = get_args(ProviderName)


def _cache_dir() -> Path:
    home = os.environ.get("XDG_CACHE_HOME")  # noqa: TID251 - this module is the place
    return (Path(home) if home else Path.home() / ".cache") / "rlm-mcp"


class Settings(BaseSettings):
    """One run's knobs. Money in USD, times in seconds, sizes in MB (10^6 bytes)."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", env_file=None)

    model: str = Field(default="", description="root model: a litellm name, agent:claude, agent:codex or offline")
    sub_model: str = Field(default="", description="sub-model, likewise; unset: chosen beside the root model")
    effort: Literal["", "low", "medium", "high"] = Field(
        default="", description="how hard a reasoning root model thinks; unset: as its provider does"
    )
    sandbox: ProviderName = Field(default="auto", description="where cells run")
    cache_dir: Path = Field(default_factory=_cache_dir, description="corpora, runs and clones live here")
    cell_timeout: float = Field(default=60.0, gt=0, description="seconds a cell may compute; sub-call waits excluded")
    cell_memory_mb: int = Field(default=1024, ge=64, description="private memory of a session")
    budget_usd: float = Field(default=1.0, ge=0, description="money one run may spend; 0: none may be spent")
    max_tokens: int = Field(default=20_000_000, gt=0, description="input and output tokens of one run")
    max_calls: int = Field(default=500, ge=0, description="sub-calls of one run")
    max_iterations: int = Field(default=30, gt=0, description="turns of the root model")
    max_depth: int = Field(default=1, ge=0, description="how deep rlm_query may nest")
    max_seconds: float = Field(default=1800.0, gt=0, description="wall time of one run")
    max_errors: int = Field(default=5, gt=0, description="failing cells in a row")
    answer_cache: bool = Field(default=True, description="sub-calls already paid for are answered from disk (0: off)")
    strategy: Strategy = Field(default="auto", description="how a question is answered")
    samples: int = Field(default=1, ge=1, le=3, description="independent runs of one question that must agree")
    history_scope: Literal["repository", "all"] = Field(
        default="repository", description="past sessions that an agent may load: of this repository only, or all"
    )
    daytona_api_url: str = Field(default="", description="another Daytona API than the SDK's own")
    log_level: LogLevel = Field(default="WARNING", description="what goes to stderr")


def load(environment: Mapping[str, str] | None = None, **overrides: object) -> Settings:
    """The settings: defaults, then `RLM_*` variables, then `overrides` that are not None. Raises ConfigError."""
    names = environment if environment is not None else os.environ  # noqa: TID251 - this module is the place
    _refuse_unknown(names)
    given = {field: names[PREFIX + field.upper()] for field in Settings.model_fields if PREFIX + field.upper() in names}
    given.update({key: str(value) for key, value in overrides.items() if value is not None})
    try:
        return Settings.model_validate({k: v for k, v in given.items() if v != ""})
    except ValidationError as error:
        raise ConfigError(_explain(error)) from error


def variables() -> Mapping[str, str]:
    """The environment as providers and models need it (keys keep the names litellm and Daytona give them)."""
    return os.environ  # noqa: TID251 - this module is the place


def _refuse_unknown(names: Mapping[str, str]) -> None:
    known = [PREFIX + field.upper() for field in Settings.model_fields]
    for name in names:
        if name.startswith(PREFIX) and name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]
            raise ConfigError(f"{name} is not a setting. Nearest: {near}. All: {', '.join(known)}.")


def _explain(error: ValidationError) -> str:
    first = error.errors()[0]
    field = str(first["loc"][0])
    meaning = Settings.model_fields[field].description
    return f"{PREFIX}{field.upper()} = {first['input']!r}: {first['msg']}. It means: {meaning}."
