"""Ranked search over the chunks of a corpus."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from rlm_indexers.corpus import Hit, Span
from rlm_indexers.errors import PatternError
from rlm_indexers.ignores import chooser
from rlm_indexers.search_index import open_index
from rlm_indexers.words import asked

WEIGHTS = (5.0, 2.0, 2.0, 1.0)
"""Of name, place, documentation and text."""
MOST_WORDS = 64
_QUERY = """
SELECT document, start, end, title, -bm25(text, ?, ?, ?, ?) AS score
FROM text JOIN chunks ON chunks.id = text.rowid WHERE text MATCH ?
ORDER BY score DESC, document, start
"""


def search(index: Path, query: str, limit: int = 10, documents: str | None = None) -> list[Hit]:
    """The best chunks for a question or some words, best first; a better chunk has a higher score."""
    found = asked(query)[:MOST_WORDS]
    if not found:
        return []
    meant = chooser(documents) if documents else None
    hits: list[Hit] = []
    for hit in _ranked(index, " OR ".join(f'"{word}"' for word in found)):
        if meant is None or meant(hit.span.document):
            hits.append(hit)
            if len(hits) >= limit:
                break
    return hits


def _ranked(index: Path, match: str) -> Iterator[Hit]:
    try:
        with contextlib.closing(open_index(index)) as database:
            for document, start, end, title, score in database.execute(_QUERY, (*WEIGHTS, match)):
                span = Span(document, start, end)
                yield Hit(span, score, "symbol", title) if title else Hit(span, score, "text", document)
    except sqlite3.Error as error:
        raise PatternError(f"the search index could not be asked ({error}): load the source again") from error
