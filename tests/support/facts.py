"""A few documents in memory as a source of facts."""

from rlm_indexers.languages import language_of
from rlm_indexers.symbols import Facts, extract


class Texts:
    """What `resolve` asks a store for."""

    def __init__(self, texts: dict[str, str]) -> None:
        self._facts = {document: extract(language_of(document), text.encode()) for document, text in texts.items()}

    def documents(self) -> list[str]:
        return list(self._facts)

    def language(self, document: str) -> str:
        return language_of(document)

    def facts(self, document: str) -> Facts:
        return self._facts[document]

    def defining(self, name: str) -> list[str]:
        return [d for d, facts in self._facts.items() if any(s.name == name for s in facts.symbols)]

    def mentioning(self, name: str) -> list[str]:
        return [d for d, facts in self._facts.items() if any(r.name == name for r in facts.references)]
