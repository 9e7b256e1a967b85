"""Definitions: their names, spans and documentation, read from captured nodes."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from rlm_indexers.symbols.names import dotted
from rlm_indexers.symbols.parsing import Captures, Node
from rlm_indexers.symbols.shapes import Shape

SIGNATURE_CHARACTERS = 200
OPEN_END = -1
"""The end of what encloses whatever follows."""

_COMMENTS = {"comment", "block_comment"}
_COMMENT_AFTER_COLON = re.compile(rb":\s*#.*", re.DOTALL)


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


class Surroundings:
    """What may belong to the span of a definition without being part of its node."""

    def __init__(self, captures: Captures, data: bytes) -> None:
        self._data = data
        self._leads: dict[int, tuple[int, bool]] = {}
        """Last row → first row of a comment or attribute that has its lines for itself, and whether a comment."""
        self._wraps: dict[int, tuple[int, int, int]] = {}
        """Start byte of what is inside → start byte, first row and last row of what is around it."""
        for kind in ("comment", "attribute"):
            for node in captures.get(kind, ()):
                if _begins_line(node, data):
                    self._leads[last_row(node)] = (node.start_point[0], kind == "comment")
        for node in captures.get("wrap", ()):
            inner = node.named_children[-1]
            self._wraps[inner.start_byte] = (node.start_byte, node.start_point[0], last_row(node))

    def around(self, node: Node, trims: bool) -> tuple[int, int]:
        """First and last row of a node with all that wraps it."""
        start, first = node.start_byte, node.start_point[0]
        last = last_row(_last_leaf(node) if trims and self._ends_too_late(node) else node)
        while start in self._wraps and self._wraps[start][0] != start:
            start, first, end = self._wraps[start]
            last = max(last, end) if not trims else last
        return first, last

    def _ends_too_late(self, node: Node) -> bool:
        """Whether a node ends in a comment, or where the next one starts."""
        end = node.end_byte
        tail = self._data[self._data.rfind(b"\n", 0, end) + 1 : end].strip()
        return not tail or tail.startswith((b"#", b"//", b"/*")) or tail.endswith(b"*/")

    def before(self, row: int) -> tuple[int, int, int]:
        """First row of what leads up to a row without a gap; first and last row of the comments in it, or -1, -1."""
        doc_first, doc_last = -1, -1
        while row - 1 in self._leads:
            first, is_comment = self._leads[row - 1]
            if is_comment:
                doc_first, doc_last = first, max(doc_last, row - 1)
            row = first
        return row, doc_first, doc_last


def definitions(captures: Captures, data: bytes, shape: Shape) -> Iterator[Definition]:
    """Everything that is captured as `def.<kind>` or `scope.<kind>`."""
    surroundings = Surroundings(captures, data)
    for capture, nodes in captures.items():
        role, _, kind = capture.partition(".")
        if role in {"def", "scope"}:
            for node in nodes:
                yield from _defined(node, kind, data, shape, surroundings)


def _defined(node: Node, kind: str, data: bytes, shape: Shape, surroundings: Surroundings) -> Iterator[Definition]:
    names = shape.names(node)
    if not names:
        return
    first, last = surroundings.around(node, shape.trims_comments)
    body = _body(node, shape)
    doc_start, doc_end = _docstring(body) if body is not None and shape.docstrings else (0, 0)
    start, doc_first, doc_last = surroundings.before(first)
    is_open = bool(shape.open_ended) and node.type in shape.open_ended and node.child_by_field_name("body") is None
    for name in names:
        # By position: with names it takes twice as long, and there are tens of thousands.
        yield Definition(
            node.start_byte,
            OPEN_END if is_open else node.end_byte,
            shape.kind(node, kind),
            _name(name, data),
            name.start_point[0] + 1,
            start + 1,
            last + 1,
            _signature(node, body, data, shape),
            doc_start or doc_first + 1,
            doc_end or doc_last + 1,
            shape.owner(node, data),
        )


def tagged(matches: Iterable[Captures], data: bytes) -> Iterator[Definition]:
    """What a grammar's own tags find: `@definition.<kind>` around `@name`. Documentation is the comments before."""
    for captures in matches:
        for capture, nodes in captures.items():
            if capture.startswith("definition.") and "name" in captures:
                yield _tag(nodes[0], captures["name"][0], capture.partition(".")[2], data)


def _tag(node: Node, name: Node, kind: str, data: bytes) -> Definition:
    first, end = node.start_point[0], last_row(node)
    return Definition(
        start=node.start_byte,
        end=node.end_byte,
        kind=kind,
        name=_name(name, data),
        line=name.start_point[0] + 1,
        start_line=first + 1,
        end_line=end + 1,
        signature=_head(data[node.start_byte : node.end_byte].partition(b"\n")[0]),
        doc_start=0,
        doc_end=0,
        owner="",
    )


def last_row(node: Node) -> int:
    """The row of a node's last byte, a line break at its end not counted."""
    row, column = node.end_point
    return row - 1 if column == 0 and row > node.start_point[0] else row


def _begins_line(node: Node, data: bytes) -> bool:
    start = node.start_byte
    return not data[data.rfind(b"\n", 0, start) + 1 : start].strip()


def _last_leaf(node: Node) -> Node:
    """The last node inside that is no comment: some grammars count those after the end into a block."""
    while True:
        children = node.children
        while children and (children[-1].type in _COMMENTS or children[-1].start_byte == children[-1].end_byte):
            children.pop()
        if not children:
            return node
        node = children[-1]


def _name(node: Node, data: bytes) -> str:
    raw = data[node.start_byte : node.end_byte].decode("utf-8", "replace")
    if raw.isidentifier():
        return raw[:SIGNATURE_CHARACTERS]
    if node.type == "selectors":
        return " ".join(raw.split())[:SIGNATURE_CHARACTERS]
    if raw.startswith("r#"):  # in Rust, a name that is also a word of the language
        return raw.removeprefix("r#")[:SIGNATURE_CHARACTERS]
    text = dotted(raw)
    if node.type == "operator_cast":
        text = text.partition("(")[0].strip()
    return text.strip("\"'`").removeprefix(":")[:SIGNATURE_CHARACTERS]


def _signature(node: Node, body: Node | None, data: bytes, shape: Shape) -> str:
    start, end = node.start_byte, node.end_byte
    if body is not None and body.start_byte > start:
        end = body.start_byte
    head = data[start : min(end, start + 4 * SIGNATURE_CHARACTERS)]
    return _head(_COMMENT_AFTER_COLON.sub(b":", head) if shape.docstrings and b"#" in head else head)


def _body(node: Node, shape: Shape) -> Node | None:
    """The body, or that of the function which is the value."""
    for field in shape.body:
        found = node.child_by_field_name(field)
        if found is not None:
            inner = found.child_by_field_name("body") if found.type != "block" else None
            return inner or (found if field == shape.body[0] else None)
    return None


def _head(data: bytes) -> str:
    text = " ".join(data.decode("utf-8", "replace").split())
    return text.rstrip("{ ")[:SIGNATURE_CHARACTERS]


def _docstring(body: Node) -> tuple[int, int]:
    """First and last line of the string a body begins with; 0, 0: none."""
    for kind in ("expression_statement", "string"):
        if not body.named_child_count:  # asked beyond the last child, tree-sitter raises
            return 0, 0
        first = body.named_child(0)
        if first is None or first.type != kind:
            return 0, 0
        body = first
    return body.start_point[0] + 1, body.end_point[0] + 1
