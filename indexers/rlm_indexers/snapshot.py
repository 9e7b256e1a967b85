"""An opened corpus: immutable, read in place, with the questions that need no model."""

import fcntl
import fnmatch
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rlm_indexers.corpus import CorpusInfo, Coverage, GrepResult, Hits, Kind, Segment, Span, Symbol
from rlm_indexers.errors import DocumentNotFound, SpanError
from rlm_indexers.manifest import Manifest
from rlm_indexers.pack.reader import Pack  # noqa: TC001 - annotations of attributes are evaluated by tools
from rlm_indexers.pack.writer import map_pack

if TYPE_CHECKING:
    from rlm_indexers.past.commits import Commits
    from rlm_indexers.relations import Relations

JSON = Any


class Corpus:
    """One snapshot of a source. Safe to be read by several threads; it stays readable when it is evicted."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self._folder = folder
        self._manifest = manifest
        self.info: CorpusInfo = manifest.info
        self.path: Path = folder / "pack"
        self.pack: Pack = map_pack(self.path)
        # Held while this object lives: a snapshot that somebody has open is not cleared away.
        self._hold = self.path.open("rb")
        fcntl.flock(self._hold, fcntl.LOCK_SH)

    def __del__(self) -> None:
        if hasattr(self, "_hold"):
            self._hold.close()

    @property
    def id(self) -> str:
        return self.info.id

    @property
    def name(self) -> str:
        return self.info.name

    @property
    def kind(self) -> Kind:
        return self.info.kind

    @property
    def facts(self) -> dict[str, JSON]:
        return self.info.facts

    @property
    def coverage(self) -> Coverage:
        return self._manifest.coverage

    @property
    def segments(self) -> tuple[Segment, ...]:
        """Content-addressed parts that cover the pack's file in order."""
        return self._manifest.segments

    def named(self, name: str) -> "Corpus":
        """The same corpus under another name."""
        if name == self.name:
            return self
        return Corpus(self._folder, replace(self._manifest, info=replace(self.info, name=name)))

    # Finding

    def search(self, query: str, limit: int = 10, *, offset: int = 0, documents: str | None = None) -> Hits:
        """The best matching passages and symbols from `offset` on, best first; `documents`: a glob of ids.

        Ties go by place; `.total` counts every passage that shares a word with the query. Call it off the event loop.
        """
        from rlm_indexers.search.ranked import search

        return search(self.path.with_name("search.sqlite"), self.pack, query, limit, offset, documents)

    def grep(  # noqa: PLR0913 - the options of one search, by keyword only
        self,
        pattern: str,
        *,
        limit: int = 100,
        offset: int = 0,
        ignore_case: bool = False,
        word: bool = False,
        literal: bool = False,
        glob: str | None = None,
        context: int = 0,
    ) -> GrepResult:
        """Matching lines with the meanings of `rg`, in linear time. Raises PatternError. Call it off the event loop."""
        from rlm_indexers.repo.ignores import chooser
        from rlm_indexers.search.grep import Request, grep

        request = Request(pattern, limit, offset, ignore_case, word, literal, context)
        return grep(self.pack, request, chooser(glob) if glob else None)

    def symbols(self, path: str | None = None, name: str | None = None, kind: str | None = None) -> Iterator[Symbol]:
        """Definitions in order of place: of a document or glob of ids, by name, qualified name or wildcard, by kind."""
        rows = self.pack.find_symbols(name) if name else self._all_symbols(path)
        for _, row in rows:
            if (kind is None or row["kind"] == kind) and (path is None or _in(row["document"], path)):
                yield Symbol(**{field: row.get(field, "") for field in Symbol.__dataclass_fields__})

    # Relations

    @cached_property
    def relations(self) -> "Relations":
        """Who uses what: `references`, `callers`, `callees`, `importers`. Call them off the event loop."""
        from rlm_indexers.relations import Relations

        return Relations(self.pack, self._cache / "facts.sqlite", self._folder)

    @cached_property
    def commits(self) -> "Commits":
        """The history of the repository it was loaded from, as documents to cite; SourceError when there is none."""
        from rlm_indexers.past.commits import Commits

        return Commits(self.pack, self.facts, self._cache)

    def outline(self, tokens: int = 1000, question: str = "", *, head: bool = True, wait: bool = True) -> str:
        """The documents and definitions that matter most (for a question), in so many tokens; blocking.

        Without `wait`: "" when it would take long. Without `head`: nothing but documents and definitions.
        """
        from rlm_indexers.relations.overview import Overview

        overview = Overview(self.pack, self._folder, self._cache / "facts.sqlite")
        return overview.text(tokens, question, head=head) if wait or overview.ready() else ""

    @property
    def _cache(self) -> Path:
        return self._folder.parent.parent

    def _all_symbols(self, path: str | None) -> Iterator[tuple[int, dict[str, JSON]]]:
        one = self.pack.index(path) if path else None
        for i in range(len(self.pack)) if one is None else (one,):
            if path is None or _in(self.pack.id_of(i), path):
                yield from ((i, row) for row in self.pack.symbols(i))

    # Reading

    def document(self, document: str) -> int:
        """The number of a document in the pack. Raises DocumentNotFound, offering the nearest ids."""
        found = self.pack.index(document)
        if found is None:
            near = ", ".join(self._near(document)) or "none is alike"
            raise DocumentNotFound(f"{self.name} holds no document {document!r}. Nearest: {near}.")
        return found

    def _near(self, document: str) -> list[str]:
        import difflib

        ids = [self.pack.id_of(i) for i in range(min(len(self.pack), 50_000))]
        ending = [name for name in ids if name.endswith("/" + document.rpartition("/")[2])]
        return ending[:3] or difflib.get_close_matches(document, ids[:5000], 3)

    def lines(self, span: Span) -> bytes:
        """The bytes of a span, without the last newline. Raises DocumentNotFound or SpanError."""
        i = self.document(span.document)
        try:
            return self.pack.lines(i, span.start, span.end)
        except IndexError as error:
            raise SpanError(f"{error}: pass lines between 1 and {self.pack.line_count(i)}") from error

    def origin(self, span: Span) -> dict[str, JSON]:
        """Where a span's text came from: `document`, `sha256` of the raw source, `file` if it is one, page, record …"""
        if self.pack.index(span.document) is None and (made := self._made(span.document)):
            return made
        i = self.document(span.document)
        anchor = {k: v for k, v in self.pack.anchor_at(i, span.start).items() if k != "line"}
        root, inner = self._root(span.document)
        inside = root and "\\x" not in span.document
        known = {"file": str(Path(root) / inner)} if inside else {}
        if root and "file" in anchor:
            anchor["file"] = str(Path(root) / anchor["file"])
        return {"document": span.document, "sha256": self.pack.document(i).sha256, **known, **anchor}

    def _made(self, document: str) -> dict[str, JSON]:
        """Where a commit or difference comes from; nothing for other ids."""
        from rlm_indexers.past.commits import NAMED

        return {"document": document, "made_from": "git"} if NAMED.fullmatch(document) else {}

    def _root(self, document: str) -> tuple[str, str]:
        """The folder below which a document's file lies, and its path there.

        Histories have one for each agent, and several sources one each: the first part of the id says which.
        """
        first, _, rest = document.partition("/")
        roots, sources = self.facts.get("roots"), self.facts.get("sources")
        if isinstance(sources, dict):
            return str(sources.get(first, {}).get("root") or ""), rest
        found = roots.get(first) if isinstance(roots, dict) else self.facts.get("root")
        return (found if isinstance(found, str) else ""), document


def _in(document: str, path: str) -> bool:
    """Whether an id is the one named, lies below the folder named, or is meant by a glob."""
    return document == path or document.startswith(path.rstrip("/") + "/") or fnmatch.fnmatchcase(document, path)
