"""From one document to its facts: parse, take what the query captured, put it in order. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping

from rlm_indexers.symbols import recovery
from rlm_indexers.symbols.definitions import definitions, tagged
from rlm_indexers.symbols.facts import Facts, ImportFact, ReferenceFact, Role, text_only
from rlm_indexers.symbols.nesting import Owners, nested
from rlm_indexers.symbols.outlines import OUTLINES
from rlm_indexers.symbols.parsing import Captures, Grammar, Node, load
from rlm_indexers.symbols.python_ast import python_facts
from rlm_indexers.symbols.receivers import SEPARATORS, Receivers
from rlm_indexers.symbols.shapes import Shape, shape_of

_ROLES: dict[str, Role] = {"ref.call": "call", "ref.type": "type", "ref.name": "name"}
_CPP_IN_C = re.compile(
    rb"^[ \t]*(?:class\s+\w+[^;]*$|namespace\b|template\s*<|public:|private:|protected:|using\s)", re.MULTILINE
)


def extract(language: str, data: bytes) -> Facts:
    """The facts of one document, in this process. Text-only with a reason when the language cannot be parsed here."""
    if language in OUTLINES:
        return Facts(OUTLINES[language](data))
    grammar = load(language)
    if not isinstance(grammar, Grammar):
        return text_only(grammar)
    root = grammar.parse(data)
    if root.has_error:
        better = _second_opinion(language, data)
        if better is not None:
            return better
        if language in recovery.LANGUAGES:
            root = recovery.recovered(grammar, root, data)
    reason = "syntax-errors" if root.has_error else ""
    if grammar.tags:
        return _facts_of_tags(grammar.matches(root), data, reason)
    shape = shape_of(language)
    captures = grammar.captures(root)
    if shape.calls:
        _recapture(captures, data, shape.calls)
    return _facts(captures, data, shape, reason)


def _recapture(captures: Captures, data: bytes, calls: Mapping[bytes, str]) -> None:
    """Capture the calls of certain names as what they do."""
    for node in captures.get("ref.call", ()):
        capture = calls.get(data[node.start_byte : node.end_byte])
        if capture and node.parent is not None and node.parent.type == "call":
            captures.setdefault(capture, []).append(node.parent)


def _second_opinion(language: str, data: bytes) -> Facts | None:
    """Facts from another parser, for a document with which tree-sitter had trouble."""
    if language == "python":
        return python_facts(data)
    if language == "c" and _CPP_IN_C.search(data):
        return extract("cpp", data)
    return None


def _facts(captures: Captures, data: bytes, shape: Shape, reason: str) -> Facts:
    symbols, owners = nested(definitions(captures, data, shape))
    imports = tuple(_imports(captures.get("import", ()), data, shape))
    named = ((node, role) for capture, role in _ROLES.items() for node in captures.get(capture, ()))
    found = _references(named, data, owners)
    defined = {(symbol.name, symbol.line) for symbol in symbols}
    kept = [each for each in found if each.role != "type" or (each.name, each.line) not in defined]
    references = _merged(kept, list(_import_references(imports)))
    return Facts(symbols, tuple(references), imports, "parsed", reason)


def _facts_of_tags(matches: list[Captures], data: bytes, reason: str) -> Facts:
    symbols, owners = nested(tagged(matches, data))
    named = (
        (captures["name"][0], _tag_role(capture))
        for captures in matches
        for capture in captures
        if capture.startswith("reference.") and "name" in captures
    )
    return Facts(symbols, tuple(_references(named, data, owners)), (), "parsed", reason)


def _tag_role(capture: str) -> Role:
    return "call" if capture in {"reference.call", "reference.send"} else "type"


def _references(nodes: Iterable[tuple[Node, Role]], data: bytes, owners: Owners) -> list[ReferenceFact]:
    """In order of position; of what stands in the same place the first."""
    found: dict[int, tuple[bytes, int, Role]] = {}
    for node, role in nodes:
        start = node.start_byte
        raw = data[start : node.end_byte]
        if b"::" in raw:
            start, raw = _last_part(start, raw)
        if start not in found:
            found[start] = raw, node.start_point[0] + 1, role
    starts = sorted(found)
    before = Receivers(data).before
    names = {raw: raw.decode("utf-8", "replace").removeprefix("r#") for raw, _, _ in found.values()}
    return [
        ReferenceFact(names[raw], line, role, owner, before(start) if data[start - 1] in SEPARATORS else "")
        for start, (raw, line, role), owner in zip(
            starts, map(found.__getitem__, starts), owners.of(starts), strict=True
        )
    ]


def _last_part(start: int, raw: bytes) -> tuple[int, bytes]:
    """Where `c` of `a::b::c<T>` stands, and it."""
    raw = raw.partition(b"<")[0]
    at = raw.rfind(b"::") + 2 if b"::" in raw else 0
    return start + at, raw[at:]


def _imports(nodes: Iterable[Node], data: bytes, shape: Shape) -> Iterator[ImportFact]:
    if shape.imports is None:
        return
    for node in sorted(nodes, key=lambda node: node.start_byte):
        yield from shape.imports(data[node.start_byte : node.end_byte], node.start_point[0] + 1)


def _import_references(imports: Iterable[ImportFact]) -> Iterator[ReferenceFact]:
    for fact in imports:
        if fact.name and fact.name != "*":
            yield ReferenceFact(fact.name, fact.line, "import", "", fact.module)


def _merged(first: list[ReferenceFact], second: list[ReferenceFact]) -> list[ReferenceFact]:
    """Both in order of line; within a line, `second` comes last."""
    return sorted(first + second, key=lambda reference: reference.line) if second else first
