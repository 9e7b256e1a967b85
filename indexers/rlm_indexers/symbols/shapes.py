"""What a query cannot say about a language: where names stand, who owns what, how imports are written."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from rlm_indexers.symbols import imports, names, owners
from rlm_indexers.symbols.facts import ImportFact
from rlm_indexers.symbols.names import Names
from rlm_indexers.symbols.owners import Owner
from rlm_indexers.symbols.parsing import Node

Imports = Callable[[bytes, int], Iterator[ImportFact]]
KindOf = Callable[[Node, str], str]


def as_captured(_node: Node, kind: str) -> str:
    return kind


def go_kind(node: Node, kind: str) -> str:
    """What a type specification makes: a struct, an interface or some other type."""
    made = node.child_by_field_name("type") if kind == "type" and node.type == "type_spec" else None
    return {"struct_type": "struct", "interface_type": "interface"}.get(made.type if made is not None else "", kind)


def c_kind(node: Node, kind: str) -> str:
    """A declaration of a function is no variable."""
    if kind not in {"variable", "property"}:
        return kind
    part = node.child_by_field_name("declarator")
    while part is not None and part.type in {"pointer_declarator", "reference_declarator"}:
        part = part.child_by_field_name("declarator") or (part.named_children[-1] if part.named_child_count else None)
    if part is None or part.type != "function_declarator":
        return kind
    inner = part.child_by_field_name("declarator")
    return kind if inner is not None and inner.type == "parenthesized_declarator" else "declaration"


def kotlin_kind(node: Node, kind: str) -> str:
    if node.type != "class_declaration":
        return kind
    words = {child.type for child in node.children[:6]}
    return "interface" if "interface" in words else "enum" if "enum" in words else kind


def swift_kind(node: Node, kind: str) -> str:
    said = node.child_by_field_name("declaration_kind") if node.type == "class_declaration" else None
    return {"struct": "struct", "enum": "enum", "extension": "impl"}.get(said.type if said is not None else "", kind)


@dataclass(frozen=True, slots=True)
class Shape:
    """The ways of one language."""

    names: Names = names.field_names
    owner: Owner = owners.nobody
    kind: KindOf = as_captured
    imports: Imports | None = None
    body: tuple[str, ...] = ("body",)
    """Fields at which the signature ends."""
    trims_comments: bool = False
    """The grammar counts comments after the last statement into a block."""
    docstrings: bool = False
    """Documentation is the first string of the body, not a comment before."""
    open_ended: frozenset[str] = frozenset()
    """Nodes without a body that enclose whatever follows, up to the next of them."""
    calls: Mapping[bytes, str] = field(default_factory=dict)
    """Calls that define or import something: name → how they are captured. Predicates would cost far more."""


_JAVASCRIPT = Shape(
    names.javascript_names, owners.javascript_object, imports=imports.javascript, body=("body", "value", "right")
)
_C = Shape(names.declarator_names, owners.cpp_scope, c_kind, imports.c)

_RUBY_CALLS = {
    **dict.fromkeys((b"require", b"require_relative", b"load", b"autoload"), "import"),
    **dict.fromkeys((b"attr_reader", b"attr_writer", b"attr_accessor"), "def.property"),
    **dict.fromkeys((b"cattr_accessor", b"mattr_accessor", b"class_attribute"), "def.property"),
    b"alias_method": "def.method",
}

SHAPES: dict[str, Shape] = {
    "python": Shape(names.python_names, imports=imports.python, trims_comments=True, docstrings=True),
    "javascript": _JAVASCRIPT,
    "typescript": _JAVASCRIPT,
    "tsx": _JAVASCRIPT,
    "go": Shape(owner=owners.go_receiver, kind=go_kind, imports=imports.go),
    "rust": Shape(names.rust_names, imports=imports.rust),
    "java": Shape(names.java_names, imports=imports.java),
    "c": _C,
    "cpp": replace(_C, imports=imports.cpp),
    "csharp": Shape(
        names.csharp_names,
        imports=imports.csharp,
        body=("body", "accessors", "value"),
        open_ended=frozenset({"file_scoped_namespace_declaration"}),
    ),
    "ruby": Shape(names.ruby_names, owners.ruby_scope, imports=imports.ruby, calls=_RUBY_CALLS),
    "php": Shape(names.php_names, imports=imports.php, open_ended=frozenset({"namespace_definition"})),
    "kotlin": Shape(names.kotlin_names, kind=kotlin_kind, imports=imports.java),
    "swift": Shape(names.swift_names, kind=swift_kind, imports=imports.swift),
    "scala": Shape(names.scala_names, imports=imports.scala, trims_comments=True),
    "bash": Shape(imports=imports.bash),
    "lua": Shape(names.lua_names, owners.lua_table, imports=imports.lua),
    "json": Shape(names.key_names),
    "yaml": Shape(names.yaml_names),
    "toml": Shape(names.key_names, trims_comments=True),
    "css": Shape(names.first_names),
    "html": Shape(names.html_names),
}
DEFAULT = Shape()


def shape_of(language: str) -> Shape:
    return SHAPES.get(language, DEFAULT)
