"""`corpus`: documents, symbols and text of the mapped pack; ranked search, grep and references by asking the host.

Runs inside the sandbox; standard library only, and `reader`. What the host answers are places; text is read here.
"""

import fnmatch
import re
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rlm_indexers.pack import reader
    from rlm_mcp.engine.repl import spans
else:
    import reader  # noqa: TC002 - the name it has in the sandbox
    import spans

Call = Callable[..., Any]
_PLACE = re.compile(r"(?P<document>.+?):(?P<start>\d+)(?:-(?P<end>\d+))?$")
MORE_THAN_ENOUGH = 5_000
"""Matches that one grep can bring into the session; `.total` counts all."""


class Documents(Sequence[Any]):
    """The documents: by number, by id, by slice; iterate, filter, `len()`."""

    def __init__(self, pack: "reader.Pack") -> None:
        self._pack = pack

    def __len__(self) -> int:
        return len(self._pack)

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            return spans.Document(self._pack, find(self._pack, key))
        wanted = range(len(self))[key]
        if isinstance(wanted, int):
            return spans.Document(self._pack, wanted)
        return [spans.Document(self._pack, i) for i in wanted]

    def __iter__(self) -> Iterator[spans.Document]:
        return (spans.Document(self._pack, i) for i in range(len(self)))

    def __contains__(self, key: object) -> bool:
        return (key.id if isinstance(key, spans.Document) else key) in self._pack

    def match(self, glob: str) -> list[spans.Document]:
        """The documents whose id fits a pattern like `src/*.py`; `*` also crosses folders."""
        return [document for document in self if fnmatch.fnmatchcase(document.id, glob)]

    def keys(self) -> list[str]:
        return [self._pack.id_of(i) for i in range(len(self))]

    def __repr__(self) -> str:
        first = ", ".join(self._pack.id_of(i) for i in range(min(5, len(self))))
        return f"<{len(self):,} documents: {first}{', …' if len(self) > 5 else ''}>"


