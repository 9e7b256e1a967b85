"""The facts of every document of a pack: taken from the cache where the same bytes were seen, extracted otherwise."""

import contextlib
import sqlite3
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from rlm_indexers.large import passing
from rlm_indexers.pack.reader import Document, Pack
from rlm_indexers.repo import content

if TYPE_CHECKING:
    from rlm_indexers.symbols import Extractor, Facts, Kept

WINDOW_BYTES = 32 << 20
"""Text of documents whose facts are worked out together: what of the results is held in memory."""
KEPT_AT_ONCE = 250
PASSING = ("parser-timeout", "parser-crashed", "parser-memory")
"""How failures begin that a crowded machine may have caused: the next load tries again."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (
    sha256 TEXT NOT NULL, language TEXT NOT NULL, version TEXT NOT NULL,
    rows BLOB NOT NULL, failure TEXT NOT NULL, facts BLOB NOT NULL, PRIMARY KEY (sha256, language, version)
)
"""
_PAGE_BYTES = 16384
"""A third of the time of the default: a document's facts are some ten thousand bytes."""


@dataclass(frozen=True, slots=True)
class Found:
    """Of one document: its symbols as rows of a pack, and why it has none though its language could."""

    rows: bytes
    failure: str


NOTHING = Found(b"", "")


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be extracted, and with whose help."""

    pack: Pack
    database: Path
    documents: Sequence[int] | None = None
    """Of which documents, in order; None: of all."""
    executor: Executor | None = None
    say: Callable[[str], None] | None = None


def version() -> str:
    """The version of all extraction: kept in a pack, and part of the key of cached facts."""
    from rlm_indexers.symbols import EXTRACTOR_VERSION

    return f"{content.VERSION}.{EXTRACTOR_VERSION}"


def languages() -> frozenset[str]:
    """Those whose documents have symbols."""
    from rlm_indexers.symbols import LANGUAGES

    return LANGUAGES


def extract(request: Request) -> Iterator[Found]:
    """One result per document, in order."""
    from rlm_indexers.symbols import Extractor

    done = 0
    with contextlib.closing(Extractor(request.executor)) as extractor, FactsCache(request.database) as cache:
        for window in _windows(request):
            yield from _window(request.pack, window, extractor, cache)
            done += len(window)
            if request.say and done > len(window):
                request.say(f"symbols of {done} documents")


def _windows(request: Request) -> Iterator[list[int]]:
    window: list[int] = []
    size = 0
    for i in range(len(request.pack)) if request.documents is None else request.documents:
        window.append(i)
        size += request.pack.entry(i).size
        if size >= WINDOW_BYTES:
            yield window
            window, size = [], 0
    yield window


def _window(pack: Pack, window: list[int], extractor: "Extractor", cache: "FactsCache") -> Iterator[Found]:
    known: dict[int, Found] = {}
    missing: dict[int, Document] = {}
    for i in window:
        document = pack.document(i)
        found = at_hand(document) or cache.get(document)
        if found is None:
            missing[i] = document
        else:
            known[i] = found
    items = ((i, missing[i].language, bytes(pack.data(i))) for i in passing(pack, missing))
    made: list[tuple[Document, Kept]] = []
    for i, kept in extractor.extract_kept(items):
        known[i] = Found(kept.rows, kept.failure)
        made.append((missing[i], kept))
        if len(made) >= KEPT_AT_ONCE:
            cache.put(made)
            made.clear()
    cache.put(made)
    yield from (known[i] for i in window)


class FactsReader:
    """All facts of documents of a pack, for questions about relations. Losing the cache costs time and nothing else."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._extractor: Extractor | None = None

    def _hired(self) -> "Extractor":
        """An extractor that stays warm as long as this object lives."""
        from rlm_indexers.symbols import Extractor

        if self._extractor is None:
            self._extractor = Extractor()
            weakref.finalize(self, self._extractor.close)
        return self._extractor

    def read(self, pack: Pack, documents: Iterable[int]) -> Iterator[tuple[int, "Facts"]]:
        """Of each document what is known, extracted anew where the cache has lost it."""
        from rlm_indexers.symbols import facts_from_json, text_only

        for i, text in self.read_json(pack, documents):
            try:
                yield i, facts_from_json(text) if text else text_only("")
            except ValueError:
                yield i, text_only("parser-crashed: it answered nonsense")

    def read_json(self, pack: Pack, documents: Iterable[int]) -> Iterator[tuple[int, str]]:
        """The same as it is kept, without making objects of it; "" of what has text only."""
        with FactsCache(self._database) as cache:
            for i in documents:
                document = pack.document(i)
                known = at_hand(document)
                text = None if known else cache.facts(document)
                if text is None and known is None:
                    item = (i, document.language, bytes(pack.data(i)))
                    _, kept = next(self._hired().extract_kept([item]))
                    cache.put([(document, kept)])
                    text = kept.facts.decode()
                yield i, text or ""


def at_hand(document: Document) -> Found | None:
    """What can be said without parsing: nothing of empty or unknown text, only text of what is no real source."""
    from rlm_indexers.symbols import LANGUAGES

    if document.language not in LANGUAGES or not document.size:
        return NOTHING
    for flag, reason in (("minified", "minified"), ("large", "too-large-for-symbols")):
        if flag in document.flags:
            return Found(b"", reason)
    return None


class FactsCache:
    """Facts by content, language and version, shared by all corpora. Losing it costs time and nothing else."""

    def __init__(self, database: Path) -> None:
        self._path = database
        self._version = version()
        self._database: sqlite3.Connection | None = None

    def __enter__(self) -> Self:
        with contextlib.suppress(sqlite3.Error):
            self._database = sqlite3.connect(self._path, timeout=10)
            self._database.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = NORMAL")
            self._database.execute(_SCHEMA)
        return self

    def __exit__(self, *_: object) -> None:
        if self._database:
            self._database.close()

    def get(self, document: Document) -> Found | None:
        query = "SELECT rows, failure FROM facts WHERE sha256 = ? AND language = ? AND version = ?"
        with contextlib.suppress(sqlite3.Error):
            row = self._database and self._database.execute(query, self._key(document)).fetchone()
            return Found(*row) if row else None
        return None

    def facts(self, document: Document) -> str | None:
        """All facts of a document, as they were extracted."""
        query = "SELECT facts FROM facts WHERE sha256 = ? AND language = ? AND version = ?"
        with contextlib.suppress(sqlite3.Error):
            row = self._database and self._database.execute(query, self._key(document)).fetchone()
            return bytes(row[0]).decode() if row else None
        return None

    def put(self, made: list[tuple[Document, "Kept"]]) -> None:
        """Keep results, but for failures that a crowded machine may have caused."""
        rows = [(*self._key(document), *kept) for document, kept in made if not kept.failure.startswith(PASSING)]
        with contextlib.suppress(sqlite3.Error):
            if self._database:
                with self._database:
                    self._database.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?, ?, ?, ?, ?)", rows)

    def _key(self, document: Document) -> tuple[str, str, str]:
        return document.sha256, document.language, self._version
