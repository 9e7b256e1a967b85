"""Python's own parser, for files in which tree-sitter reports errors and Python does not."""

import ast
import warnings
from collections.abc import Iterator
from typing import NamedTuple

from rlm_indexers.symbols.definitions import SIGNATURE_CHARACTERS
from rlm_indexers.symbols.facts import SUPER, UNKNOWN, Facts, ImportFact, ReferenceFact, Role, SymbolFact
from rlm_indexers.symbols.nesting import is_constant

_Function = (ast.FunctionDef, ast.AsyncFunctionDef)


class _Place(NamedTuple):
    """Where a node stands: the qualname around it, and whether that is a class."""

    qualname: str
    in_class: bool


def python_facts(data: bytes) -> Facts | None:
    r"""The facts of a document that Python accepts, else None; None too when `\n` does not end all its lines."""
    if data.count(b"\r") != data.count(b"\r\n") or b"\x00" in data:
        return None
    text = data.decode("utf-8", "replace")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None
    return _Reader(text).read(tree)


class _Reader:
    """Reads one tree, without recursion: what is nested is kept on a list."""

    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")
        self._symbols: list[SymbolFact] = []
        self._references: list[ReferenceFact] = []
        self._imports: list[ImportFact] = []

    def read(self, tree: ast.Module) -> Facts:
        waiting: list[tuple[ast.AST, _Place]] = [(tree, _Place("", in_class=False))]
        while waiting:
            node, place = waiting.pop()
            inner = self._visit(node, place)
            waiting += [(child, inner) for child in ast.iter_child_nodes(node)]
        symbols = sorted(self._symbols, key=lambda s: (s.line, s.start_line, s.qualname))
        references = sorted(self._references, key=lambda r: (r.line, r.name))
        imports = sorted(self._imports, key=lambda i: i.line)
        return Facts(tuple(symbols), tuple(references), tuple(imports), "parsed", "parsed-by-ast")

    def _visit(self, node: ast.AST, place: _Place) -> _Place:
        """Note what a node says; the place of its children."""
        match node:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                return self._definition(node, place)
            case ast.Assign(targets=targets):
                for target in targets:
                    self._variable(node, target, place)
            case ast.AnnAssign(target=target):
                self._variable(node, target, place)
            case ast.Import() | ast.ImportFrom():
                self._import(node)
            case ast.Call():
                self._reference(node.func, "call", place)
        return place

    def _definition(self, node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, place: _Place) -> _Place:
        qualname = f"{place.qualname}.{node.name}" if place.qualname else node.name
        is_class = isinstance(node, ast.ClassDef)
        kind = "class" if is_class else "method" if place.in_class else "function"
        start = min([node.lineno, *(d.lineno for d in node.decorator_list)])
        self._add(node.name, qualname, kind, (node.lineno, start, node.end_lineno or node.lineno), place, node.body)
        for used in node.bases if isinstance(node, ast.ClassDef) else ():
            self._reference(used, "type", place)
        for used in node.decorator_list:
            self._reference(used, "call", place)
        return _Place(qualname, is_class)

    def _add(
        self,
        name: str,
        qualname: str,
        kind: str,
        lines: tuple[int, int, int],
        place: _Place,
        body: list[ast.stmt] | None = None,
    ) -> None:
        line, start, end = lines
        head = self._lines[line - 1 : (body[0].lineno if body else line)]
        signature = " ".join(" ".join(head).split())[:SIGNATURE_CHARACTERS]
        self._symbols.append(
            SymbolFact(name, qualname, kind, line, start, end, place.qualname, signature, *_docstring(body or []))
        )

    def _variable(self, node: ast.Assign | ast.AnnAssign, name: ast.expr, place: _Place) -> None:
        if not isinstance(name, ast.Name) or (node.col_offset and not place.in_class):
            return
        kind = "constant" if is_constant(name.id) else "property" if place.in_class else "variable"
        qualname = f"{place.qualname}.{name.id}" if place.qualname else name.id
        self._add(name.id, qualname, kind, (name.lineno, node.lineno, node.end_lineno or node.lineno), place)

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        source = "." * node.level + (node.module or "") if isinstance(node, ast.ImportFrom) else ""
        for alias in node.names:
            module, name = (source, alias.name) if source else (alias.name, "")
            self._imports.append(ImportFact(module, name, alias.asname or "", node.lineno))
            if name and name != "*":
                self._references.append(ReferenceFact(name, node.lineno, "import", "", module))

    def _reference(self, node: ast.expr, role: Role, place: _Place) -> None:
        match node:
            case ast.Name():
                self._references.append(ReferenceFact(node.id, node.lineno, role, place.qualname))
            case ast.Attribute():
                receiver = SUPER if _is_super(node.value) else ".".join(_dotted(node.value)) or UNKNOWN
                line = node.end_lineno or node.lineno
                self._references.append(ReferenceFact(node.attr, line, role, place.qualname, receiver))


def _is_super(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and not node.args and isinstance(node.func, ast.Name) and node.func.id == "super"


def _dotted(node: ast.expr) -> Iterator[str]:
    """The names of `a.b.c`; nothing for any other expression."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        yield node.id
        yield from reversed(names)


def _docstring(body: list[ast.stmt]) -> tuple[int, int]:
    match body[:1]:
        case [ast.Expr(value=ast.Constant(value=str()) as text)]:
            return text.lineno, text.end_lineno or text.lineno
    return 0, 0
