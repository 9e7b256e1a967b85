"""The one place that wires things: settings → library, runs, models, provider → an App."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rlm_indexers.history.agents import Places
from rlm_indexers.store import Store
from rlm_mcp import settings as settings_module
from rlm_mcp.errors import ConfigError, in_words
from rlm_mcp.library import Library
from rlm_mcp.runs import Runs
from rlm_mcp.settings import Settings
from rlm_sandbox import confinement

if TYPE_CHECKING:
    from rlm_mcp.engine.budget import BudgetLimits
    from rlm_mcp.models.base import Model
    from rlm_mcp.models.calls import Calls
    from rlm_sandbox import Limits, Provider


TOOLS = frozenset({"load_corpus", "rlm_ask", "rlm_job", "corpus_read", "rlm_exec"})
"""By which agents call us."""


@dataclass(frozen=True, slots=True)
class Models:
    """The two models of a run."""

    root: "Model"
    sub: "Model"


class App:
    """Everything that tools and commands need. What is slow to start is started at its first use, once."""

    def __init__(self, settings: Settings, *, cwd: Path) -> None:
        self.settings = settings
        self.environment = settings_module.variables()
        self.cwd = cwd
        self.places = _places(self.environment)
        store = Store(settings.cache_dir, places=self.places, confine=confinement.PROGRAM)
        self.library = Library(store, cwd)
        self.runs = Runs(settings.cache_dir / "runs")
        self._lock = asyncio.Lock()
        self._provider: Provider | None = None
        self._models: Models | None = None
        self._calls: Calls | None = None

    async def provider(self) -> "Provider":
        """Where cells run. Raises LowerError with the way out when nothing isolates here."""
        async with self._lock:
            if self._provider is None:
                from rlm_sandbox.choose import choose

                with in_words():
                    self._provider = await choose(
                        self.settings.sandbox,
                        daytona_api_key=self.environment.get("DAYTONA_API_KEY", ""),
                        daytona_api_url=self.settings.daytona_api_url,
                    )
            return self._provider

    async def models(self) -> Models:
        """The root model and the sub-model, as the settings and the keys present say."""
        async with self._lock:
            if self._models is None:
                from rlm_mcp.models.choose import choose

                root, sub = choose(
                    self.settings.model, self.settings.sub_model, self.environment, self.settings.effort or None
                )
                self._models = Models(root, sub)
            return self._models

    @property
    def calls(self) -> "Calls":
        """The one path that every model call takes."""
        if self._calls is None:
            from rlm_mcp.models.answers import Answers
            from rlm_mcp.models.calls import Calls

            answers = Answers(self.settings.cache_dir / "answers.sqlite") if self.settings.answer_cache else None
            self._calls = Calls(answers=answers)
        return self._calls

    def budget(self, settings: Settings) -> "BudgetLimits":
        """What one run may spend."""
        from rlm_mcp.engine.budget import BudgetLimits

        return BudgetLimits(
            usd=settings.budget_usd,
            tokens=settings.max_tokens,
            calls=settings.max_calls,
            iterations=settings.max_iterations,
            depth=settings.max_depth,
            seconds=settings.max_seconds,
            errors=settings.max_errors,
        )

    def session_limits(self, settings: Settings) -> "Limits":
        """What one session may use."""
        from rlm_sandbox import Limits

        return Limits(cell_seconds=settings.cell_timeout, memory_mb=settings.cell_memory_mb)

    async def close(self) -> None:
        """Cancel runs, end sessions, let go of connections."""
        await self.runs.close()
        if self._calls is not None:
            await self._calls.close()
        if self._provider is not None:
            await self._provider.close()
        if self._models is not None:
            await self._models.root.close()
            await self._models.sub.close()


@contextlib.asynccontextmanager
async def opened(settings: Settings, *, cwd: Path) -> AsyncIterator[App]:
    """An App, closed again at the end. Raises ConfigError where nothing can be kept."""
    try:
        app = App(settings, cwd=cwd)
    except OSError as error:
        folder = str(settings.cache_dir)
        raise ConfigError(f"RLM_CACHE_DIR = {folder!r}: {error}. Choose a folder that can be written.") from error
    try:
        yield app
    finally:
        await app.close()


def _places(environment: Mapping[str, str]) -> Places:
    """Where agents keep their transcripts: their own variables, else their places below the user's home."""
    folders = {
        "claude_config": environment.get("CLAUDE_CONFIG_DIR"),
        "codex_home": environment.get("CODEX_HOME"),
        "data_home": environment.get("XDG_DATA_HOME"),
    }
    return Places(Path.home(), **{name: Path(folder) for name, folder in folders.items() if folder}, tools=TOOLS)