class Corpus:
    """Everything there is to read: `.docs`, `corpus["path"]`, `.grep .search .symbols .references .outline .read`."""

    def __init__(self, pack: "reader.Pack", call: Call) -> None:
        self._pack, self._call = pack, call
        meta = pack.meta
        self.name: str = meta.get("name", "")
        self.kind: str = meta.get("kind", "")
        self.facts: dict[str, Any] = meta.get("facts", {})
        self.docs = Documents(pack)

    @property
    def ids(self) -> list[str]:
        return self.docs.keys()

    def __getitem__(self, key: Any) -> Any:
        return self.docs[key]

    def __iter__(self) -> Iterator[spans.Document]:
        return iter(self.docs)

    def __len__(self) -> int:
        return len(self.docs)

    def __contains__(self, key: object) -> bool:
        return key in self.docs

    def __repr__(self) -> str:
        return f"<corpus {self.name}: {self.kind}, {len(self):,} documents>"

    def read(self, place: Any, start: "int | None" = None, end: "int | None" = None) -> spans.Span:
        """`read("path", 10, 20)`, `read("path", 10)` for that line, `read("path:10-20")`, `read("path")` for all."""
        if isinstance(place, spans.Span):
            place, start, end = place.document, start or place.start, end or place.end
        name = place.id if isinstance(place, spans.Document) else str(place)
        found = _PLACE.match(name) if name not in self._pack and start is None else None
        if found:
            name, start, end = found["document"], int(found["start"]), int(found["end"] or found["start"])
        document: spans.Document = self.docs[name]
        return document.read(start or 1, end or start)

    def grep(  # noqa: PLR0913 - the options of one search, by keyword only
        self,
        pattern: str,
        limit: int = 100,
        *,
        ignore_case: bool = False,
        word: bool = False,
        literal: bool = False,
        glob: "str | None" = None,
        context: int = 0,
        offset: int = 0,
    ) -> spans.Spans:
        """Lines that match a regular expression (RE2: linear time, no look-around), in order; `.total` counts all."""
        answer = self._call(
            "grep",
            pattern=str(getattr(pattern, "pattern", pattern)),
            limit=min(int(limit), MORE_THAN_ENOUGH),
            offset=int(offset),
            ignore_case=bool(ignore_case),
            word=bool(word),
            literal=bool(literal),
            glob=glob,
        )
        needle = pattern if literal else _plainest(str(pattern))
        places = [spans.Span(self._pack, d, n, n, needle=needle) for d, n in answer["matches"]]
        windows = spans.merged(p.wider(context) for p in places) if context else places
        return self._listed(windows, answer, compact=not context, shown=int(offset) + len(places))

    def search(self, query: str, limit: int = 10, *, offset: int = 0, glob: "str | None" = None) -> spans.Spans:
        """The spans that fit the words best, ranked; each has `.score` and `.title`.

        `.total` counts the passages that share any word with the query: most of them fit badly.
        """
        answer = self._call("search", query=str(query), limit=int(limit), offset=int(offset), glob=glob)
        found = self._listed(
            [
                spans.Span(self._pack, h["document"], h["start"], h["end"], score=h["score"], title=h["title"])
                for h in answer["hits"]
            ],
            answer,
            shown=int(offset) + len(answer["hits"]),
        )
        found.preview = spans.PREVIEW_LINES
        return found

    def symbols(self, name: "str | None" = None, path: "str | None" = None, kind: "str | None" = None) -> spans.Spans:
        """Definitions by name (`*` is wild, `Class.method` works), by document or glob, by kind (function, class)."""
        rows = [row for _, row in self._pack.find_symbols(name)] if name else self._symbols_in(path)
        if path and name:
            rows = [row for row in rows if row["document"] == path or fnmatch.fnmatchcase(row["document"], path)]
        return spans.symbol_spans(self._pack, [row for row in rows if kind is None or row["kind"] == kind])

    def references(self, name: str, limit: int = 200) -> spans.Spans:
        """Lines that mention a name as a whole word."""
        answer = self._call("references", name=str(name), limit=min(int(limit), MORE_THAN_ENOUGH))
        places = [spans.Span(self._pack, d, n, n, needle=str(name)) for d, n in answer["matches"]]
        return self._listed(places, answer, compact=True)

    def outline(self, path: "str | None" = None, limit: int = 200) -> spans.Shown:
        """What there is: of the corpus or a folder its parts with their sizes, of a document its definitions."""
        if path is not None and path in self._pack:
            found = self.docs[path].symbols
            return spans.Shown(found[:limit] if found else repr(self.docs[path]))
        rows = _parts(self._pack, (path or "").strip("/"))
        lines = [f"{name}: {count:,} documents, {lines:,} lines" for name, (count, lines) in rows[:limit]]
        rest = [f"[and {len(rows) - limit} more]"] if len(rows) > limit else []
        return spans.Shown("\n".join(lines + rest) or f"(nothing below {path!r})")

    def _symbols_in(self, path: "str | None") -> list[dict[str, Any]]:
        if path is not None and path in self._pack:
            numbers: Any = [find(self._pack, path)]
        else:
            numbers = (i for i in range(len(self)) if not path or fnmatch.fnmatchcase(self._pack.id_of(i), path))
        return [row for i in numbers for row in self._pack.symbols(i)]

    def _listed(
        self, items: list[spans.Span], answer: dict[str, Any], *, compact: bool = False, shown: "int | None" = None
    ) -> spans.Spans:
        made = spans.Spans(items)
        made.shown = shown
        made.compact, made.total = compact, answer.get("total")
        made.truncated = bool(answer.get("truncated"))
        return made


def find(pack: "reader.Pack", name: str) -> int:
    """The number of a document by its id or the unique end of it; KeyError says what is near."""
    i = pack.index(name)
    if i is not None:
        return i
    tail = "/" + name.removeprefix("./").strip("/")
    ends = [i for i in range(len(pack)) if ("/" + pack.id_of(i)).endswith(tail)]
    if len(ends) == 1:
        return ends[0]
    base = name.rpartition("/")[2]
    near = [pack.id_of(i) for i in ends] or [n for n in map(pack.id_of, range(len(pack))) if base and base in n]
    raise KeyError(f"no document {name!r}" + (f"; near: {', '.join(near[:5])}" if near else "; see corpus.ids"))


def _parts(pack: "reader.Pack", folder: str) -> list[tuple[str, tuple[int, int]]]:
    """The entries right below a folder with documents and lines, largest first."""
    found: dict[str, tuple[int, int]] = {}
    prefix = folder + "/" if folder else ""
    for i in range(len(pack)):
        name = pack.id_of(i)
        if name.startswith(prefix):
            head, slash, _ = name[len(prefix) :].partition("/")
            count, lines = found.get(prefix + head + slash, (0, 0))
            found[prefix + head + slash] = (count + 1, lines + pack.line_count(i))
    return sorted(found.items(), key=lambda item: (-item[1][1], item[0]))


def _plainest(pattern: str) -> str:
    """The longest run of plain letters in a pattern: where to cut a very long line that matched."""
    return max(re.findall(r"(?<!\\)\w{3,}", pattern), key=len, default="")
