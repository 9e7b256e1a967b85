"""The search index beside a pack: SQLite's FTS5 over chunks, taken over from the last one where nothing changed."""

import contextlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from rlm_indexers.languages import PROSE
from rlm_indexers.large import forget, passing
from rlm_indexers.pack.columns import Columns
from rlm_indexers.pack.reader import Pack
from rlm_indexers.pack.segments import Copy, copy_range
from rlm_indexers.search.chunks import WINDOW_LINES, Chunk, chunks
from rlm_indexers.search.words import split_identifiers

Say = Callable[[str], None]
NAME = "search.sqlite"
SAID_EVERY = 200
HELD_BYTES = 16 << 20
LINES_HELD = 250 * WINDOW_LINES
CHUNKS_HELD = 2000
"""A larger text without symbols, and any other's chunks, are taken in pieces of this many."""
VERSION = 3
"""Raised when the same pack would be indexed another way."""
REBUILT_SHARE = 0.4
"""When more than this share of the documents changed, a new index costs less than mending the old one."""
_SCHEMA = (
    "CREATE TABLE documents (first INTEGER PRIMARY KEY, id TEXT UNIQUE, prose INTEGER)",
    "CREATE TABLE passages (id INTEGER PRIMARY KEY, document INTEGER, start INTEGER, end INTEGER, title, kind)",
    """CREATE VIEW chunks AS SELECT passages.id, documents.id AS document, start, end, title, kind, prose
    FROM passages JOIN documents ON documents.first = passages.document""",
    "CREATE VIRTUAL TABLE text USING fts5(name, scope, place, body, content='', tokenize='porter unicode61')",
    "INSERT INTO text (text, rank) VALUES ('hashsize', 16777216)",
    f"PRAGMA user_version = {VERSION}",
)
"""A document goes by the number of its first chunk, and its chunks follow one another."""
_INSERT = "INSERT INTO text (rowid, name, scope, place, body) VALUES (?, ?, ?, ?, ?)"
_DELETE = "INSERT INTO text (text, rowid, name, scope, place, body) VALUES ('delete', ?, ?, ?, ?, ?)"
Fields = tuple[str, str, str, str]


def build(target: Path, pack: Pack, previous: tuple[Path, Pack] | None = None, say: Say | None = None) -> None:
    """Write the index of a pack; `previous`: an older index and the pack it is of."""
    if previous is not None and _made_alike(previous[1], pack):
        gone, new = _changes(previous[1], pack)
        if len(gone) + len(new) <= REBUILT_SHARE * max(1, len(pack)) and _usable(previous[0]):
            _mend(target, pack, previous, gone, new)
            return
    with _writing(target) as database:
        for statement in _SCHEMA:
            database.execute(statement)
        _add(database, pack, _telling(range(len(pack)), say), 1)


def open_index(path: Path) -> sqlite3.Connection:
    """The index, opened so that nothing is ever written."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)


def fields(pack: Pack, i: int) -> Iterator[tuple[Chunk, Fields]]:
    """The chunks of a document, and what is indexed of each: name, what it stands in, the document's id, text."""
    place = split_identifiers(pack.id_of(i))
    if pack.entry(i).size > HELD_BYTES and not pack.entry(i).symbols_size:
        yield from _fields_in_pieces(pack, i, place)
        return
    lines = split_identifiers(pack.text(i)).split("\n")
    for chunk in chunks(pack, i):
        yield chunk, _fields(chunk, place, lines)


def _fields_in_pieces(pack: Pack, i: int, place: str) -> Iterator[tuple[Chunk, Fields]]:
    """The same of a text that is not held in memory; a piece at a time of it is."""
    last = pack.line_count(i)
    for start in range(1, last + 1, LINES_HELD):
        end = min(last, start + LINES_HELD - 1)
        for at in range(start, end + 1, WINDOW_LINES):
            chunk = Chunk(at, min(end, at + WINDOW_LINES - 1), "", "", "")
            text = split_identifiers(pack.lines(i, chunk.start, chunk.end).decode("utf-8", "replace"))
            yield chunk, ("", "", place, text)
        forget(pack.region)


