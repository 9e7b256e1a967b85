"""Ranked search over the chunks of a corpus: the index proposes, a closer look at the best decides."""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from rlm_indexers.corpus import Hit, Span
from rlm_indexers.errors import PatternError
from rlm_indexers.ignores import chooser
from rlm_indexers.ranking import Candidate, Question, question, rank
from rlm_indexers.reader import Pack
from rlm_indexers.search_index import open_index
from rlm_indexers.words import asked

WEIGHTS = (3.6, 1.2, 0.3, 0.2, 0.6, 0.6, 0.6)
"""Of name, scope, file, folder, signature, documentation and text."""
CANDIDATES = 150
LOOKED_AT_BYTES = 8000
MOST_WORDS = 48
_QUERY = """
SELECT document, start, end, title, kind, prose,
    -bm25(text, ?, ?, ?, ?, ?, ?, ?) * CASE WHEN kind IN ('function', 'method') OR prose THEN 1.0 ELSE 0.6 END AS score
FROM text JOIN chunks ON chunks.id = text.rowid WHERE text MATCH ?
ORDER BY score DESC, document, start
"""
_FREQUENCY = "SELECT count(*) FROM text WHERE text MATCH ?"


def search(index: Path, pack: Pack, query: str, limit: int = 10, documents: str | None = None) -> list[Hit]:
    """The best passages for a question or some words, best first; a better one has a higher score. Ties go by place."""
    found = asked(query)[:MOST_WORDS]
    if not found or limit < 1:
        return []
    try:
        with contextlib.closing(open_index(index)) as database:
            meant = chooser(documents) if documents else None
            candidates = list(islice(_candidates(database, found, meant), max(CANDIDATES, limit)))
            telling = _question(database, found)
    except sqlite3.Error as error:
        raise PatternError(f"the search index could not be asked ({error}): load the source again") from error
    ranked = rank(telling, candidates, lambda each: _text(pack, each))
    return [_hit(score, each) for score, each in ranked[:limit]]


def _candidates(
    database: sqlite3.Connection, found: list[str], meant: Callable[[str], bool] | None
) -> Iterator[Candidate]:
    match = " OR ".join(f'"{word}"' for word in found)
    for document, start, end, title, kind, prose, score in database.execute(_QUERY, (*WEIGHTS, match)):
        if meant is None or meant(document):
            yield Candidate(document, start, end, title, kind, bool(prose), score)


def _question(database: sqlite3.Connection, found: list[str]) -> Question:
    passages = database.execute("SELECT count(*) FROM chunks").fetchone()[0]
    return question(found, lambda word: database.execute(_FREQUENCY, (f'"{word}"',)).fetchone()[0], passages)


def _text(pack: Pack, candidate: Candidate) -> str:
    i = pack.index(candidate.document)
    if i is None:
        return ""
    return pack.lines(i, candidate.start, candidate.end)[:LOOKED_AT_BYTES].decode("utf-8", "replace")


def _hit(score: float, found: Candidate) -> Hit:
    span = Span(found.document, found.start, found.end)
    return Hit(span, score, "symbol", found.title) if found.title else Hit(span, score, "text", found.document)
