"""What a query cannot say about a language: where a name stands, what belongs to a span, how imports are written."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rlm_indexers.symbols.facts import ImportFact
from rlm_indexers.symbols.imports import python_imports
from rlm_indexers.symbols.parsing import Node

NameOf = Callable[[Node], Node | None]
Imports = Callable[[bytes, int], Iterator[ImportFact]]


def field_name(node: Node) -> Node | None:
    """The node in the field `name`."""
    return node.child_by_field_name("name")


def python_name(node: Node) -> Node | None:
    """The name of a Python definition: of an assignment or a type alias, its left side."""
    name = field_name(node) or node.child_by_field_name("left")
    if name is not None and name.type == "type":
        return name.named_child(0)
    return name


@dataclass(frozen=True, slots=True)
class Shape:
    """The ways of one language."""

    name: NameOf = field_name
    imports: Imports | None = None
    wrappers: frozenset[str] = frozenset()
    """Nodes around a definition that belong to its span."""
    comments: frozenset[str] = frozenset({"comment"})
    body: tuple[str, ...] = ("body",)
    """Fields at which the signature ends."""
    trims_comments: bool = False
    """The grammar counts comments after the last statement into a block."""
    docstrings: bool = False
    """Documentation is the first string of the body, not a comment before."""


SHAPES: dict[str, Shape] = {
    "python": Shape(
        name=python_name,
        imports=python_imports,
        wrappers=frozenset({"decorated_definition"}),
        trims_comments=True,
        docstrings=True,
    ),
}
DEFAULT = Shape()


def shape_of(language: str) -> Shape:
    return SHAPES.get(language, DEFAULT)
