"""The SCIP index of a repository, taken when it is loaded: as a database of the cache that goes by its hash.

It lies at the root as `index.scip` or `.scip/index.scip`, ignored by git or not. One that cannot be read is among what
was skipped, with the reason.
"""

import contextlib
import hashlib
import secrets
import sqlite3
from pathlib import Path

from rlm_indexers.corpus import Skipped
from rlm_indexers.repo.files import Tree

PLACES = ("index.scip", ".scip/index.scip")
LARGEST = 512 << 20
FOLDER = "scip"
_SCHEMA = """
CREATE TABLE documents (id INTEGER PRIMARY KEY, path TEXT, encoding INTEGER);
CREATE TABLE symbols (id INTEGER PRIMARY KEY, symbol TEXT UNIQUE);
CREATE TABLE occurrences (document INTEGER, line INTEGER, start INTEGER, end INTEGER, symbol INTEGER, defines INTEGER);
CREATE TABLE problems (reason TEXT);
"""
_INDEXES = """
CREATE INDEX by_path ON documents (path);
CREATE INDEX by_document ON occurrences (document, line);
CREATE INDEX by_symbol ON occurrences (symbol) WHERE defines;
"""


def take(tree: Tree, cache: Path) -> tuple[dict[str, str], list[Skipped]]:
    """The facts of the index below a folder, and what is wrong with it; empty both when there is none."""
    for name in PLACES:
        try:
            status = tree.status(name.encode())
            if reason := status.oddity or ("" if status.size <= LARGEST else "too-large"):
                return {}, [Skipped(name, f"scip-index: {reason}")]
            data, _, _ = tree.read(name.encode(), LARGEST)
        except OSError:
            continue
        sha256 = hashlib.sha256(data).hexdigest()
        problem = _converted(data, cache / FOLDER / f"{sha256}.sqlite")
        return ({}, [Skipped(name, f"scip-index: {problem}")]) if problem else ({"file": name, "sha256": sha256}, [])
    return {}, []


def _converted(data: bytes, database: Path) -> str:
    """What is wrong with an index; nothing when it is at hand as a database."""
    if not database.exists():
        database.parent.mkdir(mode=0o700, exist_ok=True)
        passing = database.with_name(f".{secrets.token_hex(6)}")
        try:
            with contextlib.closing(sqlite3.connect(passing)) as made, made:
                made.executescript(_SCHEMA)
                _fill(made, data)
                made.executescript(_INDEXES)
            passing.chmod(0o600)
            passing.replace(database)
        finally:
            passing.unlink(missing_ok=True)
    with contextlib.closing(opened(database)) as known:
        row = known.execute("SELECT reason FROM problems").fetchone()
    return str(row[0]) if row else ""


def _fill(database: sqlite3.Connection, data: bytes) -> None:
    from rlm_indexers.relations import scip_format

    symbols: dict[str, int] = {}
    count = 0
    try:
        for count, document in enumerate(scip_format.documents(data), 1):
            path = document.path.encode("utf-8", "replace").decode()
            database.execute("INSERT INTO documents VALUES (?, ?, ?)", (count, path, document.encoding))
            rows = []
            for line, start, end, symbol, defines in document.occurrences:
                # a local symbol is one of its document
                known = f"{count} {symbol}" if symbol.startswith("local ") else symbol
                rows.append((count, line, start, end, symbols.setdefault(known, len(symbols)), defines))
            database.executemany("INSERT INTO occurrences VALUES (?, ?, ?, ?, ?, ?)", rows)
        database.executemany("INSERT INTO symbols VALUES (?, ?)", ((n, symbol) for symbol, n in symbols.items()))
    except ValueError as error:
        database.execute("INSERT INTO problems VALUES (?)", (str(error),))
    else:
        if not count:
            database.execute("INSERT INTO problems VALUES (?)", ("it names no document",))


def opened(path: Path) -> sqlite3.Connection:
    """A database of an index, to be read."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