def _fields(chunk: Chunk, place: str, lines: list[str]) -> Fields:
    text = "\n".join(lines[chunk.start - 1 : chunk.end])
    return _spaced(chunk.name), _spaced(chunk.title.rpartition(".")[0]), place, text


_spaced = lru_cache(maxsize=50_000)(split_identifiers)
"""For names: they recur."""


def _changes(old: Pack, new: Pack) -> tuple[list[int], list[int]]:
    """Documents of the old pack that are gone or changed, and of the new one that were not there so."""
    before, after = _described(old), _described(new)
    kept = set(before).intersection(after)
    return [j for j, each in enumerate(before) if each not in kept], [i for i, e in enumerate(after) if e not in kept]


def _described(pack: Pack) -> list[tuple[Any, ...]]:
    """What decides the chunks of each document: symbols come of the rest, unless there was no extracting them."""
    columns = Columns(pack)
    said = columns.said()
    words = {each: columns.words(each) for each in set(said)}
    known = columns.ids(), columns.sha256(), map(words.__getitem__, said), columns.numbers("symbols_size")
    return list(zip(*known, strict=True))


def _made_alike(old: Pack, new: Pack) -> bool:
    """Whether the same bytes give the same document with the same symbols in both packs."""
    one, other = old.meta, new.meta
    return all(one.get(version) == other.get(version) for version in ("content_version", "extraction"))


def _usable(path: Path) -> bool:
    with contextlib.suppress(sqlite3.Error), contextlib.closing(open_index(path)) as database:
        return bool(database.execute("PRAGMA user_version").fetchone()[0] == VERSION)
    return False


def _mend(target: Path, pack: Pack, previous: tuple[Path, Pack], gone: list[int], new: list[int]) -> None:
    with previous[0].open("rb") as source, target.open("xb") as copy:
        copy_range(source.fileno(), copy.fileno(), Copy(new=0, old=0, length=previous[0].stat().st_size))
    with _writing(target) as database:
        old = previous[1]
        for i in gone:
            _remove(database, old, i)
        last = database.execute("SELECT coalesce(max(id), 0) FROM passages").fetchone()[0]
        _add(database, pack, new, last + 1)


def _remove(database: sqlite3.Connection, pack: Pack, i: int) -> None:
    row = database.execute("SELECT first FROM documents WHERE id = ?", (pack.id_of(i),)).fetchone()
    if row is not None:
        rows = enumerate(fields(pack, i), row[0])
        database.executemany(_DELETE, ((number, *indexed) for number, (_, indexed) in rows))
        last = "(SELECT coalesce(min(first), 1 << 62) FROM documents WHERE first > ?) - 1"
        database.execute(f"DELETE FROM passages WHERE id BETWEEN ? AND {last}", (row[0], row[0]))  # noqa: S608 - constants
        database.execute("DELETE FROM documents WHERE first = ?", row)


def _add(database: sqlite3.Connection, pack: Pack, documents: Iterable[int], first: int) -> None:
    at = first
    for i in passing(pack, documents):
        document, found, number = pack.document(i), fields(pack, i), at
        while numbered := list(enumerate(islice(found, CHUNKS_HELD), number)):
            rows = ((n, at, c.start, c.end, c.title, c.kind) for n, (c, _) in numbered)
            database.executemany("INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?)", rows)
            database.executemany(_INSERT, ((n, *indexed) for n, (_, indexed) in numbered))
            number += len(numbered)
        if number > at:
            database.execute("INSERT INTO documents VALUES (?, ?, ?)", (at, document.id, document.language in PROSE))
            at = number


def _telling(documents: range, say: Say | None) -> Iterator[int]:
    for i in documents:
        if say and i and i % SAID_EVERY == 0:
            say(f"indexed {i} documents")
        yield i


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[sqlite3.Connection]:
    """One transaction on a file that nobody else sees yet: it needs no journal."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = OFF")
        database.execute("PRAGMA synchronous = OFF")
        database.execute("PRAGMA cache_size = -16384")
        database.execute("BEGIN")
        yield database
        database.execute("COMMIT")
