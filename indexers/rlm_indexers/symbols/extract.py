"""From one document to its facts: parse, take what the query captured, put it in order. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import repeat
from operator import attrgetter, itemgetter

from rlm_indexers.symbols import recovery
from rlm_indexers.symbols.definitions import definitions, tagged
from rlm_indexers.symbols.facts import Facts, ImportFact, ReferenceFact, Role, text_only
from rlm_indexers.symbols.nesting import Owners, nested
from rlm_indexers.symbols.outlines import OUTLINES
from rlm_indexers.symbols.parsing import Captures, Grammar, Node, load
from rlm_indexers.symbols.receivers import Receivers
from rlm_indexers.symbols.shapes import Shape, shape_of

_ROLES: dict[str, Role] = {"ref.call": "call", "ref.type": "type", "ref.name": "name"}
_START, _END, _LINE = attrgetter("start_byte"), attrgetter("end_byte"), itemgetter(1)
_reference = partial(tuple.__new__, ReferenceFact)
"""One of its fields in order, in a third of the time: there are hundreds of thousands."""
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
        from rlm_indexers.symbols.python_ast import python_facts

        return python_facts(data)
    if language == "c" and _CPP_IN_C.search(data):
        return extract("cpp", data)
    return None


def _facts(captures: Captures, data: bytes, shape: Shape, reason: str) -> Facts:
    symbols, owners = nested(definitions(captures, data, shape))
    imports = tuple(_imports(captures.get("import", ()), data, shape))
    named = [(role, captures[capture]) for capture, role in _ROLES.items() if capture in captures]
    found = _references(named, data, owners)
    defined = {(symbol.name, symbol.line) for symbol in symbols}
    kept = [each for each in found if each[2] != "type" or each[:2] not in defined]
    references = _merged(kept, list(_import_references(imports)))
    return Facts(symbols, tuple(references), imports, "parsed", reason)


def _facts_of_tags(matches: list[Captures], data: bytes, reason: str) -> Facts:
    symbols, owners = nested(tagged(matches, data))
    named = [
        (_tag_role(capture), captures["name"][:1])
        for captures in matches
        for capture in captures
        if capture.startswith("reference.") and "name" in captures
    ]
    return Facts(symbols, tuple(_references(named, data, owners)), (), "parsed", reason)


def _tag_role(capture: str) -> Role:
    return "call" if capture in {"reference.call", "reference.send"} else "type"


def _references(named: Sequence[tuple[Role, list[Node]]], data: bytes, owners: Owners) -> list[ReferenceFact]:
    """In order of position; of what stands in the same place the first. By columns, which takes half the time."""
    found: dict[int, tuple[int, int, Role]] = {}
    qualified = b"::" in data
    for role, captured in reversed(named):
        nodes = captured[::-1]
        places = zip(map(_START, nodes), map(_END, nodes), strict=True)
        starts, ends = zip(*(_last_parts(places, data) if qualified else places), strict=True)
        found.update(zip(starts, zip(ends, [node.start_point[0] + 1 for node in nodes], repeat(role)), strict=False))
    if not found:
        return []
    in_order = sorted(found)
    ends, lines, roles = zip(*map(found.__getitem__, in_order), strict=True)
    raws = [data[start:end] for start, end in zip(in_order, ends, strict=True)]
    names = {raw: raw.decode("utf-8", "replace").removeprefix("r#") for raw in set(raws)}
    receivers = map(Receivers(data).before, in_order)
    rows = zip(map(names.__getitem__, raws), lines, roles, owners.of(in_order), receivers, strict=True)
    return list(map(_reference, rows))


def _last_parts(places: Iterable[tuple[int, int]], data: bytes) -> Iterator[tuple[int, int]]:
    """Of each name its last part: where `c` of `a::b::c<T>` stands."""
    for start, end in places:
        if data.find(b"::", start, end) < 0:
            yield start, end
            continue
        raw = data[start:end].partition(b"<")[0]
        yield start + raw.rfind(b"::") + 2 if b"::" in raw else start, start + len(raw)


def _imports(nodes: Iterable[Node], data: bytes, shape: Shape) -> Iterator[ImportFact]:
    if shape.imports is None:
        return
    for node in sorted(nodes, key=_START):
        yield from shape.imports(data[node.start_byte : node.end_byte], node.start_point[0] + 1)


def _import_references(imports: Iterable[ImportFact]) -> Iterator[ReferenceFact]:
    for fact in imports:
        if fact.name and fact.name != "*":
            yield ReferenceFact(fact.name, fact.line, "import", "", fact.module)


def _merged(first: list[ReferenceFact], second: list[ReferenceFact]) -> list[ReferenceFact]:
    """Both in order of line; within a line, `second` comes last."""
    return sorted(first + second, key=_LINE) if second else first
