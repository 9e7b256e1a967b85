"""Where the names of a definition stand. One node may define several: `int a, *b;`, `namespace a::b {}`."""

import re
from collections.abc import Callable

from rlm_indexers.symbols.parsing import Node

Names = Callable[[Node], list[Node]]
_FUNCTIONS = {"arrow_function", "function_expression", "generator_function", "class"}
_NESTED = {
    "nested_identifier",
    "nested_namespace_specifier",
    "qualified_name",
    "namespace_name",
    "scoped_identifier",
}
_QUALIFIED = {"qualified_identifier", "scope_resolution", "template_function", "template_type"}
_STATEMENTS = {b"if", b"for", b"while", b"switch", b"do", b"return", b"else", b"sizeof", b"catch"}
_BLOCKS = {"compound_statement", "if_statement", "else_clause", "case_statement", "for_statement", "while_statement"}
_ASSIGNED = {"assignment", "type_alias_statement"}
_INSIDE = {"parenthesized_declarator", "reference_declarator", "attributed_declarator", "type"}


def field_names(node: Node) -> list[Node]:
    """The nodes in the field `name`, a dotted one as its parts, outermost first."""
    return [part for name in node.children_by_field_name("name") for part in _parts(name)]


def whole_names(node: Node) -> list[Node]:
    """The nodes in the field `name`; `A.B` is one name."""
    return node.children_by_field_name("name")


def python_names(node: Node) -> list[Node]:
    """Of an assignment `a = b = …` all left sides; of a type alias the left side."""
    part: Node | None = node
    if node.type not in _ASSIGNED:
        name = node.child_by_field_name("name")
        return [name] if name is not None else []
    found: list[Node] = []
    while part is not None and part.type in _ASSIGNED:
        left = part.child_by_field_name("left")
        if left is not None and left.type in {"identifier", "type"}:
            found.append(_innermost(left) if left.type == "type" else left)
        part = part.child_by_field_name("right")
    return found


def javascript_names(node: Node) -> list[Node]:
    """Of `a.b = …` the last part; of `let a = 1, b = …` each that no other pattern captures."""
    match node.type:
        case "lexical_declaration" | "variable_declaration":
            return [name for each in node.named_children for name in _plain_variable(each)]
        case "assignment_expression":
            left = node.child_by_field_name("left")
            return [left.children_by_field_name("property")[0]] if left is not None else []
        case "pair":
            return node.children_by_field_name("key")
        case "field_definition":
            return node.children_by_field_name("property")
        case "property_identifier" | "string":
            return [node]
    return field_names(node)


def _plain_variable(declarator: Node) -> list[Node]:
    name, value = declarator.child_by_field_name("name"), declarator.child_by_field_name("value")
    if name is None or name.type != "identifier" or (value is not None and value.type in _FUNCTIONS):
        return []
    return [name]


def declarator_names(node: Node) -> list[Node]:
    """The names in the declarators of C and C++, however they are wrapped; of anything else the field `name`."""
    found: list[Node] = []
    waiting = node.children_by_field_name("declarator")
    if not waiting:
        return field_names(node)
    if node.type == "function_definition" and _is_macro_with_block(node, waiting[0]):
        return []
    while waiting:
        part = waiting.pop(0)
        inner = part.children_by_field_name("declarator")
        if not inner and part.type in _INSIDE and part.named_child_count:
            inner = [part.named_children[-1]]
        if inner and part.type != "operator_cast":
            waiting = inner + waiting
        else:
            found.append(_innermost(part))
    return found


def _is_macro_with_block(node: Node, declarator: Node) -> bool:
    """`foreach(item, list) { … }`, `TARGET(NAME) { … }` inside a function; an `else if` after `#endif`."""
    while declarator.type in {"pointer_declarator", "reference_declarator"}:
        declarator = declarator.child_by_field_name("declarator") or declarator.named_children[-1]
    name = declarator.child_by_field_name("declarator") if declarator.type == "function_declarator" else declarator
    if name is not None and name.text in _STATEMENTS:
        return True
    if name is not declarator and node.child_by_field_name("type") is not None:
        return False
    return node.start_point[1] > 0 and node.parent is not None and node.parent.type in _BLOCKS


def java_names(node: Node) -> list[Node]:
    return [_innermost(each) for each in node.children_by_field_name("declarator")] or field_names(node)


def csharp_names(node: Node) -> list[Node]:
    if node.type in {"field_declaration", "event_field_declaration"}:
        declarations = [child for child in node.named_children if child.type == "variable_declaration"]
        return [_innermost(each) for one in declarations for each in one.named_children if _is_declarator(each)]
    if node.type == "operator_declaration":
        return node.children_by_field_name("operator")
    return whole_names(node)


def _is_declarator(node: Node) -> bool:
    return node.type == "variable_declarator"


def ruby_names(node: Node) -> list[Node]:
    """Of `attr_reader :a, :b` each symbol; of `alias_method :a, :b` the first."""
    if node.type == "call":
        arguments, method = node.child_by_field_name("arguments"), node.child_by_field_name("method")
        symbols = [each for each in arguments.named_children if _is_symbol(each)] if arguments is not None else []
        return symbols[:1] if method is not None and method.text == b"alias_method" else symbols
    name = node.child_by_field_name("name") or node.child_by_field_name("left")
    return [_innermost(name)] if name is not None else []


