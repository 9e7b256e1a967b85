"""Outlines of languages that need no grammar: headings of Markdown and reStructuredText, definitions of SQL."""

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from rlm_indexers.symbols.facts import SymbolFact

Outline = Callable[[bytes], tuple[SymbolFact, ...]]
NAME_CHARACTERS = 200

_FENCE = re.compile(rb" {0,3}(`{3,}|~{3,})")
_ATX = re.compile(rb" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*\r?$")
_SETEXT = re.compile(rb" {0,3}(=+|-+)[ \t]*\r?$")
_TEXT = re.compile(rb" {0,3}[^\s>#`~|+*-]")
_SETTING = re.compile(rb"#|[\w\"'-]+[ \t]*:")
_CELL = re.compile(rb"# %% cell (\d+) \[(\w+)\]")
_ADORNMENT = re.compile(rb"([=\-~^\"'`#*+:.<>_])\1{2,}[ \t]*\r?$")
_SQL_NAME = rb"(?:\"[^\"\n]+\"|`[^`\n]+`|\[[^\]\n]+\]|'[^'\n]+'|[\w$#]+)"
_SQL = re.compile(
    rb"^[ \t]*create\s+(?:(?:or\s+(?:replace|alter)|temporary|temp|unique|materialized|external|global|local|foreign"
    rb"|virtual|unlogged|recursive|constraint|clustered|nonclustered)\s+)*"
    rb"(table|view|function|procedure|aggregate|trigger|index|type|schema|sequence|domain|package)\s+"
    rb"(?:(?:concurrently|body|if\s+not\s+exists)\s+)*(?!on\b|authorization\b)"
    rb"(" + _SQL_NAME + rb"(?:\." + _SQL_NAME + rb")*)",
    re.IGNORECASE | re.MULTILINE,
)
_SQL_END = re.compile(rb";[ \t]*(?:--[^\n]*)?\r?$|^[ \t]*go[ \t]*\r?$", re.MULTILINE | re.IGNORECASE)
_DOLLARS = re.compile(rb"\$\w*\$")


class Heading(NamedTuple):
    line: int
    level: int
    title: str
    start: int = 0
    """The line on which it begins, when that is another: what stands over a title."""


def markdown(data: bytes) -> tuple[SymbolFact, ...]:
    """Headings; each spans what stands under it, deeper headings included."""
    lines = data.split(b"\n")
    front = _front_matter(lines)
    return _sections(_markdown_headings(lines[front:], front), _count(lines))


def rst(data: bytes) -> tuple[SymbolFact, ...]:
    """Titles with a line under them, or over and under; levels in the order in which the signs first occur."""
    lines = data.split(b"\n")
    levels: dict[tuple[bytes, bool], int] = {}
    found = []
    for number in range(1, len(lines)):
        under, title = _ADORNMENT.match(lines[number]), lines[number - 1].strip()
        if not under or not title or _ADORNMENT.match(lines[number - 1]) or len(under[0].strip()) < len(title):
            continue
        over = number > 1 and lines[number - 2].strip() == lines[number].strip()
        if over or lines[number - 1][:1].strip():
            level = levels.setdefault((under[1], over), len(levels) + 1)
            found.append(Heading(number, level, _title(title), number - over))
    return _sections(found, _count(lines))


def notebook(data: bytes) -> tuple[SymbolFact, ...]:
    """Cells, as the notebook converter heads them, and the headings in those that hold Markdown."""
    lines = data.split(b"\n")
    cells = [(number, cell) for number, line in enumerate(lines, 1) if (cell := _CELL.match(line))]
    ends = [number - 1 for number, _ in cells[1:]] + [len(lines)]
    found: list[Heading] = []
    for (number, cell), end in zip(cells, ends, strict=False):
        found.append(Heading(number, 7, _title(b"cell " + cell[1] + b" [" + cell[2] + b"]")))
        if cell[2] == b"markdown":
            found += _markdown_headings(lines[number:end], number)
    return _sections(found, _count(lines))


