"""From a question to a run: resolve the corpus, choose the models and the provider, let the engine answer."""

import asyncio
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from rlm_indexers.sources import secret_in
from rlm_mcp import freshness
from rlm_mcp.errors import ConfigError, RunBusy, in_words
from rlm_mcp.runs import Run, Work

if TYPE_CHECKING:
    from rlm_indexers.store import Corpus
    from rlm_mcp.app import App
    from rlm_mcp.engine.answer import Outcome
    from rlm_mcp.engine.citations import Checked
    from rlm_mcp.engine.following import Followed
    from rlm_mcp.library import Opened
    from rlm_mcp.settings import Settings

JSON = Any
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class AskOptions:
    """What one question may set for itself; None means as the server's settings say."""

    budget_usd: float | None = None
    follows: str | None = None
    """An earlier run on the same corpus, whose variables this one starts with."""


class Asking:
    """Starts runs for questions."""

    def __init__(self, app: "App") -> None:
        self._app = app

    def start(self, question: str, corpus: str, options: AskOptions | None = None) -> Run:
        """A run that answers `question` about `corpus` (a name, an id or a source). ConfigError: nothing is asked."""
        if not question.strip():
            raise ConfigError(f"The question is empty: {question!r}. Ask one about {corpus!r} in a sentence.")
        options = options or AskOptions()
        if reason := secret_in(corpus):  # before it stands in a journal
            raise ConfigError(reason)
        work = self._work(options)
        return self._app.runs.start(question=question, corpus=corpus, options=asdict(options), work=work)

    def resume(self, run_id: str) -> Run:
        """An interrupted run, going on from its journal: nothing recorded there is paid for again."""
        first = next(iter(self._app.runs.show(run_id)), {})
        known = {f.name for f in fields(AskOptions)}
        given = {name: value for name, value in (first.get("options") or {}).items() if name in known}
        return self._app.runs.resume(run_id, self._work(AskOptions(**given)))

    def _work(self, options: AskOptions) -> Work:
        settings = self._app.settings
        if options.budget_usd is not None:
            settings = settings.model_copy(update={"budget_usd": options.budget_usd})

        async def work(run: Run, say: Say) -> dict[str, JSON]:
            with in_words():
                return await _answer(self._app, settings, options, run, say)

        return work


async def _answer(app: "App", settings: "Settings", options: AskOptions, run: Run, say: Say) -> dict[str, JSON]:
    from rlm_mcp.engine import replay
    from rlm_mcp.engine.ask import ask
    from rlm_sandbox.base import Serving

    say("loading the corpus")
    opened = await app.library.resolve(_snapshot(run) or run.corpus, say)
    run.journal.write("corpus", id=opened.corpus.id, name=opened.corpus.name)
    say("starting the sandbox")
    provider, models = await asyncio.gather(app.provider(), app.models())
    if isinstance(provider, Serving):
        provider.serve(run.id)
    outcome = await ask(
        question=run.question,
        corpus=opened.corpus,
        provider=provider,
        root=models.root,
        sub=models.sub,
        calls=app.calls,
        limits=app.budget(settings),
        session_limits=app.session_limits(settings),
        strategy=settings.strategy,
        samples=settings.samples,
        journal=run.journal,
        progress=lambda progress: say(str(progress)),
        recorded=replay.read(run.recorded),
        follows=_followed(app, options.follows, opened.corpus.id) if options.follows else None,
    )
    return result(outcome, run, opened, models=(models.root.name, models.sub.name), provider=provider.name)


def _snapshot(run: Run) -> str:
    """The id of the corpus that a resumed run began with: it goes on with the same."""
    return next((str(record["id"]) for record in run.recorded if record["kind"] == "corpus"), "")


def _followed(app: "App", run_id: str, corpus_id: str) -> "Followed":
    """An earlier run's question, answer and variables. Raises RunBusy when it was about another corpus."""
    from rlm_mcp.engine import replay
    from rlm_mcp.engine.following import Followed

    records = list(app.runs.show(run_id))
    found = {record["kind"]: record for record in records}
    if found.get("corpus", {}).get("id") != corpus_id:
        raise RunBusy(f"Run {run_id} was about another corpus, or about an earlier state of this one. Ask without it.")
    question, answer = found.get("run", {}).get("question", ""), found.get("final", {}).get("text", "")
    return Followed(str(question), str(answer), replay.read(records))


def result(
    outcome: "Outcome", run: Run, opened: "Opened", *, models: tuple[str, str], provider: str
) -> dict[str, JSON]:
    """What `rlm-mcp ask --json` prints. `stale`: why the corpus may not be the present state of its source, if so."""
    corpus = opened.corpus
    return {
        "status": outcome.status,
        "reason": outcome.reason,
        "answer": outcome.answer,
        "citations": [_citation(citation, corpus) for citation in outcome.citations],
        "rejected": [_citation(citation, corpus) for citation in outcome.rejected],
        "usage": asdict(outcome.usage),
        "strategy": outcome.strategy,
        "run": run.id,
        "corpus": corpus.info.name,
        "corpus_id": corpus.id,
        **freshness.state(corpus.info),
        "stale": opened.stale,
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