def _is_symbol(node: Node) -> bool:
    return node.type == "simple_symbol"


def php_names(node: Node) -> list[Node]:
    if node.type == "const_element":
        return node.named_children[:1]
    return [name.named_children[0] if name.type == "variable_name" else name for name in whole_names(node)]


def rust_names(node: Node) -> list[Node]:
    """Of an `impl`, the type it is for."""
    if node.type == "impl_item":
        kind = node.child_by_field_name("type")
        while kind is not None and kind.type in {"generic_type", "reference_type"}:
            kind = kind.child_by_field_name("type")
        return [_innermost(kind)] if kind is not None else []
    return field_names(node)


def kotlin_names(node: Node) -> list[Node]:
    found = field_names(node)
    if found or node.type not in {"property_declaration", "type_alias", "enum_entry"}:
        return found
    for child in node.named_children:
        if child.type == "variable_declaration" and child.named_child_count:
            return child.named_children[:1]
        if child.type in {"identifier", "type_identifier", "simple_identifier"}:
            return [child]
    return []


_SWIFT_WORDS = {"init_declaration": "init", "deinit_declaration": "deinit", "subscript_declaration": "subscript"}


def swift_names(node: Node) -> list[Node]:
    """Of an extension the type it extends; of `case a, b` and `let a = 1, b = 2` each; an initialiser is `init`."""
    if node.type in _SWIFT_WORDS:
        return [child for child in node.children if child.type == _SWIFT_WORDS[node.type]][:1]
    if node.type == "macro_declaration":
        return node.named_children[:1]
    found: list[Node] = []
    for name in node.children_by_field_name("name"):
        bound = name.children_by_field_name("bound_identifier")
        found += bound or [_innermost(name.named_children[-1] if name.type == "user_type" else name)]
    return found if node.type in {"enum_entry", "property_declaration"} else found[:1]


def scala_names(node: Node) -> list[Node]:
    """Of `val a, b = 1` each; of `val (a, b) = f` none."""
    pattern = node.child_by_field_name("pattern")
    if pattern is None:
        return whole_names(node)
    names = pattern.named_children if pattern.type == "identifiers" else [pattern]
    return [name for name in names if name.type in {"identifier", "operator_identifier"}]


def lua_names(node: Node) -> list[Node]:
    """Of `A.b`, `A:b` and `A["b"]` the last part, of `A[b()]` none; of `a, b = …` the first."""
    left = node.named_children[0] if node.type == "assignment_statement" else node
    name = left.child_by_field_name("name")
    while name is not None and name.named_child_count:
        name = name.named_children[-1]
    return [name] if name is not None and name.type in {"identifier", "string_content"} else []


def html_names(node: Node) -> list[Node]:
    """The id of an element; of a heading without one its first text, in a link or not."""
    start = node.named_children[0]
    for attribute in start.named_children[1:]:
        if attribute.named_child_count > 1 and attribute.named_children[0].text == b"id":
            return attribute.named_children[1:2]
    waiting = node.named_children[::-1]
    while waiting:
        part = waiting.pop()
        if part.type == "text":
            return [part]
        waiting += part.named_children[::-1] if part.type == "element" else []
    return []


def key_names(node: Node) -> list[Node]:
    """The key of a pair; of a table its dotted name."""
    return node.children_by_field_name("key") or node.named_children[:1]


def yaml_names(node: Node) -> list[Node]:
    """The key of a pair; of a list's item what its first key says, if that is on one line."""
    if node.type != "block_sequence_item":
        return key_names(node)
    pair = node.named_children[-1].named_children[0].named_children[0]
    value = pair.child_by_field_name("value")
    is_short = value is not None and value.type == "flow_node" and value.start_point[0] == value.end_point[0]
    return [value] if value is not None and is_short else []


def first_names(node: Node) -> list[Node]:
    """What stands before the body: a selector, a condition."""
    return node.named_children[:1]


def _parts(name: Node) -> list[Node]:
    """A dotted name as its parts, outermost first; any other name as it is."""
    if name.type not in _NESTED:
        return [_innermost(name)]
    done: list[Node] = []
    waiting = [name]
    while waiting:
        part = waiting.pop()
        if part.type in _NESTED:
            waiting += part.named_children[::-1]
        else:
            done.append(part)
    return done


def _innermost(name: Node) -> Node:
    """The last part of `a::b`, without template arguments."""
    while True:
        inner = name.child_by_field_name("name") if name.type != "setter" else None
        if inner is None and name.type in _INSIDE and name.named_child_count:
            inner = name.named_children[-1]
        if inner is None:
            return name
        name = inner


_TEMPLATE = re.compile(r"(?<=\w)(?<!operator)<[^<>]*>")
"""What follows a name in `<` and `>`; the operator `<=>` follows none."""
_SEPARATORS = re.compile(r"\s*(?:::|\\)\s*")


def dotted(text: str) -> str:
    """A qualified name as it is written, with "." between its parts and without template arguments."""
    if text.isidentifier():
        return text
    text = _TEMPLATE.sub("", " ".join(text.split()))
    return _SEPARATORS.sub(".", text).strip(". ")
