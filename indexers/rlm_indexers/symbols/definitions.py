"""Definitions: their names, spans, documentation, and who stands inside whom."""

from bisect import bisect_right
from collections.abc import Iterable
from typing import NamedTuple

from rlm_indexers.symbols.facts import SymbolFact
from rlm_indexers.symbols.parsing import Node
from rlm_indexers.symbols.shapes import Shape

SIGNATURE_CHARACTERS = 200
LEAVES = frozenset({"constant", "property", "variable"})
"""Kinds that enclose nothing: what is called in the value of a variable is called by what encloses the variable."""
TYPES = frozenset({"class", "enum", "impl", "interface", "mixin", "object", "struct", "trait", "union"})
"""Kinds in which a function is a method."""


class Definition(NamedTuple):
    """A definition, before it is known what encloses it."""

    start: int
    end: int
    """Bytes of the node itself, without what its span begins with."""
    kind: str
    name: str
    line: int
    start_line: int
    end_line: int
    signature: str
    doc_start: int
    doc_end: int
    owner: str


def definition(node: Node, kind: str, data: bytes, shape: Shape) -> Definition | None:
    """What a captured node defines; None when it has no name."""
    name = shape.name(node)
    if name is None:
        return None
    text = data[name.start_byte : name.end_byte].decode("utf-8", "replace")
    outer = _wrapped(node, shape)
    first = outer.start_point[0] + 1
    last = _last_row(outer, shape) + 1
    doc_start, doc_end = _docstring(node) if shape.docstrings else _comment_before(outer, shape)
    return Definition(
        start=node.start_byte,
        end=node.end_byte,
        kind=kind,
        name=text,
        line=name.start_point[0] + 1,
        start_line=min(first, doc_start) if doc_start else first,
        end_line=last,
        signature=_signature(node, data, shape),
        doc_start=doc_start,
        doc_end=doc_end,
        owner="",
    )


def _wrapped(node: Node, shape: Shape) -> Node:
    parent = node.parent if shape.wrappers else None
    while parent is not None and parent.type in shape.wrappers:
        node, parent = parent, parent.parent
    return node


def _last_row(node: Node, shape: Shape) -> int:
    """The row of the last byte that is neither a comment after the end nor a line break."""
    if shape.trims_comments:
        node = _last_leaf(node, shape)
    row, column = node.end_point
    return row - 1 if column == 0 and row > node.start_point[0] else row


def _last_leaf(node: Node, shape: Shape) -> Node:
    while True:
        at = node.child_count - 1
        while at >= 0 and (node.child(at).type in shape.comments or not node.child(at).end_byte):
            at -= 1
        if at < 0:
            return node
        node = node.child(at)


def _signature(node: Node, data: bytes, shape: Shape) -> str:
    end = node.end_byte
    for field in shape.body:
        body = node.child_by_field_name(field)
        if body is not None:
            end = body.start_byte
            break
    head = data[node.start_byte : min(end, node.start_byte + 4 * SIGNATURE_CHARACTERS)]
    return " ".join(head.decode("utf-8", "replace").split()).rstrip("{ ")[:SIGNATURE_CHARACTERS]


def _docstring(node: Node) -> tuple[int, int]:
    body = node.child_by_field_name("body")
    first = body.named_child(0) if body is not None and body.named_child_count else None
    if first is not None and first.type == "expression_statement" and first.named_child_count:
        text = first.named_child(0)
        if text.type == "string":
            return text.start_point[0] + 1, text.end_point[0] + 1
    return 0, 0


def _comment_before(node: Node, shape: Shape) -> tuple[int, int]:
    """The lines of the comments that stand directly before a definition, without a gap."""
    top = node.start_point[0]
    start, before = top, node.prev_sibling
    while before is not None and before.type in shape.comments and before.end_point[0] + 1 == start:
        start, before = before.start_point[0], before.prev_sibling
    return (start + 1, top) if start < top else (0, 0)


class Owners:
    """Who encloses a byte: the innermost definition that may hold others."""

    def __init__(self) -> None:
        self._points: list[int] = [0]
        self._names: list[str] = [""]

    def change(self, at: int, name: str) -> None:
        """From this byte on it is another; bytes come in order."""
        self._points.append(at)
        self._names.append(name)

    def at(self, byte: int) -> str:
        return self._names[bisect_right(self._points, byte) - 1]


class _Open(NamedTuple):
    end: int
    qualname: str
    kind: str


def ordered(found: Iterable[Definition]) -> tuple[tuple[SymbolFact, ...], Owners]:
    """Definitions as symbols in order of position, qualified by what encloses them; and who encloses what."""
    owners = Owners()
    stack: list[_Open] = [_Open(1 << 62, "", "")]
    symbols: list[SymbolFact] = []
    for item in sorted(found, key=lambda d: (d.start, -d.end)):
        _close(stack, owners, item.start)
        parent = stack[-1]
        holder = ".".join(filter(None, (parent.qualname, item.owner)))
        qualname = f"{holder}.{item.name}" if holder else item.name
        kind = _kind(item, parent.kind)
        if kind not in LEAVES:
            stack.append(_Open(item.end, qualname, kind))
            owners.change(item.start, qualname)
        if kind != "scope":
            symbols.append(_symbol(item, kind, qualname, holder))
    _close(stack, owners, 1 << 61)
    return tuple(symbols), owners


def _close(stack: list[_Open], owners: Owners, start: int) -> None:
    while stack[-1].end <= start:
        end = stack.pop().end
        owners.change(end, stack[-1].qualname)


def _kind(item: Definition, parent: str) -> str:
    if item.kind == "function" and (parent in TYPES or item.owner):
        return "method"
    if item.kind in {"variable", "property"} and item.name.isupper():
        return "constant"
    return item.kind


def _symbol(item: Definition, kind: str, qualname: str, parent: str) -> SymbolFact:
    return SymbolFact(
        item.name,
        qualname,
        kind,
        item.line,
        item.start_line,
        item.end_line,
        parent,
        item.signature,
        item.doc_start,
        item.doc_end,
    )
