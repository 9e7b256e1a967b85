"""Who uses what in a corpus: worked out when asked for, from the facts of single documents, never stored.

The text says which documents can matter (a use of a name spells the name), so a question reads the facts of those and
of what they import, not of all.
"""

import posixpath
import threading
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from rlm_indexers.extraction import FactsReader
from rlm_indexers.grep import documents_with
from rlm_indexers.reader import Pack
from rlm_indexers.relations.resolve import MEMBER_KINDS, Confidence, Edge, Resolver
from rlm_indexers.symbols.facts import Facts, ReferenceFact
from rlm_indexers.symbols.scopes import Target

HELD_SCOPES = 3_000
"""Documents whose facts stay in memory between questions."""
NO_FACTS = Facts()
INDEX_NAMES = frozenset({"__init__", "index", "mod", "lib", "package"})
"""Files that stand for their folder: a relative import of them need not spell their name."""


class Relations:
    """The questions about names, for one pack. Safe to be asked by several threads: they take turns."""

    def __init__(self, pack: Pack, database: Path) -> None:
        self._pack = pack
        self._source = _Source(pack, FactsReader(database))
        self._resolver: Resolver | None = None
        self._turn = threading.Lock()

    def references(self, name: str) -> list[Edge]:
        """Every use of a name, its imports included; of `Class.method` those that mean it or may mean it."""
        with self._turn:
            wanted = self._definitions(name) if "." in name else []
            return [edge for reference, edge in self._uses(_last(name)) if _may_mean(reference, edge, wanted)]

    def callers(self, symbol: str) -> list[Edge]:
        """Every use of the definitions called so but their imports, those that only may mean them included."""
        with self._turn:
            wanted = self._definitions(symbol)
            uses = self._uses(_last(symbol)) if wanted else ()
            return [edge for use, edge in uses if use.role != "import" and _may_mean(use, edge, wanted)]

    def callees(self, symbol: str) -> list[Edge]:
        """What the definitions called so use, by document and line; what is nested in them included."""
        with self._turn:
            resolver = self._fresh()
            edges = (edge for target in self._definitions(symbol) for edge in resolver.callees(target))
            return sorted(dict.fromkeys(edges), key=lambda edge: (edge.document, edge.line))

    def importers(self, path: str) -> list[Edge]:
        """The import statements that mean a document, as edges of role `import`; by document and line."""
        with self._turn:
            resolver = self._fresh()
            found = []
            for document in sorted(self._may_import(path)):
                for fact in resolver.scope(document).imports:
                    meant = resolver.imported_documents(document, fact)
                    if path in meant and document != path:
                        found.append(_import(document, fact.line, fact.module, len(meant)))
            return list(dict.fromkeys(found))

    def definitions(self, symbol: str) -> list[Target]:
        """What is called so: by name, by the end of a qualified name, or `path:qualname`."""
        with self._turn:
            return self._definitions(symbol)

    def _definitions(self, symbol: str) -> list[Target]:
        path, colon, inner = symbol.rpartition(":")
        wanted = inner if colon and path in self._pack else symbol
        found = []
        for document in self._source.defining(_last(wanted)):
            if not colon or document == path or wanted is symbol:
                symbols = self._source.facts(document).symbols
                found += [Target(document, s) for s in symbols if f".{s.qualname}".endswith(f".{wanted}")]
        return found

    def _uses(self, name: str) -> Iterator[tuple[ReferenceFact, Edge]]:
        """Every use of a name, also under the other names that imports give it."""
        resolver = self._fresh()
        for document in sorted(self._source.mentioning(name)):
            scope = resolver.scope(document)
            names = {name} | {fact.alias for fact in scope.imports if fact.name == name and fact.alias}
            for reference in scope.references:
                if reference.name in names:
                    yield reference, resolver.resolve(document, reference)

    def _may_import(self, path: str) -> set[str]:
        """The documents that spell the name of a file or its folder; those below the folder of an index file too."""
        folder, file = posixpath.split(path)
        stem = file.partition(".")[0]
        found: set[str] = set()
        for word in (stem, posixpath.basename(folder)):
            found.update(self._source.mentioning(word) if word else ())
        if stem in INDEX_NAMES:
            found.update(each for each in self._source.documents() if each.startswith(f"{folder}/" if folder else ""))
        return found

    def _fresh(self) -> Resolver:
        """The resolver; a new one when the last holds too much."""
        if self._resolver is None or self._source.read > HELD_SCOPES:
            self._source.read = 0
            self._resolver = Resolver(self._source)
        return self._resolver


class _Source:
    """A pack and the cache of facts, as what the resolver asks."""

    def __init__(self, pack: Pack, facts: FactsReader) -> None:
        self._pack, self._facts = pack, facts
        self.read = 0
        self.facts = lru_cache(512)(self._read_facts)
        self.defining = lru_cache(4096)(self._defining)

    def documents(self) -> Iterable[str]:
        return (self._pack.id_of(i) for i in range(len(self._pack)))

    def language(self, document: str) -> str:
        i = self._pack.index(document)
        return "" if i is None else self._pack.document(i).language

    def mentioning(self, name: str) -> Iterable[str]:
        return (self._pack.id_of(i) for i in documents_with(self._pack, name))

    def _read_facts(self, document: str) -> Facts:
        self.read += 1
        i = self._pack.index(document)
        found = self._facts.read(self._pack, () if i is None else (i,))
        return next((facts for _, facts in found), NO_FACTS)

    def _defining(self, name: str) -> tuple[str, ...]:
        found = (row["document"] for _, row in self._pack.find_symbols(name) if row["name"] == name)
        return tuple(dict.fromkeys(found))


def _last(name: str) -> str:
    """The last part of a qualified name, with or without a path before it."""
    return name.rpartition(":")[2].rpartition(".")[2] or name


def _may_mean(reference: ReferenceFact, edge: Edge, wanted: list[Target]) -> bool:
    """Whether a use means one of these definitions or may; what is wanted of nothing in particular is all."""
    if not wanted:
        return True
    if edge.target is None:
        named = bool(reference.receiver) or any(each.symbol.kind not in MEMBER_KINDS for each in wanted)
        return edge.confidence == "ambiguous" and named
    place = (edge.target.document, edge.target.symbol.qualname)
    return any((each.document, each.symbol.qualname) == place for each in wanted)


def _import(document: str, line: int, module: str, meant: int) -> Edge:
    confidence: Confidence = "resolved" if meant == 1 else "ambiguous"
    return Edge(document, line, "", module, "import", confidence, "import", meant, None)
