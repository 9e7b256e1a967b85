"""Ranked search over the chunks of a corpus: the index proposes, a closer look at the best decides."""

import contextlib
import re
import sqlite3
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from rlm_indexers.corpus import Hit, Hits, Span
from rlm_indexers.errors import PatternError
from rlm_indexers.pack.reader import Pack
from rlm_indexers.repo.ignores import chooser
from rlm_indexers.search.index import open_index
from rlm_indexers.search.ranking import rank
from rlm_indexers.search.signs import Candidate, Question
from rlm_indexers.search.words import asked, words

WEIGHTS = (3.6, 1.2, 0.25, 0.9)
"""Of name, scope, place and text."""
CANDIDATES = 200
LOOKED_AT_BYTES = 8000
MOST_WORDS = 48
NAMED = 100.0
"""What puts a definition first whose name is all that was asked."""
_IDENTIFIER = re.compile(r"[\w.:$]+")
_QUERY = """
SELECT document, start, end, title, kind, prose,
    -bm25(text, ?, ?, ?, ?) * CASE WHEN kind IN ('function', 'method') OR prose THEN 1.0 ELSE 0.6 END AS score
FROM text JOIN chunks ON chunks.id = text.rowid WHERE text MATCH ?
ORDER BY score DESC, document, start
"""
_FREQUENCY = "SELECT count(*) FROM text WHERE text MATCH ?"
_BY_DOCUMENT = """
SELECT document, count(*) FROM text JOIN chunks ON chunks.id = text.rowid WHERE text MATCH ? GROUP BY document
"""
Choice = Callable[[str], bool]


def search(index: Path, pack: Pack, query: str, limit: int = 10, offset: int = 0, documents: str | None = None) -> Hits:
    """The passages that share a word with a question, best first, from `offset` on. Ties go by place.

    What a single identifier names (`Client.send`, `sendFrame`) comes before everything else. The best CANDIDATES of
    the index are looked at closely; behind them the others follow as the index orders them, so that pages fit together.
    """
    found, offset, end = asked(query)[:MOST_WORDS], max(0, offset), max(0, offset) + max(0, limit)
    if not found:
        return Hits()
    try:
        with contextlib.closing(open_index(index)) as database:
            meant = chooser(documents) if documents else None
            candidates = propose(database, query, found, CANDIDATES, meant)
            others = _others(database, found, candidates, (offset, end), meant)
            telling = question(database, query, found)
            total = _count(database, found, meant)
    except sqlite3.Error as error:
        raise PatternError(f"the search index could not be asked ({error}): load the source again") from error
    ranked = rank(telling, candidates, lambda each: text(pack, each))
    first = sorted(((score + NAMED * _names(query, each), each) for score, each in ranked), key=lambda pair: -pair[0])
    behind = ((first[-1][0] + each.score - candidates[0].score, each) for each in others)
    return Hits((_hit(score, each) for score, each in (*first[offset:end], *behind)), total)


def propose(
    database: sqlite3.Connection, query: str, found: list[str], count: int, meant: Choice | None = None
) -> list[Candidate]:
    """The passages that share words with a question, best first as the index sees it; what it names is among them."""
    proposed = list(islice(_candidates(database, _any(found), meant), count))
    if _IDENTIFIER.fullmatch(query.strip()):
        every = " AND ".join(f'{{name scope}} : "{word}"' for word in words(query))
        proposed += islice(_candidates(database, every, meant), count)
    known: dict[tuple[str, int], Candidate] = {}
    for each in proposed:
        known.setdefault((each.document, each.start), each)
    return list(known.values())


def _others(
    database: sqlite3.Connection, found: list[str], known: list[Candidate], page: tuple[int, int], meant: Choice | None
) -> list[Candidate]:
    """What of a page lies behind the candidates already known, in the index's order."""
    start, end = (max(0, at - len(known)) for at in page)
    if end == 0:
        return []
    places = {(each.document, each.start) for each in known}
    rest = (each for each in _candidates(database, _any(found), meant) if (each.document, each.start) not in places)
    return list(islice(rest, start, end))


def _count(database: sqlite3.Connection, found: list[str], meant: Choice | None) -> int:
    """How many passages share a word with the question."""
    if meant is None:
        return int(database.execute(_FREQUENCY, (_any(found),)).fetchone()[0])
    return sum(count for document, count in database.execute(_BY_DOCUMENT, (_any(found),)) if meant(document))


def _any(found: list[str]) -> str:
    return " OR ".join(f'"{word}"' for word in found)


def _candidates(database: sqlite3.Connection, match: str, meant: Choice | None) -> Iterator[Candidate]:
    for document, start, end, title, kind, prose, score in database.execute(_QUERY, (*WEIGHTS, match)):
        if meant is None or meant(document):
            yield Candidate(document, start, end, title, kind, bool(prose), score)


def question(database: sqlite3.Connection, query: str, found: list[str]) -> Question:
    """The question, with what the index knows of its words."""
    passages = database.execute("SELECT count(*) FROM passages").fetchone()[0]
    return Question(query, found, lambda word: database.execute(_FREQUENCY, (f'"{word}"',)).fetchone()[0], passages)


def text(pack: Pack, candidate: Candidate) -> str:
    """The lines of a candidate; of a long one, its beginning."""
    i = pack.index(candidate.document)
    if i is None:
        return ""
    return pack.lines(i, candidate.start, candidate.end)[:LOOKED_AT_BYTES].decode("utf-8", "replace")


def _names(query: str, candidate: Candidate) -> bool:
    """Whether the question is nothing but (the end of) a candidate's qualified name, however its words are joined."""
    if not candidate.title or not _IDENTIFIER.fullmatch(query.strip()):
        return False
    wanted, own = words(query), words(candidate.title)
    return own[-len(wanted) :] == wanted and len(wanted) >= len(words(candidate.title.rpartition(".")[2]))


def _hit(score: float, found: Candidate) -> Hit:
    span = Span(found.document, found.start, found.end)
    return Hit(span, score, "symbol", found.title) if found.title else Hit(span, score, "text", found.document)
