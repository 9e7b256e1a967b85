"""`corpus` where it is code: who uses what, what matters most, and the history behind it, by asking the host.

Runs inside the sandbox; standard library only. A commit or difference is read and cited like any document, under an id
like `commit:0123456789ab:src/app.py`; its text comes from the host when more of it is looked at than its first line.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rlm_mcp.engine.repl import corpus_view, spans
else:
    import corpus_view
    import spans

Call = Callable[..., Any]
MADE = ("commit:", "diff:")


class Labelled(spans.Spans):
    """Spans listed below a line that says what holds for them; `.definitions`: what the name asked for is."""

    definitions: "list[str]" = []  # noqa: RUF012 - replaced, never changed

    def __str__(self) -> str:
        lines: list[str] = []
        if len(self.definitions) > 1:
            lines.append(f"# {len(self.definitions)} definitions: {', '.join(self.definitions[:5])}")
        label = ""
        for span in self:
            if span.label != label:
                label = span.label
                lines.append(f"# {label}")
            lines.append(span.listing())
        return "\n".join(lines + self._note()) or "(nothing found)"

    __repr__ = __str__

    def _like(self, items: "list[Any]") -> "Labelled":
        made = Labelled(items)
        made.compact = True
        return made


class Made:
    """Texts from the host, by id: what spans need of a pack."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._numbers: dict[str, int] = {}
        self._texts: list[tuple[list[bytes], bool]] = []

    def index(self, document: str) -> int:
        return self.first(document, "") if document not in self._numbers else self._numbers[document]

    def first(self, document: str, line: str) -> int:
        """Enter a text of which only the first line is known."""
        number = self._numbers.setdefault(document, len(self._texts))
        if number == len(self._texts):
            self._texts.append(([line.encode()], False))
        return number

    def whole(self, document: str, text: str) -> int:
        number = self.first(document, "")
        self._texts[number] = (text.encode().removesuffix(b"\n").split(b"\n"), True)
        return number

    def lines(self, i: int, start: int, end: int) -> bytes:
        known, whole = self._texts[i]
        if not whole and (end > 1 or not known[0]):
            known = self._fetched(i)
        return b"\n".join(known[start - 1 : end])

    def line_count(self, i: int) -> int:
        return len(self._fetched(i))

    def anchor_at(self, _i: int, _line: int) -> "dict[str, Any]":
        return {}

    def _fetched(self, i: int) -> "list[bytes]":
        if not self._texts[i][1]:
            document = next(name for name, number in self._numbers.items() if number == i)
            answer = self._call("git", what="text", document=document)
            self._texts[i] = (answer["text"].encode().removesuffix(b"\n").split(b"\n"), True)
        return self._texts[i][0]


