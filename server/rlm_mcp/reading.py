"""Reading a corpus without a model: a place, a symbol, a pattern or words → matches with their lines."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from rlm_indexers.corpus import Span
from rlm_indexers.pack.reader import Pack
from rlm_indexers.store import Corpus

JSON = Any
PLACE = re.compile(r"^(?P<path>.+?):(?P<start>\d+)(?:-(?P<end>\d+))?$")
PATTERN = re.compile(r"^/(?P<pattern>.+)/(?P<flags>i?)$", re.DOTALL)
LINES_SHOWN = 40
"""At most this many lines of one symbol or hit: enough to decide whether to read on."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a query found, and how much there is in all; `kind` says how the query was understood."""

    kind: str
    """`lines`, `symbol`, `pattern` or `words`."""
    spans: tuple[Span, ...]
    texts: tuple[str, ...]
    total: int
    note: str = ""
    """What to ask for next when there is more."""
    caveat: str = ""
    """What to know before the matches are read: they are not quite what was asked for."""

    @property
    def matches(self) -> list[dict[str, JSON]]:
        """Matches as {document, start_line, end_line, text, kind}; the text's lines are numbered."""
        return [
            {"document": s.document, "start_line": s.start, "end_line": s.end, "text": text, "kind": self.kind}
            for s, text in zip(self.spans, self.texts, strict=True)
        ]

    def as_json(self) -> dict[str, JSON]:
        return {
            "kind": self.kind,
            "matches": self.matches,
            "total": self.total,
            "note": self.note,
            "caveat": self.caveat,
        }


@dataclass(frozen=True, slots=True)
class Page:
    """At most so many lines, of the matches from `offset` on (0: from the first)."""

    limit: int
    offset: int = 0


def read(corpus: Corpus, query: str, page: Page) -> Found:
    """What `query` finds, tried in this order: `path`, `path:a-b` (of commits too), `/regex/` or `/regex/i`, a symbol's
    name, words. Of a path, the offset skips lines.
    """
    if not query.strip():
        return Found("lines", (), (), 0)
    if found := _place(corpus, query.strip(), page):
        return found
    if match := PATTERN.match(query.strip()):
        return _pattern(corpus, match["pattern"], page, ignore_case=bool(match["flags"]))
    found = _symbol(corpus, query.strip(), page) or _words(corpus, query, page)
    if match := PLACE.match(query.strip()):
        return replace(found, caveat=f"no document is {match['path']!r}, so its words were looked for")
    return found


def numbered(pack: Pack, span: Span) -> str:
    """The lines of a span as `<line>| <text>`."""
    index = pack.index(span.document)
    if index is None:
        return ""
    lines = pack.lines(index, span.start, span.end).decode("utf-8", "replace").split("\n")
    return "\n".join(f"{span.start + n}| {line.rstrip(chr(13))}" for n, line in enumerate(lines))


def _place(corpus: Corpus, query: str, page: Page) -> Found | None:
    match = PLACE.match(query)
    for path, start, end in ((query, 1, None), *([_parts(match)] if match else [])):
        if path in corpus.pack:
            return _lines(corpus.pack, path, start, end or (start if match and path != query else None), page)
    return _commit(corpus, query, match, page)


def _commit(corpus: Corpus, query: str, match: "re.Match[str] | None", page: Page) -> Found | None:
    """The text of a commit or difference as it is cited: with lines at its end, or without."""
    from rlm_indexers.past.commits import NAMED, pack_of

    path, start, end = _parts(match) if match and NAMED.fullmatch(match["path"]) else (query, 1, None)
    text = corpus.commits.text(path) if NAMED.fullmatch(path) else None
    if text is None:
        return None
    return _lines(pack_of(path, text), path, start, end or (start if path != query else None), page)


def _parts(match: "re.Match[str]") -> tuple[str, int, int | None]:
    return match["path"], int(match["start"]), int(match["end"]) if match["end"] else None


def _lines(pack: Pack, path: str, start: int, end: int | None, page: Page) -> Found:
    last = pack.line_count(pack.index(path) or 0)
    wanted, limit = min(end or last, last), page.limit
    start += page.offset
    shown = min(wanted, start + limit - 1)
    if not 1 <= start <= shown:
        return Found("lines", (), (), 0, f"{path} has {last} lines")
    span = Span(path, start, shown)
    rest = (
        f"lines {start}-{shown} of {last}; next: {path}:{shown + 1}-{min(shown + limit, last)}"
        if shown < wanted
        else ""
    )
    return Found("lines", (span,), (numbered(pack, span),), 1, rest)


def _symbol(corpus: Corpus, query: str, page: Page) -> Found | None:
    if not re.fullmatch(r"[\w.:*?$#-]+", query):
        return None
    spans = [symbol.span for symbol in corpus.symbols(name=query)]
    return _noted(_shown(corpus, "symbol", spans[page.offset :], len(spans), page), page, "symbols") if spans else None


def _pattern(corpus: Corpus, pattern: str, page: Page, *, ignore_case: bool) -> Found:
    result = corpus.grep(pattern, limit=page.limit, offset=page.offset, ignore_case=ignore_case)
    found = _shown(corpus, "pattern", [match.span for match in result.matches], result.total, page)
    return _noted(found, page, "or more matching lines" if result.truncated else "matching lines")


def _words(corpus: Corpus, query: str, page: Page) -> Found:
    hits = corpus.search(query, limit=max(1, min(10, page.limit)), offset=page.offset)
    found = _shown(corpus, "words", [hit.span for hit in hits], hits.total, page)
    return _noted(found, page, "passages that share a word with the query, best first")


def _shown(corpus: Corpus, kind: str, spans: list[Span], total: int, page: Page) -> Found:
    """The first spans whose lines, each cut to LINES_SHOWN, fit within the page."""
    fitting = tuple(_within(spans, page.limit))
    return Found(kind, fitting, tuple(numbered(corpus.pack, span) for span in fitting), total)


def _noted(found: Found, page: Page, of_what: str) -> Found:
    """The page, saying which of how many matches it holds unless it holds all of them."""
    through, whole = page.offset + len(found.spans), f"{found.total} {of_what}"
    if not found.spans:
        return replace(found, note=f"there are {whole}" if found.total else "")
    if len(found.spans) == found.total:
        return found
    more = f"; next: offset={through}" if through < found.total else ""
    return replace(found, note=f"{page.offset + 1}-{through} of {whole}{more}")


def _within(spans: list[Span], limit: int) -> Iterator[Span]:
    left = limit
    for span in spans:
        if left <= 0:
            return
        end = min(span.end, span.start + min(LINES_SHOWN, left) - 1)
        yield Span(span.document, span.start, end)
        left -= end - span.start + 1
