"""The facts of a corpus by name: what `resolve` asks for, from whatever can give the facts of one document."""

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cached_property

from rlm_indexers.relations.scopes import Target
from rlm_indexers.symbols import outline, ranking
from rlm_indexers.symbols.facts import Facts


class FactsTable:
    """A source of facts for `Resolver` and the outline. Reads every document once, when a name is first asked for.

    `languages`: each document of the corpus and its language; `read`: the facts of one; `flags`: those it has any of.
    """

    def __init__(
        self,
        languages: Mapping[str, str],
        read: Callable[[str], Facts],
        flags: Mapping[str, Collection[str]] | None = None,
        texts: Mapping[str, str] | None = None,
    ) -> None:
        self._languages = languages
        self._texts = texts or {}
        self._flags = flags or {}
        self.facts = read

    def documents(self) -> Collection[str]:
        return self._languages.keys()

    def language(self, document: str) -> str:
        return self._languages[document]

    def definitions(self, name: str) -> Iterator[Target]:
        """Everything that is called so, with the document it is in."""
        for document in self._names[0].get(name, ()):
            yield from (Target(document, symbol) for symbol in self.facts(document).symbols if symbol.name == name)

    def text(self, document: str) -> bytes:
        return self._texts.get(document, "").encode()

    def mentioning(self, name: str) -> Collection[str]:
        return self._names[1].get(name, ())

    def outline(self, tokens: int = 1000, question: str = "") -> str:
        """The corpus at first sight, leaning towards what a question names."""
        wanted = outline.wanted_by(question, self._names[0])
        ranks = ranking.rank(self._graph, wanted)
        first = sorted(ranks, key=lambda each: (-ranks[each], each))[: max(tokens // 20, 1)]
        symbols = {document: self.facts(document).symbols for document in first}
        return outline.outline(ranks, symbols, self._counts, tokens=tokens, uses=self._uses)

    @cached_property
    def _names(self) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
        """Name → the documents that define it, and those that use it."""
        defining: dict[str, list[str]] = {}
        mentioning: dict[str, list[str]] = {}
        for document in sorted(self._languages):
            facts = self.facts(document)
            for name in {symbol.name for symbol in facts.symbols}:
                defining.setdefault(name, []).append(document)
            for name in {reference.name for reference in facts.references}:
                mentioning.setdefault(name, []).append(document)
        return defining, mentioning

    @cached_property
    def _ranked(self) -> list[ranking.Uses]:
        return [outline.uses_of(each, self.facts(each), self._flags.get(each, ())) for each in sorted(self._languages)]

    @cached_property
    def _graph(self) -> ranking.Graph:
        return ranking.graph(self._ranked)

    @cached_property
    def _uses(self) -> dict[str, float]:
        uses: dict[str, float] = {}
        for each in self._ranked:
            for name, weight in each.uses.items():
                uses[name] = uses.get(name, 0.0) + weight
        return uses

    @cached_property
    def _counts(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for language in self._languages.values():
            counts[language] = counts.get(language, 0) + 1
        return counts
