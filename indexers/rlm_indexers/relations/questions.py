"""The questions about who uses what in a corpus: worked out when asked for, from the facts of single documents.

The index of names says which documents can matter and how often a name is used at all; a question reads the facts of
those it needs for its answer, likely ones first, and no more than READ of them.
"""

import posixpath
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from rlm_indexers.pack.reader import Pack
from rlm_indexers.relations.names import Posting
from rlm_indexers.relations.resolve import MEMBER_KINDS, Confidence, Edge, Resolver
from rlm_indexers.relations.scip import Scip
from rlm_indexers.relations.scopes import Target
from rlm_indexers.relations.source import HELD, Source, Stop, Stopped
from rlm_indexers.symbols.facts import ReferenceFact

READ = 250
"""Documents that one question reads to say what uses mean: about a second."""
INDEX_NAMES = frozenset({"__init__", "index", "mod", "lib", "package"})
"""Files that stand for their folder: a relative import of them need not spell their name."""
BY_FOLDER = frozenset({"go", "java", "kotlin", "scala"})
"""Languages in which an import may name the folder of a file only."""
SURE = {"scip": 0, "resolved": 1, "unique": 2, "ambiguous": 3, "external": 4}
"""In which order edges are kept when there are more than asked for."""


class Edges(list[Edge]):
    """Edges by document and line. `total`: all there are, at least that many unless `complete`."""

    def __init__(self, edges: Iterable[Edge] = (), total: int = 0, *, complete: bool = True) -> None:
        super().__init__(edges)
        self.total = total or len(self)
        self.complete = complete


