"""From a question to a run: resolve the corpus, choose the models and the provider, let the engine answer."""

import asyncio
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rlm_mcp.runs import Run

if TYPE_CHECKING:
    from rlm_indexers.store import Corpus
    from rlm_mcp.app import App
    from rlm_mcp.engine.answer import Outcome
    from rlm_mcp.engine.citations import Checked
    from rlm_mcp.settings import Settings

JSON = Any
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class AskOptions:
    """What one question may set for itself; None means as the server's settings say."""

    budget_usd: float | None = None


class Asking:
    """Starts runs for questions."""

    def __init__(self, app: "App") -> None:
        self._app = app

    def start(self, question: str, corpus: str, options: AskOptions | None = None) -> Run:
        """A run that answers `question` about `corpus` (a name, an id or a source)."""
        options = options or AskOptions()
        settings = self._app.settings
        if options.budget_usd is not None:
            settings = settings.model_copy(update={"budget_usd": options.budget_usd})

        async def work(run: Run, say: Say) -> dict[str, JSON]:
            return await _answer(self._app, settings, run, say)

        return self._app.runs.start(question=question, corpus=corpus, options=asdict(options), work=work)


async def _answer(app: "App", settings: "Settings", run: Run, say: Say) -> dict[str, JSON]:
    from rlm_mcp.engine.ask import ask

    say("loading the corpus")
    opened = await app.library.resolve(run.corpus, say)
    say("starting the sandbox")
    provider, models = await asyncio.gather(app.provider(), app.models())
    outcome = await ask(
        question=run.question,
        corpus=opened.corpus,
        provider=provider,
        root=models.root,
        sub=models.sub,
        calls=app.calls,
        limits=app.budget(settings),
        session_limits=app.session_limits(settings),
        journal=run.journal,
        strategy=settings.strategy,
        progress=lambda progress: say(str(progress)),
    )
    return result(outcome, run, opened.corpus, models=(models.root.name, models.sub.name), provider=provider.name)


def result(
    outcome: "Outcome", run: Run, corpus: "Corpus", *, models: tuple[str, str], provider: str
) -> dict[str, JSON]:
    """What `rlm-mcp ask --json` prints."""
    return {
        "status": outcome.status,
        "reason": outcome.reason,
        "answer": outcome.answer,
        "citations": [_citation(citation, corpus) for citation in outcome.citations],
        "rejected": [_citation(citation, corpus) for citation in outcome.rejected],
        "usage": asdict(outcome.usage),
        "run": run.id,
        "corpus": corpus.info.name,
        "corpus_id": corpus.id,
        "revision": corpus.info.facts.get("revision"),
        "dirty": corpus.info.facts.get("dirty"),
        "model": models[0],
        "sub_model": models[1],
        "provider": provider,
    }


def _citation(checked: "Checked", corpus: "Corpus") -> dict[str, JSON]:
    citation = checked.citation
    row: dict[str, JSON] = {
        "document": citation.span.document,
        "start_line": citation.span.start,
        "end_line": citation.span.end,
        "quote": citation.quote,
        "sha256": citation.sha256,
        "state": citation.state,
        "reason": citation.reason,
        "seen": checked.seen,
    }
    origin = corpus.origin(citation.span) if citation.state != "rejected" else {}
    return row | ({"origin": origin} if origin else {})
