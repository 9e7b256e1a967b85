"""A pack, the cache of facts and the index of names, as what the resolver asks."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from rlm_indexers import extraction
from rlm_indexers.extraction import FactsReader
from rlm_indexers.pack.reader import Pack
from rlm_indexers.relations import names
from rlm_indexers.relations.names import Names, Posting
from rlm_indexers.relations.scopes import Target
from rlm_indexers.symbols.facts import Facts, SymbolFact

HELD = 3_000
"""Documents whose facts stay in memory between questions."""
NO_FACTS = Facts()
SIBLINGS = 3
"""Indexes of other corpora, the newest, from which groups are taken over."""

Stop = Callable[[], bool]
"""Says whether the answer is still wanted."""


class Stopped(Exception):
    """Nobody waits for the answer any more."""


class Source:
    """What a corpus says about names. Blocking; the index of names is made when it is first asked for."""

    def __init__(self, pack: Pack, database: Path, folder: Path) -> None:
        self._pack, self._reader, self._file = pack, FactsReader(database), folder / names.NAME
        self._names: Names | None = None
        self.stop: Stop = _never
        self.facts = lru_cache(HELD)(self._facts)
        self.postings = lru_cache(1024)(self._postings)
        self.definitions = lru_cache(4096)(self._definitions)

    def documents(self) -> Iterable[str]:
        return (self._pack.id_of(i) for i in range(len(self._pack)))

    def language(self, document: str) -> str:
        i = self._pack.index(document)
        return "" if i is None else self._pack.document(i).language

    def text(self, document: str) -> bytes:
        i = self._pack.index(document)
        return b"" if i is None else bytes(self._pack.data(i))

    def number(self, document: str) -> int | None:
        return self._pack.index(document)

    def id_of(self, number: int) -> str:
        return self._pack.id_of(number)

    def mentioning(self, name: str) -> Iterable[str]:
        return (self._pack.id_of(each.document) for each in self.postings(name) if each.uses)

    def importing(self, word: str) -> set[int]:
        """The documents, by number, with an import that may mean one called so."""
        return self._index().words(word)

    def _facts(self, document: str) -> Facts:
        if self.stop():
            raise Stopped
        i = self._pack.index(document)
        found = self._reader.read(self._pack, () if i is None else (i,))
        return next((facts for _, facts in found), NO_FACTS)

    def _postings(self, name: str) -> list[Posting]:
        return self._index().of(name)

    def _definitions(self, name: str) -> tuple[Target, ...]:
        """Everything that is called so, by document and line; read from the pack, which has the definitions itself."""
        start = re.compile(
            rb"^\{" + re.escape(f'"name":{json.dumps(name, ensure_ascii=False)},'.encode()), re.MULTILINE
        )
        return tuple(
            Target(self._pack.id_of(each.document), _symbol(json.loads(line)))
            for each in self.postings(name)
            if each.defined
            for line in _lines(start, self._pack.symbol_rows(each.document))
        )

    def _index(self) -> Names:
        if self._names is None:
            self._names = names.opened(self._file, self._pack, extraction.version()) or self._made()
        return self._names

    def _made(self) -> Names:
        """The index, now in the corpus's folder; what the newest of other states or branches know is taken over."""
        others = self._file.parent.parent.glob(f"*/{names.NAME}")
        newest = sorted(others, key=lambda path: -path.stat().st_mtime_ns)[:SIBLINGS]
        previous = [each for path in newest if (each := names.opened(path)) is not None]
        names.build(self._file, self._pack, extraction.version(), self._texts, previous)
        for each in previous:
            each.close()
        return Names(self._file, self._pack, extraction.version())

    def _texts(self, documents: Iterable[int]) -> Iterator[tuple[int, str]]:
        if self.stop():
            raise Stopped
        return self._reader.read_json(self._pack, documents)


def _symbol(row: dict[str, object]) -> SymbolFact:
    return SymbolFact._make(row.get(field, 0) for field in SymbolFact._fields)


def _lines(start: "re.Pattern[bytes]", rows: bytes) -> Iterator[bytes]:
    return (rows[found.start() : rows.index(b"\n", found.start())] for found in start.finditer(rows))


def _never() -> bool:
    return False