class Corpus(corpus_view.Corpus):
    """Everything there is to read, and for code `.callers .callees .importers .history .log .blame .commit .diff`."""

    def __init__(self, pack: Any, call: Call) -> None:
        super().__init__(pack, call)
        self._made: Any = Made(call)

    def read(self, place: Any, start: "int | None" = None, end: "int | None" = None) -> spans.Span:
        """`read("path", 10, 20)`, `read("path:10-20")`, `read("path")` for all; `read("commit:<name>:<path>")`."""
        name = str(getattr(place, "document", place))
        if not name.startswith(MADE) or name in self._pack:
            return super().read(place, start, end)
        if isinstance(place, spans.Span):
            start, end = start or place.start, end or place.end
        elif start is None and name.rpartition(":")[2].replace("-", "").isdigit() and name.count(":") > 1:
            name, _, lines = name.rpartition(":")
            start, end = int(lines.partition("-")[0]), int(lines.rpartition("-")[2])
        last = self._made.line_count(self._made.index(name))
        return spans.Span(self._made, name, start or 1, min(end or start or last, last))

    # Who uses what

    def references(self, name: str, limit: int = 200) -> Labelled:
        """Every use of a name with what it means, the sure ones first; of a name nothing uses, lines that hold it."""
        return self._edges("references", name, limit)

    def callers(self, symbol: str, limit: int = 200) -> Labelled:
        """Who uses a definition: `callers("Class.method")`, `callers("path:qualname")`; `.confidence .enclosing`."""
        return self._edges("callers", symbol, limit)

    def callees(self, symbol: str, limit: int = 200) -> Labelled:
        """What a definition uses; `.target` is where that is defined."""
        return self._edges("callees", symbol, limit)

    def importers(self, path: str, limit: int = 200) -> Labelled:
        """The import statements that mean a document."""
        return self._edges("importers", self.docs[path].id, limit)

    def _edges(self, what: str, name: Any, limit: int) -> Labelled:
        answer = self._call("relations", what=what, name=str(getattr(name, "qualname", name)), limit=int(limit))
        known = answer["definitions"] if what != "callees" else []
        found = Labelled(
            spans.Span(
                self._pack, e["document"], e["line"], e["line"], label=_label(e, known), needle=e["name"], **_known(e)
            )
            for e in answer["edges"]
        )
        found.compact, found.total, found.truncated = True, answer["total"], not answer.get("complete", True)
        found.definitions = [f"{document}:{line} {qualname}" for document, line, qualname in known]
        return found

    def outline(
        self, path: "str | None" = None, limit: int = 200, *, tokens: int = 1000, question: str = ""
    ) -> spans.Shown:
        """Without a path, the documents and definitions that matter most (for a question); else what a path holds."""
        if path is not None or self.kind != "repo":
            return super().outline(path, limit)
        return spans.Shown(self._call("outline", tokens=int(tokens), question=str(question))["text"])

    # History

    def log(self, *, grep: str = "", author: str = "", since: str = "", path: str = "", limit: int = 30) -> spans.Spans:
        """The newest commits, by words of the message, author, date or path: each a line to cite, `.wider(n)` more.

        `grep` and `author`: regular expressions, whatever their case; `since="2024-05-01"`, or "3 weeks ago": the day
        it was committed. A document is followed to its earlier names, which then stand in the commits' ids.
        """
        asked = {"grep": grep, "author": author, "since": since, "path": path}
        return self._commits(self._call("git", what="log", limit=int(limit), **{k: str(v) for k, v in asked.items()}))

    def history(self, path: str, limit: int = 30) -> spans.Spans:
        """The newest commits that touched a document or folder, a document's earlier names included."""
        return self.log(path=path, limit=limit)

    def blame(self, path: Any, start: "int | None" = None, end: "int | None" = None) -> Labelled:
        """The commits that last touched the lines of a document or span."""
        span = path if isinstance(path, spans.Span) and start is None else self.read(path, start, end)
        found = self._call("git", what="blame", path=span.document, start=span.start, end=span.end)["rows"]
        return Labelled(
            self._first(document, text).known(label=f"{span.document}:{a}-{b} last changed in", lines_of=(a, b))
            for document, text, a, b in found
        )

    def commit(self, revision: str, path: str = "") -> spans.Span:
        """A commit as text: its line, its message, its patch (of a path); `revision`: any name of it, or its span."""
        return self._whole(self._call("git", what="commit", revision=_named(revision), path=str(path)))

    def diff(self, revision: str, until: str = "", path: str = "") -> spans.Span:
        """What changed between a revision and another (or the one loaded), as text."""
        asked = {"revision": _named(revision), "until": _named(until), "path": str(path)}
        return self._whole(self._call("git", what="diff", **asked))

    def changed_since(self, revision: str, path: str = "") -> spans.Span:
        """The paths that changed since a revision, the lines of `diff` before its patch."""
        whole = self.diff(revision, path=path)
        return whole.part(1, whole.lines.index(""))

    def _commits(self, answer: Any) -> spans.Spans:
        found = spans.Spans(self._first(document, text) for document, text, *_ in answer["rows"])
        found.compact = True
        if answer["more"]:
            found.total, found.truncated = len(found) + 1, True
        return found

    def _first(self, document: str, text: str) -> spans.Span:
        self._made.first(document, text)
        return spans.Span(self._made, document, 1, 1)

    def _whole(self, answer: Any) -> spans.Span:
        number = self._made.whole(answer["document"], answer["text"])
        return spans.Span(self._made, answer["document"], 1, self._made.line_count(number))


def _named(revision: Any) -> str:
    """A revision as the host takes it: of a span of a commit, the document's id."""
    return str(getattr(revision, "document", revision))


def _label(edge: "dict[str, Any]", known: "list[Any]") -> str:
    """What holds for an edge, in a few words."""
    sure = edge["confidence"] + (f" ({edge['candidates']} candidates)" if edge["candidates"] > 1 else "")
    within = f", in {edge['enclosing']}" if edge["enclosing"] else ""
    means = (
        f" -> {edge['target'][0]}:{edge['target'][1]} {edge['target'][2]}"
        if edge["target"] and [edge["target"]] != known
        else ""
    )
    return f"{sure}{within}{means}"


def _known(edge: "dict[str, Any]") -> "dict[str, Any]":
    return {key: edge[key] for key in ("name", "role", "enclosing", "confidence", "rule", "candidates", "target")}
