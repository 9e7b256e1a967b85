"""Corpora as the tools know them: a name or a source in, an opened and up-to-date corpus out."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rlm_indexers.corpus import CorpusInfo
from rlm_indexers.errors import CorpusNotFound, IndexerError, SourceError
from rlm_indexers.store import Corpus, Store
from rlm_mcp import freshness, reading
from rlm_mcp.errors import LowerError, in_words

JSON = Any
Say = Callable[[str], None]
OUTLINE_LINES = 24
CORE_TOKENS = 150


@dataclass(frozen=True, slots=True)
class Opened:
    """A corpus ready to be asked about, and what its loading showed."""

    corpus: Corpus
    reused: bool
    seconds: float
    stale: str = ""
    """Why this may not be the present state of its source; "" when it is."""

    @property
    def info(self) -> dict[str, JSON]:
        """What `rlm-mcp load` prints."""
        info = self.corpus.info
        coverage = self.corpus.coverage.as_json()
        return {
            "corpus": info.name,
            "id": info.id,
            "kind": info.kind,
            "documents": info.documents,
            "bytes": info.bytes,
            "lines": info.lines,
            "languages": coverage["languages"],
            "coverage": coverage,
            **freshness.state(info),
            "seconds": round(self.seconds, 3),
            "reused": self.reused,
        }

    def outline(self) -> str:
        """The folders and files of the corpus, and of code what matters most in it: a few lines. Blocking."""
        core = ""
        if self.corpus.kind == "repo" and len(self.corpus.pack) > OUTLINE_LINES:
            core = self.corpus.outline(CORE_TOKENS, head=False, wait=False)
        return "\n".join(filter(None, (*folders(self.corpus, OUTLINE_LINES), core)))


class GivenUp(BaseException):
    """Ends a load that nobody waits for any more; no Exception, so that nothing on the way takes it for a failure."""


class Library:
    """The corpora in one cache folder."""

    def __init__(self, store: Store, cwd: Path) -> None:
        self._store = store
        self._cwd = cwd

    async def load(self, source: str, *, kind: str = "auto", name: str | None = None, say: Say | None = None) -> Opened:
        """A source as a corpus: read what is new, reuse the rest. Raises LowerError in the indexers' words."""
        return await self._in_thread(lambda told: self._load(source, kind, name, told), say)

    async def resolve(self, corpus: str, say: Say | None = None) -> Opened:
        """A loaded corpus by id (as it is), or by name (refreshed from its source), or a source loaded on the fly.

        When the source cannot be read any more, what was last loaded of it, which then says so.
        """
        return await self._in_thread(lambda told: self._resolve(corpus, told), say)

    async def read(self, corpus: str, query: str, page: reading.Page) -> tuple[Opened, reading.Found]:
        """What a query finds in a corpus, without a model."""
        opened = await self.resolve(corpus)
        with in_words():
            found = await asyncio.to_thread(reading.read, opened.corpus, query, page)
        return opened, replace(found, caveat=" ".join(filter(None, (opened.stale, found.caveat))))

    def _load(self, source: str, kind: str, name: str | None, say: Say | None) -> Opened:
        loaded = self._store.load(source, kind=kind, name=name, cwd=self._cwd, progress=say)
        return Opened(loaded.corpus, loaded.reused, loaded.seconds)

    def _resolve(self, corpus: str, say: Say | None) -> Opened:
        known = self._store.list()
        if any(info.id == corpus for info in known):
            return self._stored(corpus, "an id names one state for ever; ask by name or source for the present one")
        named = None if (self._cwd / corpus).exists() else self._named(corpus)
        sources = (corpus, str(self._cwd / corpus))
        last = named or next((info for info in known if info.source in sources), None)
        try:
            if named:
                return self._load(named.source, named.kind, corpus, say)
            return self._load(corpus, "auto", None, say)
        except SourceError as error:
            if last is None:
                raise
            return self._stored(last.id, f"its source could not be read again: {error}")

    def _named(self, name: str) -> CorpusInfo | None:
        """What was last loaded under a name: the one given with its source, or the source's own."""
        with contextlib.suppress(CorpusNotFound):
            return self._store.open(name).info
        return None

    def _stored(self, corpus_id: str, why: str) -> Opened:
        corpus = self._store.open(corpus_id)
        return Opened(corpus, reused=True, seconds=0.0, stale=freshness.as_it_was(corpus.info, why))

    async def _in_thread(self, work: Callable[[Say], Opened], say: Say | None) -> Opened:
        """What `work` gives. Cancelled, the thread ends at the next thing it has to say."""
        given_up = threading.Event()

        def told(message: str) -> None:
            if given_up.is_set():
                raise GivenUp
            if say is not None:
                say(message)

        try:
            return await asyncio.to_thread(work, told)
        except asyncio.CancelledError:
            given_up.set()
            raise
        except IndexerError as error:
            loaded = ", ".join(dict.fromkeys(info.name for info in self._store.list())) or "nothing"
            raise LowerError(f"{str(error).rstrip('.')}. Loaded: {loaded}.") from error


def folders(corpus: Corpus, limit: int) -> list[str]:
    """The top of the corpus's tree as `path/ (n documents)`, largest first, at most `limit` lines."""
    counts: dict[str, int] = {}
    for document in corpus.pack.documents():
        head, slash, _ = document.id.partition("/")
        counts[head + slash] = counts.get(head + slash, 0) + 1
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    lines = [f"  {name} ({count} documents)" if name.endswith("/") else f"  {name}" for name, count in ranked[:limit]]
    return lines + ([f"  … and {len(ranked) - limit} more"] if len(ranked) > limit else [])
