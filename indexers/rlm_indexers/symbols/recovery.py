"""C and C++ once more, without what only a preprocessor understands.

A macro between a type and a name, a call without a semicolon, a brace that opens in one branch of an `#if` and closes
after it: a parser that sees no macros loses its way there, and with it whatever follows. The second text has the same
length and the same lines, so that what is found in it holds for the document.
"""

from collections.abc import Iterable

from rlm_indexers.symbols.conditionals import blank, cutting_conditionals, plain_code
from rlm_indexers.symbols.heads import macros, promises
from rlm_indexers.symbols.parsing import Grammar, Node

LANGUAGES = frozenset({"c", "cpp"})
_AROUND = frozenset(
    {
        "translation_unit",
        "preproc_if",
        "preproc_ifdef",
        "preproc_else",
        "preproc_elif",
        "linkage_specification",
        "declaration_list",
        "namespace_definition",
        "function_definition",
        "declaration",
        "field_declaration_list",
        "class_specifier",
        "struct_specifier",
        "ERROR",
    }
)
"""Nodes in which an error costs definitions; one in a parameter or a statement costs nothing but itself."""


def recovered(grammar: Grammar, root: Node, data: bytes) -> Node:
    """The tree of a document in which errors cost definitions, or a better one of the same document."""
    before = _lost(root)
    if not before:
        return root
    again = grammar.parse(simplified(data))
    return again if _lost(again) < before else root


def simplified(data: bytes) -> bytes:
    """C or C++ without conditionals that cut through something and macros in heads."""
    code = plain_code(data)
    for found in (cutting_conditionals, promises, macros):
        cuts = list(found(code))
        code, data = _without(code, cuts), _without(data, cuts)
    return data


def _without(text: bytes, cuts: Iterable[tuple[int, int]]) -> bytes:
    left = bytearray(text)
    for start, end in cuts:
        left[start:end] = blank(text[start:end])
    return bytes(left)


def _lost(root: Node) -> int:
    """How many bytes at least are in nodes that make no sense where definitions are expected."""
    lost = 0
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.type == "ERROR":
            lost += 1 + node.end_byte - node.start_byte
        elif node.is_missing:
            lost += 1
        elif node.has_error and node.type in _AROUND:
            waiting += node.children
    return lost
