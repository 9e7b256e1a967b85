"""Spans and documents as the REPL sees them: they print with the addresses that citations need.

Runs inside the sandbox; standard library only, and `reader`. The display format is a contract with the host's ledger:
a header `<document>:<start>-<end>`, then `<line>| <text>` for each line; listings are `<document>:<line>| <text>`.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, overload

if TYPE_CHECKING:
    from rlm_indexers.pack import reader
else:
    import reader  # noqa: TC002 - the name it has in the sandbox

WIDTH = 1_000
"""Characters of one line in a span; the rest is cut with ` […]`."""
WHOLE = 20_000
"""Likewise in prompts to sub-models, which are to read everything."""
LISTED = 300
"""Likewise in listings."""
CUT = "[…]"
PREVIEW_LINES = 8


class Shown(str):
    """A text that prints as itself also where a cell ends with it."""

    __slots__ = ()
    __repr__ = str.__str__


class Span:
    """Lines `start` to `end` of a document: 1-based, inclusive. `.text`, `.lines`, `.ref`; prints with line numbers."""

    def __init__(self, pack: "reader.Pack", document: str, start: int, end: int, **facts: Any) -> None:
        self._pack = pack
        self.document, self.start, self.end = document, start, end
        self.__dict__.update(facts)

    @property
    def ref(self) -> str:
        """`path:start-end`: what a citation holds between its brackets."""
        return f"{self.document}:{self.start}-{self.end}"

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def lines(self) -> list[str]:
        i = self._pack.index(self.document)
        if i is None or self.end < self.start:
            return []
        data = self._pack.lines(i, self.start, self.end)
        return [line.decode("utf-8", "replace").removesuffix("\r") for line in data.split(b"\n")]

    @property
    def origin(self) -> dict[str, Any]:
        """Page, sheet, record, … of the first line, where the source has them."""
        i = self._pack.index(self.document)
        return {} if i is None else self._pack.anchor_at(i, self.start)

    def show(self, limit: "int | None" = None, width: int = WIDTH) -> str:
        """The display format, `limit` lines of it, each at most `width` characters long."""
        lines = self.lines
        shown = [f"{n}| {_cut(line, width)}" for n, line in enumerate(lines[:limit], self.start)]
        rest = len(lines) - len(shown)
        more = (
            [f"[+ {rest} more: corpus.read({self.document!r}, {self.start + len(shown)}, {self.end})]"] if rest else []
        )
        return "\n".join([self.ref, *shown, *more])

    def listing(self) -> str:
        """Its first line as `path:line| text`."""
        first = self.__dict__.get("line", self.start)
        one = Span(self._pack, self.document, first, first)
        return f"{self.document}:{first}| {_cut(''.join(one.lines), LISTED, self.__dict__.get('needle', ''))}"

    def wider(self, before: int = 3, after: "int | None" = None) -> "Span":
        """The span with more lines around it."""
        i = self._pack.index(self.document)
        last = self._pack.line_count(i) if i is not None else self.end
        end = min(last, self.end + (before if after is None else after))
        return Span(self._pack, self.document, max(1, self.start - before), end)

    def touches(self, after: "Span") -> bool:
        """Whether a span that begins no earlier overlaps this one or follows it at once."""
        return self.document == after.document and after.start <= self.end + 1

    def known(self, **facts: Any) -> "Span":
        """The same span with facts as attributes."""
        return Span(self._pack, self.document, self.start, self.end, **facts)

    def part(self, start: int, end: int) -> "Span":
        """Other lines of the same document."""
        return Span(self._pack, self.document, start, end)

    def __str__(self) -> str:
        return self.show()

    def __format__(self, spec: str) -> str:
        """As it stands in a prompt: very long lines are whole."""
        return format(self.show(width=WHOLE), spec)

    def __repr__(self) -> str:
        return f"<{self.ref}>"

    def __len__(self) -> int:
        return max(0, self.end - self.start + 1)

    def __contains__(self, part: str) -> bool:
        return part in self.text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Span) and self.ref == other.ref

    def __hash__(self) -> int:
        return hash(self.ref)

    def __lt__(self, other: "Span") -> bool:
        return (self.document, self.start, self.end) < (other.document, other.start, other.end)


class Spans(list[Any]):
    """A list of spans that prints as text with addresses. `.total` counts all that were found, if more were."""

    total: "int | None" = None
    truncated = False
    shown: "int | None" = None
    """How many of the total this page and those before it hold, when there are pages."""
    compact = False
    preview: "int | None" = None

    def __getitem__(self, key: Any) -> Any:
        found = list.__getitem__(self, key)
        return self._like(found) if isinstance(key, slice) else found

    def _like(self, items: list[Any]) -> "Spans":
        made = Spans(items)
        made.compact, made.preview = self.compact, self.preview
        return made

    @property
    def text(self) -> str:
        return "\n".join(span.text for span in self)

    @property
    def documents(self) -> list[str]:
        """The ids of the documents, each once, in order."""
        return list(dict.fromkeys(span.document for span in self))

    def __str__(self) -> str:
        parts = [span.listing() if self.compact else span.show(self.preview) for span in self]
        return "\n".join(parts + self._note()) or "(nothing found)"

    __repr__ = __str__

    def _note(self) -> list[str]:
        through = len(self) if self.shown is None else self.shown
        if self.total is None or self.total <= through:
            return []
        total = f"{self.total:,}{' or more' if self.truncated else ''}"
        more = "limit=" if self.shown is None else f"limit= or offset={through}"
        return [f"[{len(self)} of {total} shown; ask for more with {more}]"]


class Lines(Sequence[str]):
    """The lines of a document: `lines[0]` is line 1. `len(lines)` counts them without reading the text."""

    def __init__(self, pack: "reader.Pack", number: int) -> None:
        self._pack, self._number = pack, number

    def __len__(self) -> int:
        return self._pack.line_count(self._number)

    @overload
    def __getitem__(self, key: int) -> str: ...
    @overload
    def __getitem__(self, key: slice) -> list[str]: ...
    def __getitem__(self, key: Any) -> Any:
        wanted = range(len(self))[key]
        if isinstance(wanted, int):
            return self._read(wanted + 1, wanted + 1)[0]
        if not wanted:
            return []
        low, high = min(wanted), max(wanted)
        lines = self._read(low + 1, high + 1)
        return [lines[at - low] for at in wanted]

    def __iter__(self) -> Iterator[str]:
        for at in range(1, len(self) + 1, 4096):
            yield from self._read(at, min(at + 4095, len(self)))

    def _read(self, start: int, end: int) -> list[str]:
        data = self._pack.lines(self._number, start, end)
        return [line.decode("utf-8", "replace").removesuffix("\r") for line in data.split(b"\n")]

    def __repr__(self) -> str:
        return f"<{len(self):,} lines>"


class Row(dict[str, Any]):
    """One record of a document of rows; `.line` is where it stands, `.span` what to cite."""

    line: int
    span: Span


class Document:
    """One text of the corpus: `.id .text .lines .language .size .flags .span .read(a, b) .rows() .symbols`."""

    def __init__(self, pack: "reader.Pack", number: int) -> None:
        self._pack, self._number = pack, number
        known = pack.document(number)
        self.id, self.size, self.language = known.id, known.size, known.language
        self.flags, self.sha256, self.line_count = known.flags, known.sha256, known.lines

    @property
    def text(self) -> str:
        return self._pack.text(self._number)

    @property
    def lines(self) -> Lines:
        return Lines(self._pack, self._number)

    @property
    def span(self) -> Span:
        """The whole document as a span."""
        return Span(self._pack, self.id, 1, self.line_count)

    @property
    def symbols(self) -> Spans:
        """Its definitions, in order."""
        return symbol_spans(self._pack, self._pack.symbols(self._number))

    @property
    def anchors(self) -> list[dict[str, Any]]:
        """Where its text came from (page, sheet, record, …), each from its `line` on."""
        return self._pack.anchors(self._number)

    def read(self, start: int = 1, end: "int | None" = None) -> Span:
        """Lines `start` to `end`, inclusive, as far as they exist."""
        last = self.line_count if end is None else min(end, self.line_count)
        return Span(self._pack, self.id, max(1, start), last)

    def find(self, part: str) -> Spans:
        """Every line that holds this text."""
        found = Spans(self.read(n, n) for n, line in enumerate(self.lines, 1) if part in line)
        found.compact = True
        return found

    def rows(self) -> Iterator[Row]:
        """The records of a CSV, TSV or JSONL document (else one per line, as {"text": …}), with their lines."""
        if self.id.endswith((".csv", ".tsv")):
            yield from self._table("\t" if self.id.endswith(".tsv") else ",")
            return
        for number, line in enumerate(self.lines, 1):
            if line.strip():
                yield self._row(_json_object(line), number, number)

    def _table(self, delimiter: str) -> Iterator[Row]:
        table = csv.reader(io.StringIO(self.text, newline=""), delimiter=delimiter)
        header = next(table, [])
        before = table.line_num
        for values in table:
            pairs = dict(zip(header, values, strict=False))
            yield self._row(pairs, before + 1, table.line_num)
            before = table.line_num

    def _row(self, values: dict[str, Any], start: int, end: int) -> Row:
        row = Row(values)
        row.line, row.span = start, self.read(start, end)
        return row

    def __len__(self) -> int:
        return self.size

    def __contains__(self, part: str) -> bool:
        return part in self.text

    def __repr__(self) -> str:
        kind = f"{self.language}, " if self.language else ""
        return f"<{self.id}: {kind}{self.line_count:,} lines, {self.size:,} bytes>"


def merged(windows: Iterable[Span]) -> list[Span]:
    """Windows in order, those that overlap or touch in one document as one: no line stands twice."""
    found: list[Span] = []
    for window in windows:
        if found and found[-1].touches(window):
            found[-1] = found[-1].wider(0, max(0, window.end - found[-1].end))
        else:
            found.append(window)
    return found


def symbol_spans(pack: "reader.Pack", rows: "Sequence[dict[str, Any]]") -> Spans:
    """Definitions as spans that list the line of their name; `.name .qualname .kind .signature .parent` are kept."""
    facts = ("name", "qualname", "kind", "line", "signature", "parent", "language")
    found = Spans(
        Span(pack, row["document"], row["start_line"], row["end_line"], **{key: row.get(key) for key in facts})
        for row in rows
    )
    found.compact = True
    return found


def _json_object(line: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except ValueError:
        return {"text": line}
    return value if isinstance(value, dict) else {"value": value}


def _cut(line: str, width: int, needle: str = "") -> str:
    """The line, or of a very long one its start, or the part around `needle`."""
    if len(line) <= width:
        return line
    at = line.find(needle) if needle else 0
    start = max(0, at - width // 3) if at > width * 2 // 3 else 0
    end = start + width
    return (f"{CUT} " if start else "") + line[start:end] + (f" {CUT}" if end < len(line) else "")
