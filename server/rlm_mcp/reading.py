"""Reading a corpus without a model: a place, a symbol, a pattern or words → matches with their lines."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
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

    @property
    def matches(self) -> list[dict[str, JSON]]:
        """Matches as {document, start_line, end_line, text, kind}; the text's lines are numbered."""
        return [
            {"document": s.document, "start_line": s.start, "end_line": s.end, "text": text, "kind": self.kind}
            for s, text in zip(self.spans, self.texts, strict=True)
        ]

    def as_json(self) -> dict[str, JSON]:
        return {"kind": self.kind, "matches": self.matches, "total": self.total, "note": self.note}


def read(corpus: Corpus, query: str, limit: int) -> Found:
    """What `query` finds, tried in this order: `path`, `path:a-b` (of commits too), `/regex/` or `/regex/i`, a symbol's
    name, words.
    """
    if not query.strip():
        return Found("lines", (), (), 0)
    if found := _place(corpus, query.strip(), limit):
        return found
    if match := PATTERN.match(query.strip()):
        return _pattern(corpus, match["pattern"], limit, ignore_case=bool(match["flags"]))
    return _symbol(corpus, query.strip(), limit) or _words(corpus, query, limit)


def numbered(pack: Pack, span: Span) -> str:
    """The lines of a span as `<line>| <text>`."""
    index = pack.index(span.document)
    if index is None:
        return ""
    lines = pack.lines(index, span.start, span.end).decode("utf-8", "replace").split("\n")
    return "\n".join(f"{span.start + n}| {line.rstrip(chr(13))}" for n, line in enumerate(lines))


def _place(corpus: Corpus, query: str, limit: int) -> Found | None:
    match = PLACE.match(query)
    for path, start, end in ((query, 1, None), *([_parts(match)] if match else [])):
        if path in corpus.pack:
            return _lines(corpus.pack, path, start, end or (start if match and path != query else None), limit)
    return _commit(corpus, query, match, limit)


def _commit(corpus: Corpus, query: str, match: "re.Match[str] | None", limit: int) -> Found | None:
    """The text of a commit or difference as it is cited: with lines at its end, or without."""
    from rlm_indexers.past.commits import NAMED, pack_of

    path, start, end = _parts(match) if match and NAMED.fullmatch(match["path"]) else (query, 1, None)
    text = corpus.commits.text(path) if NAMED.fullmatch(path) else None
    if text is None:
        return None
    return _lines(pack_of(path, text), path, start, end or (start if path != query else None), limit)


def _parts(match: "re.Match[str]") -> tuple[str, int, int | None]:
    return match["path"], int(match["start"]), int(match["end"]) if match["end"] else None


def _lines(pack: Pack, path: str, start: int, end: int | None, limit: int) -> Found:
    last = pack.line_count(pack.index(path) or 0)
    wanted = min(end or last, last)
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


def _symbol(corpus: Corpus, query: str, limit: int) -> Found | None:
    if not re.fullmatch(r"[\w.:*?$#-]+", query):
        return None
    spans = [symbol.span for symbol in corpus.symbols(name=query)]
    return _shown(corpus, "symbol", spans, len(spans), limit) if spans else None


def _pattern(corpus: Corpus, pattern: str, limit: int, *, ignore_case: bool) -> Found:
    result = corpus.grep(pattern, limit=limit, ignore_case=ignore_case)
    return _shown(corpus, "pattern", [match.span for match in result.matches], result.total, limit)


def _words(corpus: Corpus, query: str, limit: int) -> Found:
    hits = corpus.search(query, limit=max(1, min(10, limit)))
    return _shown(corpus, "words", [hit.span for hit in hits], len(hits), limit)


def _shown(corpus: Corpus, kind: str, spans: list[Span], total: int, limit: int) -> Found:
    """The first spans whose lines, each cut to LINES_SHOWN, fit within `limit` lines together."""
    fitting = tuple(_within(spans, limit))
    return Found(kind, fitting, tuple(numbered(corpus.pack, span) for span in fitting), total)


def _within(spans: list[Span], limit: int) -> Iterator[Span]:
    left = limit
    for span in spans:
        if left <= 0:
            return
        end = min(span.end, span.start + min(LINES_SHOWN, left) - 1)
        yield Span(span.document, span.start, end)
        left -= end - span.start + 1