class Relations:
    """The questions about names, for one pack. Safe to be asked by several threads: they take turns.

    Each takes the most edges wanted, and `stop`, which is asked now and then whether to go on: a question that is
    stopped answers with what it has.
    """

    def __init__(self, pack: Pack, database: Path, folder: Path) -> None:
        self._source = Source(pack, database, folder)
        self._scip = Scip(pack, database.parent)
        self._resolver: Resolver | None = None
        self._turn = threading.Lock()

    def references(self, name: str, limit: int = 5_000, stop: Stop | None = None) -> Edges:
        """Every use of a name, its imports included; of `Class.method` those that mean it or may mean it."""

        def answer() -> Edges:
            wanted = self._definitions(name) if "." in name else []
            found = self._matching(name, limit, _Wanted(wanted) if wanted else _any_use, wanted)
            if wanted:
                return found
            counted = sum(posting.uses for posting in self._source.postings(_last(name)))
            return Edges(found, max(counted, found.total))

        return self._answered(answer, stop)

    def callers(self, symbol: str, limit: int = 5_000, stop: Stop | None = None) -> Edges:
        """Every use of the definitions called so but their imports, those that only may mean them included."""

        def answer() -> Edges:
            wanted = self._definitions(symbol)
            if not wanted:
                return Edges()

            means = _Wanted(wanted)

            def fits(use: ReferenceFact, edge: Edge) -> bool:
                return use.role != "import" and means(use, edge)

            return self._matching(symbol, limit, fits, wanted)

        return self._answered(answer, stop)

    def callees(self, symbol: str, limit: int = 5_000, stop: Stop | None = None) -> Edges:
        """What the definitions called so use, by document and line; what is nested in them included."""

        def answer() -> Edges:
            resolver = self._fresh()
            targets = self._definitions(symbol)
            edges = [edge for target in targets[:READ] for edge in resolver.callees(target)]
            return _cut(dict.fromkeys(edges), limit, complete=len(targets) <= READ)

        return self._answered(answer, stop)

    def importers(self, path: str, limit: int = 5_000, stop: Stop | None = None) -> Edges:
        """The import statements that mean a document, as edges of role `import`; by document and line."""

        def answer() -> Edges:
            may = sorted(self._may_import(path))
            found = (edge for document in may[: 4 * READ] for edge in self._imports(document, path))
            return _cut(dict.fromkeys(found), limit, complete=len(may) <= 4 * READ)

        return self._answered(answer, stop)

    def definitions(self, symbol: str) -> list[Target]:
        """What is called so: by name, by the end of a qualified name, or `path:qualname`."""
        with self._turn:
            return self._definitions(symbol)

    def _answered(self, answer: Callable[[], Edges], stop: Stop | None) -> Edges:
        with self._turn:
            self._source.stop = stop or _go_on
            try:
                return answer()
            except Stopped:
                return Edges(complete=False)
            finally:
                self._source.stop = _go_on

    def _definitions(self, symbol: str) -> list[Target]:
        path, colon, inner = symbol.rpartition(":")
        wanted = inner if colon and self._source.number(path) is not None else symbol
        return [
            target
            for target in self._source.definitions(_last(wanted))
            if (wanted is symbol or target.document == path) and f".{target.symbol.qualname}".endswith(f".{wanted}")
        ]

    def _matching(
        self, name: str, limit: int, fits: Callable[[ReferenceFact, Edge], bool], wanted: Iterable[Target]
    ) -> Edges:
        """The uses that fit, read from the documents where sure ones are likely first."""
        documents = self._likely(_last(name), list(wanted))
        found: dict[tuple[Edge, str], Edge] = {}
        sure = 0
        for count, document in enumerate(documents):
            if count >= READ or sure >= limit:
                return _cut(found.values(), limit, complete=False)
            for use, edge in self._uses(document, _last(name)):
                if fits(use, edge):
                    found[edge, use.receiver] = edge
                    sure += edge.confidence in {"scip", "resolved"}
        return _cut(found.values(), limit, complete=True)

    def _likely(self, name: str, wanted: list[Target]) -> list[str]:
        """The documents that use a name: first those that define or import it, or name what the wanted belongs to."""
        postings = [posting for posting in self._source.postings(name) if posting.uses]
        owners = {target.symbol.parent.rpartition(".")[2] for target in wanted[:20]} - {""}
        near = {each.document for owner in owners for each in self._source.postings(owner)}
        homes = {self._source.number(target.document) for target in wanted}

        def rank(posting: Posting) -> tuple[int, int]:
            likely = posting.document in near if owners else posting.imported or posting.defined > 0
            return 0 if posting.document in homes else 1 if likely else 2, posting.document

        return [self._source.id_of(posting.document) for posting in sorted(postings, key=rank)]

    def _uses(self, document: str, name: str) -> Iterator[tuple[ReferenceFact, Edge]]:
        """Every use of a name in a document, also under the other names that imports give it."""
        resolver = self._fresh()
        scope = resolver.scope(document)
        names = {name} | {fact.alias for fact in scope.imports if fact.name == name and fact.alias}
        for reference in scope.references:
            if reference.name in names:
                yield reference, resolver.resolve(document, reference)

    def _imports(self, document: str, path: str) -> Iterator[Edge]:
        resolver = self._fresh()
        for fact in resolver.scope(document).imports if document != path else ():
            meant = resolver.imported_documents(document, fact)
            if path in meant:
                yield _import(document, fact.line, fact.module, len(meant))

    def _may_import(self, path: str) -> list[str]:
        """The documents whose imports name a file or its folder; of an index file those below its folder too."""
        folder, file = posixpath.split(path)
        stem = file.partition(".")[0]
        found = self._source.importing(stem)
        if stem in INDEX_NAMES or self._source.language(path) in BY_FOLDER:
            found |= self._source.importing(posixpath.basename(folder))
        if stem in INDEX_NAMES:
            below = f"{folder}/" if folder else ""
            found |= {i for i in self._source.importing(".") if self._source.id_of(i).startswith(below)}
        return [self._source.id_of(i) for i in found]

    def _fresh(self) -> Resolver:
        """The resolver; a new one when the last holds too much."""
        if self._resolver is None or self._resolver.held > HELD:
            self._resolver = Resolver(self._source, self._scip.meaning if self._scip else None)
        return self._resolver


def _last(name: str) -> str:
    """The last part of a qualified name, with or without a path before it."""
    return name.rpartition(":")[2].rpartition(".")[2] or name


class _Wanted:
    """Says whether a use means one of some definitions, or may."""

    def __init__(self, targets: Iterable[Target]) -> None:
        self._places = {(each.document, each.symbol.qualname) for each in targets}
        self._bare = any(each.symbol.kind not in MEMBER_KINDS for each in targets)

    def __call__(self, use: ReferenceFact, edge: Edge) -> bool:
        if edge.target is None:
            return edge.confidence == "ambiguous" and (bool(use.receiver) or self._bare)
        return (edge.target.document, edge.target.symbol.qualname) in self._places


def _any_use(_use: ReferenceFact, _edge: Edge) -> bool:
    return True


def _cut(edges: Iterable[Edge], limit: int, *, complete: bool) -> Edges:
    """The surest, by document and line."""
    found = list(edges)
    kept = sorted(found, key=lambda edge: SURE[edge.confidence])[:limit]
    return Edges(sorted(kept, key=lambda edge: (edge.document, edge.line)), len(found), complete=complete)


def _import(document: str, line: int, module: str, meant: int) -> Edge:
    confidence: Confidence = "resolved" if meant == 1 else "ambiguous"
    return Edge(document, line, "", module, "import", confidence, "import", meant, None)


def _go_on() -> bool:
    return False
