"""What a definition says of whom it belongs to, beyond what it stands in: `func (t *T) f`, `void A::f()`."""

from collections.abc import Callable

from rlm_indexers.symbols.names import dotted
from rlm_indexers.symbols.parsing import Node

Owner = Callable[[Node, bytes], str]


def nobody(_node: Node, _data: bytes) -> str:
    return ""


def go_receiver(node: Node, data: bytes) -> str:
    """`T` of `func (t *T[K]) f()`."""
    receiver = node.child_by_field_name("receiver")
    if receiver is None or not receiver.named_child_count:
        return ""
    kind = receiver.named_children[0].child_by_field_name("type")
    while kind is not None and kind.type in {"pointer_type", "generic_type", "parenthesized_type"}:
        kind = kind.child_by_field_name("type") or (kind.named_children[0] if kind.named_child_count else None)
    return _text(kind, data)


def cpp_scope(node: Node, data: bytes) -> str:
    """`A::B` of `int A::B::f()`, as `A.B`."""
    part = node.child_by_field_name("declarator")
    while part is not None and part.type != "qualified_identifier":
        inner = part.child_by_field_name("declarator")
        if inner is None and part.named_child_count and part.type.endswith("_declarator"):
            inner = part.named_children[-1]
        part = inner
    scopes = []
    while part is not None and part.type == "qualified_identifier":
        scopes.append(dotted(_text(part.child_by_field_name("scope"), data)))
        part = part.child_by_field_name("name")
    return ".".join(filter(None, scopes))


def javascript_object(node: Node, data: bytes) -> str:
    """`A` of `A.prototype.f = …`; nothing of `exports.f = …`."""
    if node.type != "assignment_expression":
        return ""
    left = node.child_by_field_name("left")
    said = _text(left.child_by_field_name("object"), data) if left is not None else ""
    said = said.removesuffix(".prototype")
    plain = said.replace(".", "").replace("_", "").replace("$", "").isalnum()
    return said if plain and said not in {"exports", "module.exports", "this", "self", "window", "globalThis"} else ""


def ruby_scope(node: Node, data: bytes) -> str:
    """`A::B` of `class A::B::C`, as `A.B`."""
    name = node.child_by_field_name("name") or node.child_by_field_name("left")
    if name is None or name.type != "scope_resolution":
        return ""
    return dotted(_text(name.child_by_field_name("scope"), data))


def lua_table(node: Node, data: bytes) -> str:
    """`A.B` of `function A.B:c()`; of `A.B = {c = function() end}` too."""
    if node.type == "field":
        return _lua_constructor(node, data)
    left = node.named_children[0] if node.type == "assignment_statement" else node
    name = left.child_by_field_name("name")
    return _text(name.child_by_field_name("table"), data) if name is not None else ""


def _lua_constructor(field: Node, data: bytes) -> str:
    """The variable and the fields to which the table around a field is assigned; nothing of a table without a name."""
    names: list[str] = []
    part = field.parent.parent if field.parent is not None else None
    while part is not None and part.type == "field":
        names.append(_text(part.child_by_field_name("name"), data))
        part = part.parent.parent if part.parent is not None else None
    if part is None or part.type != "assignment_statement":
        part = part.parent if part is not None and part.type == "expression_list" else None
    if part is None or part.type != "assignment_statement":
        return ""
    names.append(_text(part.named_children[0].child_by_field_name("name"), data))
    return ".".join(reversed(names)) if all(names) else ""


def _text(node: Node | None, data: bytes) -> str:
    return data[node.start_byte : node.end_byte].decode("utf-8", "replace") if node is not None else ""
