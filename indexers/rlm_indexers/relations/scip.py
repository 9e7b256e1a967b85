"""What a SCIP index says of a use: believed where the text still is what the index was made of.

Each place that an index names is compared with the text when it is asked for; where they differ, it says nothing.
"""

import contextlib
import sqlite3
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from rlm_indexers.pack.reader import Pack
from rlm_indexers.relations import scip_format
from rlm_indexers.relations.scip_index import FOLDER, opened
from rlm_indexers.relations.scopes import Meaning, Target
from rlm_indexers.symbols.facts import ReferenceFact, SymbolFact

_ENCODINGS = {1: "utf-8", 2: "utf-16-le", 3: "utf-32-le"}
_UNITS = {"utf-8": 1, "utf-16-le": 2, "utf-32-le": 4}


class Place(NamedTuple):
    """An identifier in a document: line 1-based, columns in units of one of the encodings."""

    document: str
    line: int
    start: int
    end: int
    encoding: int


class Scip:
    """The indexes of a corpus: one, or one for each of its sources."""

    def __init__(self, pack: Pack, cache: Path) -> None:
        self._pack = pack
        self._folder = cache / FOLDER
        self._indexes = dict(_indexes(pack.meta.get("facts", {})))
        self.on_lines = lru_cache(512)(self._on_lines)

    def __bool__(self) -> bool:
        return bool(self._indexes)

    def meaning(self, document: str, use: ReferenceFact) -> Meaning | None:
        """What a use means; None when no index says so, or what it says does not fit the text."""
        if not self._indexes:
            return None
        said = {symbol for place, symbol in self.on_lines(document).get(use.line, ()) if self._says(place, use.name)}
        symbol = said.pop() if len(said) == 1 else ""
        name = use.name if " local " in f" {symbol}" else scip_format.name_in(symbol)
        if not symbol or name != use.name:
            return None
        places = self._definitions(document, symbol)
        targets = [target for place in places if (target := self._target(place, name))]
        return Meaning(targets[0]) if targets else None if places else Meaning(None)

    def _on_lines(self, document: str) -> dict[int, list[tuple[Place, str]]]:
        """The uses in a document, by line."""
        found: dict[int, list[tuple[Place, str]]] = {}
        query = (
            "SELECT line, start, end, encoding, symbols.symbol FROM documents "
            "JOIN occurrences ON document = documents.id JOIN symbols ON symbols.id = occurrences.symbol "
            "WHERE path = ? AND NOT defines"
        )
        for prefix, sha256 in self._of(document):
            for line, start, end, encoding, symbol in self._rows(sha256, query, document.removeprefix(prefix)):
                found.setdefault(line, []).append((Place(document, line, start, end, encoding), symbol))
        return found

    def _definitions(self, document: str, symbol: str) -> list[Place]:
        query = (
            "SELECT path, line, start, end, encoding FROM symbols "
            "JOIN occurrences ON occurrences.symbol = symbols.id JOIN documents ON document = documents.id "
            "WHERE symbols.symbol = ? AND defines ORDER BY path, line"
        )
        return [
            Place(f"{prefix}{path}", *rest)
            for prefix, sha256 in self._of(document)
            for path, *rest in self._rows(sha256, query, symbol)
        ]

    def _target(self, place: Place, name: str) -> Target | None:
        """The definition at a place, if one of that name still stands there."""
        i = self._pack.index(place.document)
        if i is None or not self._says(place, name):
            return None
        rows = (row for row in self._pack.symbols(i) if row["line"] == place.line and row["name"] == name)
        row = next(rows, None)
        return Target(place.document, SymbolFact._make(row.get(f, 0) for f in SymbolFact._fields)) if row else None

    def _says(self, place: Place, name: str) -> bool:
        """Whether a name stands at a place, in units of the encoding that is said, or of any when none is."""
        i = self._pack.index(place.document)
        if i is None or not 1 <= place.line <= self._pack.line_count(i):
            return False
        line = self._pack.lines(i, place.line, place.line).decode("utf-8", "replace")
        said = _ENCODINGS.get(place.encoding)
        for encoding in [said] if said else _ENCODINGS.values():
            part = line.encode(encoding, "replace")[_UNITS[encoding] * place.start : _UNITS[encoding] * place.end]
            if part.decode(encoding, "replace") == name:
                return True
        return False

    def _of(self, document: str) -> list[tuple[str, str]]:
        return [(prefix, sha256) for prefix, sha256 in self._indexes.items() if document.startswith(prefix)]

    def _rows(self, sha256: str, query: str, value: str) -> list[Any]:
        with (
            contextlib.suppress(sqlite3.Error),
            contextlib.closing(opened(self._folder / f"{sha256}.sqlite")) as known,
        ):
            return known.execute(query, (value,)).fetchall()
        return []


def _indexes(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(what ids begin with, hash of the index) of each source that has one."""
    parts = {"": facts, **{f"{name}/": each for name, each in facts.get("sources", {}).items()}}
    return [(prefix, each["scip"]["sha256"]) for prefix, each in parts.items() if each.get("scip")]
