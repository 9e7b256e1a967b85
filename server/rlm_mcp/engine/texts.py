"""What a run may cite: the documents of its corpus, and the texts made from its repository's history when asked for."""

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from rlm_indexers.corpus import Citation, Span
from rlm_indexers.errors import IndexerError
from rlm_indexers.pack.reader import Pack
from rlm_mcp.engine import citations

if TYPE_CHECKING:
    from rlm_indexers.store import Corpus


class Texts:
    """Looks like the corpus's pack to those who compare lines; texts from git have the numbers after its documents.

    Lines that were shown are remembered here without asking git again; a citation is always checked against git.
    """

    def __init__(self, corpus: "Corpus") -> None:
        self.corpus, self.pack = corpus, corpus.pack
        self._numbers: dict[str, int] = {}
        self._lines: list[list[bytes]] = []
        self._made = lru_cache(32)(self._make)

    # What the ledger asks

    def __contains__(self, document: str) -> bool:
        return self.index(document) is not None

    def index(self, document: str) -> int | None:
        """The number of a document of the corpus, or of a text from git that was shown in this run."""
        found = self.pack.index(document)
        return self._numbers.get(document) if found is None else found

    def line_count(self, i: int) -> int:
        extra = i - len(self.pack)
        return self.pack.line_count(i) if extra < 0 else len(self._lines[extra])

    def lines(self, i: int, start: int, end: int) -> bytes:
        extra = i - len(self.pack)
        return self.pack.lines(i, start, end) if extra < 0 else b"\n".join(self._lines[extra][start - 1 : end])

    def shown(self, document: str, text: str) -> None:
        """Remember a text from git, or its beginning."""
        lines = text.encode("utf-8", "replace").removesuffix(b"\n").split(b"\n")
        number = self._numbers.setdefault(document, len(self.pack) + len(self._lines))
        if number == len(self.pack) + len(self._lines):
            self._lines.append(lines)
        elif len(lines) > len(self._lines[number - len(self.pack)]):
            self._lines[number - len(self.pack)] = lines

    # Citations

    def known(self, document: str) -> bool:
        """Whether this has the form of something that can be cited here. Asks nobody."""
        return document in self.pack or (self._has_history and is_made(document))

    def verify(self, document: str, start: int, end: int, quote: str | None = None) -> Citation:
        """The citation, checked against the corpus, or against git for what is made from it. Blocking."""
        if document in self.pack or not self.known(document):
            return citations.verify(self.pack, document, start, end, quote)
        try:
            canonical, pack = self._made(document)
        except IndexerError as error:
            return Citation(Span(document, start, end), quote or "", "rejected", str(error), "")
        return citations.verify(pack, canonical, start, end, quote)

    @property
    def _has_history(self) -> bool:
        facts = self.corpus.facts
        return bool(facts.get("git") or facts.get("sources"))

    def _make(self, document: str) -> tuple[str, Pack]:
        from rlm_indexers.past.commits import pack_of

        commits = self.corpus.commits
        canonical = commits.canonical(document) or document
        return canonical, pack_of(canonical, commits.text(canonical) or b"")


def is_made(document: str) -> bool:
    """Whether an id is that of a commit or a difference."""
    from rlm_indexers.past.commits import NAMED

    return NAMED.fullmatch(document) is not None


def remember(texts: Texts, rows: Sequence[Sequence[object]]) -> None:
    """Remember the first lines that a question to the history was answered with."""
    for document, text, *_ in rows:
        texts.shown(str(document), str(text))
