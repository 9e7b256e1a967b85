"""Who stands inside whom: from definitions in any order to symbols with qualified names."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from rlm_indexers.symbols.definitions import OPEN_END, Definition
from rlm_indexers.symbols.facts import SymbolFact

LEAVES = frozenset({"constant", "declaration", "macro", "property", "variable"})
"""Kinds that enclose nothing: what is called in the value of a variable is called by what encloses the variable."""
TYPES = frozenset({"class", "enum", "impl", "interface", "mixin", "object", "protocol", "struct", "trait", "union"})
"""Kinds in which a function is a method."""
UNSAID = frozenset({"impl"})
"""Kinds that qualify what they hold and are no symbols themselves."""
LOCAL = LEAVES - {"macro"}
"""Kinds that nobody outside a function can mean, when they are defined inside one."""
FUNCTIONS = frozenset({"function", "method"})
NESTING = frozenset({"module", "namespace"})
"""Kinds of which one node may define several, each inside the one before: `namespace a::b`."""
_END = 1 << 62


class Owners:
    """Who encloses a byte: the innermost definition that may hold others."""

    def __init__(self) -> None:
        self._points: list[int] = [0]
        self._names: list[str] = [""]

    def change(self, at: int, name: str) -> None:
        """From this byte on it is another; bytes come in order."""
        self._points.append(max(at, self._points[-1]))
        self._names.append(name)

    def of(self, places: Sequence[int]) -> list[str]:
        """Who encloses each of these bytes, which come in order."""
        ends = [*(bisect_left(places, point) for point in self._points), len(places)]
        return [name for name, (start, end) in zip(self._names, pairwise(ends), strict=True) for _ in range(start, end)]


class _Open(NamedTuple):
    start: int
    end: int
    qualname: str
    kind: str


def nested(found: Iterable[Definition]) -> tuple[tuple[SymbolFact, ...], Owners]:
    """Definitions as symbols in order of position, qualified by what encloses them; and who encloses what."""
    owners = Owners()
    stack: list[_Open] = [_Open(-1, _END, "", "")]
    symbols: list[SymbolFact] = []
    for item in _closed(_distinct(found)):
        _close(stack, owners, item.start)
        if item.kind not in NESTING and (item.start, item.end) == (stack[-1].start, stack[-1].end):
            stack.pop()
        parent = stack[-1]
        kind = _kind(item, parent.kind)
        if kind in LOCAL and parent.kind in FUNCTIONS:
            continue
        holder = ".".join(filter(None, (parent.qualname, item.owner))) if item.owner else parent.qualname
        qualname = f"{holder}.{item.name}" if holder else item.name
        if kind not in LEAVES:
            stack.append(_Open(item.start, item.end, qualname, kind))
            owners.change(item.start, qualname)
        if kind not in UNSAID:
            symbols.append(_symbol(item, kind, qualname, holder))
    _close(stack, owners, _END - 1)
    return tuple(symbols), owners


def _distinct(found: Iterable[Definition]) -> list[Definition]:
    """In order of position, each once: what two patterns capture is what encloses more, else what came first."""
    kept: dict[tuple[int, int, str, int], Definition] = {}
    for item in found:
        key = (item.start, item.end, item.name, item.line)
        if item.name and (key not in kept or kept[key].kind in LEAVES):
            kept[key] = item
    return sorted(kept.values(), key=lambda d: (d.start, -d.end if d.end >= 0 else -_END))


def _closed(items: list[Definition]) -> list[Definition]:
    """With the ends of open-ended ones set to where the next of them starts."""
    ends = [item.start for item in items if item.end == OPEN_END] + [_END]
    return [item._replace(end=ends[bisect_right(ends, item.start)]) if item.end == OPEN_END else item for item in items]


def _close(stack: list[_Open], owners: Owners, start: int) -> None:
    while stack[-1].end <= start:
        end = stack.pop().end
        owners.change(end, stack[-1].qualname)


def _kind(item: Definition, parent: str) -> str:
    if item.kind == "function" and (parent in TYPES or item.owner):
        return "method"
    return "constant" if item.kind in {"variable", "property"} and is_constant(item.name) else item.kind


def is_constant(name: str) -> bool:
    """Whether a variable is meant to stay as it is, by the way it is written."""
    return len(name) > 1 and name.isupper()


def _symbol(item: Definition, kind: str, qualname: str, parent: str) -> SymbolFact:
    _, _, _, name, line, start_line, end_line, signature, doc_start, doc_end, _ = item
    return SymbolFact(name, qualname, kind, line, start_line, end_line, parent, signature, doc_start, doc_end)