def sql(data: bytes) -> tuple[SymbolFact, ...]:
    """What is created; each spans to the end of its statement, as far as a `;` at the end of a line shows it."""
    found = []
    for match in _SQL.finditer(data):
        start = match.start(1)
        line = data.count(b"\n", 0, start) + 1
        last = line + data.count(b"\n", start, _end_of_statement(data, match.end()))
        name = re.sub(r"[\"'`\[\]]", "", match[2].decode("utf-8", "replace"))
        short = name.rpartition(".")[2]
        head = " ".join(data[match.start() : match.end()].decode("utf-8", "replace").split())
        kind = match[1].decode().lower()
        found.append(SymbolFact(short, name, kind, line, line, last, name.rpartition(".")[0], head))
    return tuple(found)


def _end_of_statement(data: bytes, start: int) -> int:
    """Where a statement ends; what stands between `$$` and `$$` is the body of a function, with ends of its own."""
    end = _SQL_END.search(data, start)
    mark = _DOLLARS.search(data, start, end.start() if end else len(data))
    if mark:
        closed = data.find(mark[0], mark.end())
        end = _SQL_END.search(data, closed + len(mark[0])) if closed >= 0 else None
    return end.start() if end else len(data.rstrip())


def _markdown_headings(lines: list[bytes], before: int) -> list[Heading]:
    """Headings in some lines of a document, so many lines of which stand before them."""
    found: list[Heading] = []
    fence = b""
    for number, line in enumerate(lines, 1):
        mark = _FENCE.match(line)
        if fence:
            if mark and mark[1].startswith(fence) and not line[mark.end() :].strip():
                fence = b""
            continue
        if mark:
            fence = mark[1]
            continue
        atx, setext = _ATX.match(line), _SETEXT.match(line)
        if atx and (atx[2] or b"").strip():
            found.append(Heading(before + number, len(atx[1]), _title(atx[2])))
        elif setext and number > 1 and _TEXT.match(lines[number - 2]) and (number < 3 or not lines[number - 3].strip()):
            found.append(
                Heading(before + number - 1, 1 if setext[1].startswith(b"=") else 2, _title(lines[number - 2]))
            )
    return found


def _front_matter(lines: list[bytes]) -> int:
    """How many lines of settings stand before the text, between `---` and `---`; 0 when there are none."""
    if lines[0].rstrip() != b"---" or not _SETTING.match(b"".join(lines[1:2])):
        return 0
    return next((number for number, line in enumerate(lines[1:], 2) if line.rstrip() in {b"---", b"..."}), 0)


def _sections(headings: Iterable[Heading], lines: int) -> tuple[SymbolFact, ...]:
    """Headings as symbols: each ends before the next of its level or above, and is the parent of those between."""
    found = list(headings)
    ends = _ends(found, lines)
    symbols = []
    above: list[tuple[int, str]] = []
    for heading, end in zip(found, ends, strict=True):
        while above and above[-1][0] >= heading.level:
            above.pop()
        parent = above[-1][1] if above else ""
        qualname = f"{parent} / {heading.title}" if parent else heading.title
        signature = "#" * heading.level + " " + heading.title
        symbols.append(
            SymbolFact(heading.title, qualname, "heading", heading.line, _start(heading), end, parent, signature)
        )
        above.append((heading.level, qualname))
    return tuple(symbols)


def _ends(headings: list[Heading], lines: int) -> list[int]:
    ends: list[int] = []
    after: list[Heading] = []
    for heading in reversed(headings):
        while after and after[-1].level > heading.level:
            after.pop()
        ends.append(_start(after[-1]) - 1 if after else lines)
        after.append(heading)
    return ends[::-1]


def _start(heading: Heading) -> int:
    return heading.start or heading.line


def _count(lines: list[bytes]) -> int:
    return len(lines) - (not lines[-1])


def _title(raw: bytes) -> str:
    return " ".join(raw.decode("utf-8", "replace").split())[:NAME_CHARACTERS]


OUTLINES: dict[str, Outline] = {"markdown": markdown, "notebook": notebook, "rst": rst, "sql": sql}
