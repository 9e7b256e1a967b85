"""A corpus at first sight: the documents and definitions that matter most, leaning to a question when there is one.

Who uses whose names is worked out once per corpus and kept beside its pack; leaning to a question is a few sums more.
"""

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from rlm_indexers import extraction
from rlm_indexers.cache import read_json, write_json
from rlm_indexers.extraction import FactsReader
from rlm_indexers.pack.reader import Pack
from rlm_indexers.symbols import ranking
from rlm_indexers.symbols.facts import SymbolFact
from rlm_indexers.symbols.outline import is_test, outline, uses_of, wanted_by
from rlm_indexers.symbols.ranking import Graph, Uses

NAME = "outline.json"
VERSION = 1
MOST_RANKED = 8_000
"""Documents that are ranked; generated, vendored and test code is left out first."""
AT_ONCE = 800
"""Documents up to which ranking takes so little time that nobody need be asked whether to wait."""
EDGES_KEPT = 12
NAMES_KEPT = 3_000
SHOWN_DOCUMENTS = 80
LEANING = 0.5
_HEAD = re.compile(r"(?:\d+ documents: |folders: |entry points: )")


@dataclass(frozen=True, slots=True)
class Ranked:
    """How much each document matters (by number), the few it uses most, and how often names are used."""

    ranks: dict[int, float]
    edges: dict[int, list[tuple[int, float]]]
    uses: dict[str, float]


class Overview:
    """The outline of one corpus. Blocking."""

    def __init__(self, pack: Pack, folder: Path, database: Path) -> None:
        self._pack, self._file, self._database = pack, folder / NAME, database

    def ready(self) -> bool:
        """Whether an outline can be had without a wait."""
        return len(self._pack) <= AT_ONCE or self._kept() is not None

    def text(self, tokens: int, question: str = "", *, head: bool = True) -> str:
        """The outline within so many tokens; without its head only the documents."""
        ranked = self._ranked()
        scores = {self._pack.id_of(i): score for i, score in self._leaning(ranked, question).items()}
        best = sorted(scores, key=lambda each: (-scores[each], each))[:SHOWN_DOCUMENTS]
        languages: dict[str, int] = {}
        for document in self._pack.documents():
            languages[document.language] = languages.get(document.language, 0) + 1
            scores.setdefault(document.id, 0.0)
        shown = {document: self._symbols(document) for document in best}
        text = outline(scores, shown, languages, tokens=tokens, uses=ranked.uses)
        return text if head else "\n".join(line for line in text.split("\n") if not _HEAD.match(line))

    def _ranked(self) -> Ranked:
        kept = self._kept()
        if kept is None:
            kept = rank(self._pack, self._database)
            value = {"ranks": list(kept.ranks.items()), "edges": list(kept.edges.items()), "uses": kept.uses}
            with contextlib.suppress(OSError):  # evicted meanwhile, or a full disk: it is only kept for the next time
                write_json(self._file, {"version": _version(), **value})
        return kept

    def _kept(self) -> Ranked | None:
        value = read_json(self._file)
        if not isinstance(value, dict) or value.get("version") != _version():
            return None
        edges = {i: [(place, share) for place, share in row] for i, row in value["edges"]}
        return Ranked(dict(value["ranks"]), edges, value["uses"])

    def _leaning(self, ranked: Ranked, question: str) -> dict[int, float]:
        """The ranks, leaning to the documents that define what a question names, and to what those use."""
        wanted = wanted_by(question, _Defining(self._pack)) if question else {}
        numbers = {i: weight for document, weight in wanted.items() if (i := self._pack.index(document)) is not None}
        total = sum(numbers.values())
        if not total:
            return ranked.ranks
        leaning = {i: weight / total for i, weight in numbers.items()}
        scores = {i: (1 - LEANING) * score for i, score in ranked.ranks.items()}
        for share in (0.6, 0.3, 0.1):
            for i, weight in leaning.items():
                scores[i] = scores.get(i, 0.0) + LEANING * share * weight
            leaning = _step(leaning, ranked.edges)
        return scores

    def _symbols(self, document: str) -> list[SymbolFact]:
        i = self._pack.index(document)
        rows = self._pack.symbols(i) if i is not None else []
        return [SymbolFact._make(row.get(field, 0) for field in SymbolFact._fields) for row in rows]


class _Defining(Mapping[str, Iterable[str]]):
    """Name → the documents that define it."""

    def __init__(self, pack: Pack) -> None:
        self._pack = pack

    def __getitem__(self, name: str) -> list[str]:
        found = dict.fromkeys(row["document"] for _, row in self._pack.find_symbols(name) if row["name"] == name)
        if not found:
            raise KeyError(name)
        return list(found)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def rank(pack: Pack, database: Path) -> Ranked:
    """The documents of a pack ranked by who uses whose names."""
    chosen = sorted(sorted(range(len(pack)), key=lambda i: _minor(pack, i))[:MOST_RANKED])
    made: list[Uses] = []
    for i, facts in FactsReader(database).read(pack, chosen):
        document = pack.document(i)
        made.append(uses_of(document.id, facts, document.flags))
    whole = ranking.graph(made)
    kept = Graph(whole.documents, tuple(map(_strongest, whole.edges)), whole.weights)
    numbers = [pack.index(document) or 0 for document in kept.documents]
    scores = ranking.rank(kept)
    edges = {
        number: [(numbers[place], round(share, 4)) for place, share in row]
        for number, row in zip(numbers, kept.edges, strict=True)
        if row
    }
    ranks = {number: float(f"{scores[name]:.6g}") for number, name in zip(numbers, kept.documents, strict=True)}
    return Ranked(ranks, edges, _names(made))


def _minor(pack: Pack, i: int) -> bool:
    document = pack.document(i)
    return not {"generated", "vendored", "minified"}.isdisjoint(document.flags) or is_test(document.id)


def _strongest(row: tuple[tuple[int, float], ...]) -> tuple[tuple[int, float], ...]:
    """The edges that weigh most, their shares adding up to 1 again."""
    best = sorted(row, key=lambda edge: (-edge[1], edge[0]))[:EDGES_KEPT]
    total = sum(share for _, share in best)
    return tuple(sorted((place, share / total) for place, share in best))


def _names(made: Iterable[Uses]) -> dict[str, float]:
    """How often the most used names that are defined here are used."""
    uses: dict[str, float] = {}
    defined: set[str] = set()
    for each in made:
        defined |= each.defines
        for name, weight in each.uses.items():
            uses[name] = uses.get(name, 0.0) + weight
    best = sorted((name for name in uses if name in defined), key=lambda name: (-uses[name], name))
    return {name: round(uses[name], 2) for name in best[:NAMES_KEPT]}


def _step(leaning: Mapping[int, float], edges: Mapping[int, list[tuple[int, float]]]) -> dict[int, float]:
    after: dict[int, float] = {}
    for i, weight in leaning.items():
        for place, share in edges.get(i, ()):
            after[place] = after.get(place, 0.0) + weight * share
    return after


def _version() -> str:
    return f"{VERSION}.{extraction.version()}"
