"""Host calls about code: who uses what, what matters most, and what the history of the repository says."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from rlm_indexers.errors import IndexerError
from rlm_mcp.engine import checks
from rlm_mcp.engine.checks import Arguments
from rlm_mcp.engine.texts import Texts, remember
from rlm_sandbox.base import Answer, HostCall, HostCallError

if TYPE_CHECKING:
    from rlm_indexers.past.commits import Commits, Row
    from rlm_indexers.relations import Edge, Edges
    from rlm_indexers.relations.scopes import Target
    from rlm_indexers.store import Corpus

JSON = Any
EDGES = 5_000
COMMITS = 500
RELATIONS = ("references", "callers", "callees", "importers")
_ORDER = {"scip": 0, "resolved": 1, "unique": 2, "ambiguous": 3, "external": 4}


class CodeCalls:
    """The part of the table that is about code. What git is asked for is remembered in `texts`."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._corpus = texts.corpus

    def table(self) -> dict[str, HostCall]:
        return {"relations": self._relations, "outline": self._outline, "git": self._git}

    def restore(self, answers: Sequence[Answer]) -> None:
        """Remember what a recorded cell was shown of the history."""
        for answer in answers:
            if answer.name == "git" and answer.error is None:
                self._remember(answer.value)

    async def _relations(self, arguments: Arguments) -> JSON:
        what = _one_of(arguments, "what", RELATIONS)
        name = checks.text(arguments, "name", 1_000)
        limit = checks.integer(arguments, "limit", low=1, high=EDGES)
        unwanted = threading.Event()
        try:
            return await _asked(lambda: _edges(self._corpus, what, name, limit, unwanted.is_set))
        finally:
            unwanted.set()  # a cancelled request leaves its thread behind, which then ends soon

    async def _outline(self, arguments: Arguments) -> JSON:
        tokens = checks.integer(arguments, "tokens", low=100, high=8_000)
        question = checks.optional_text(arguments, "question", 10_000) or ""
        return {"text": await _asked(lambda: self._corpus.outline(tokens=tokens, question=question))}

    async def _git(self, arguments: Arguments) -> JSON:
        what = _one_of(arguments, "what", tuple(_GIT))
        value = await _asked(lambda: _GIT[what](self._corpus.commits, arguments))
        self._remember(value)
        return value

    def _remember(self, value: JSON) -> None:
        remember(self._texts, value.get("rows", ()))
        if "document" in value:
            self._texts.shown(value["document"], value["text"])


async def _asked(question: Callable[[], Any]) -> Any:
    """What the corpus answers, off the event loop; what it refuses, in its own words."""
    try:
        return await asyncio.to_thread(question)
    except IndexerError as error:
        raise HostCallError("refused", str(error)) from error


def _one_of(arguments: Arguments, name: str, known: tuple[str, ...]) -> str:
    value = checks.text(arguments, name, 100)
    if value not in known:
        raise HostCallError("bad-argument", f"{name} should be one of {', '.join(known)}")
    return value


# Relations


def _edges(corpus: "Corpus", what: str, name: str, limit: int, stop: Callable[[], bool]) -> JSON:
    relations = corpus.relations
    found: Edges = getattr(relations, what)(name, limit, stop)
    targets = [] if what == "importers" else relations.definitions(name)
    if what == "references" and not found:
        return _mentions(corpus, name, limit)
    rows = [_edge(edge) for edge in sorted(found, key=lambda edge: _ORDER[edge.confidence])]
    return {
        "edges": rows,
        "total": found.total,
        "complete": found.complete,
        "definitions": [_place(each) for each in targets[:20]],
    }


def _mentions(corpus: "Corpus", name: str, limit: int) -> JSON:
    """Lines that hold the name as a word, where nothing is known to use it: prose, data, languages without symbols."""
    found = corpus.grep(name, limit=limit, word=True, literal=True)
    rows = [
        {"document": m.span.document, "line": m.span.start, "enclosing": "", "name": name, "role": "text"}
        | {"confidence": "text", "rule": "text", "candidates": 0, "target": None}
        for m in found.matches
    ]
    return {"edges": rows, "total": found.total, "complete": not found.truncated, "definitions": []}


def _edge(edge: "Edge") -> JSON:
    return {
        "document": edge.document,
        "line": edge.line,
        "enclosing": edge.enclosing,
        "name": edge.name,
        "role": edge.role,
        "confidence": edge.confidence,
        "rule": edge.rule,
        "candidates": edge.candidates,
        "target": _place(edge.target) if edge.target else None,
    }


def _place(target: "Target") -> JSON:
    return [target.document, target.symbol.line, target.symbol.qualname]


# History


def _log(commits: "Commits", arguments: Arguments) -> JSON:
    words = {name: checks.optional_text(arguments, name, 1_000) or "" for name in ("path", "grep", "author", "since")}
    limit = checks.integer(arguments, "limit", low=1, high=COMMITS)
    rows = commits.log(words.pop("path"), limit=limit + 1, **words)
    return {"rows": [_row(row) for row in rows[:limit]], "more": len(rows) > limit}


def _blame(commits: "Commits", arguments: Arguments) -> JSON:
    path = checks.text(arguments, "path", 4_000)
    start = checks.integer(arguments, "start", low=1, high=2**40)
    end = checks.integer(arguments, "end", low=1, high=2**40)
    return {"rows": [_row(row) for row in commits.blame(path, start, end)]}


def _row(row: "Row") -> JSON:
    return [row.document, row.text, row.start, row.end]


def _commit(commits: "Commits", arguments: Arguments) -> JSON:
    path = checks.optional_text(arguments, "path", 4_000) or ""
    return _document(commits, commits.commit(checks.text(arguments, "revision", 300), path))


def _diff(commits: "Commits", arguments: Arguments) -> JSON:
    until, path = (checks.optional_text(arguments, name, 4_000) or "" for name in ("until", "path"))
    return _document(commits, commits.diff(checks.text(arguments, "revision", 300), until, path))


def _text(commits: "Commits", arguments: Arguments) -> JSON:
    name = checks.text(arguments, "document", 4_000)
    document = commits.canonical(name)
    if document is None:
        raise HostCallError("bad-argument", f"{name[:200]!r} names no commit: commit:<hash>[:<path>], diff:<a>..<b>")
    return _document(commits, document)


def _document(commits: "Commits", document: str) -> JSON:
    return {"document": document, "text": (commits.text(document) or b"").decode("utf-8", "replace")}


_GIT: dict[str, Callable[["Commits", Arguments], JSON]] = {
    "log": _log,
    "blame": _blame,
    "commit": _commit,
    "diff": _diff,
    "text": _text,
}
