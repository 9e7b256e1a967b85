"""From one document to its facts: parse, take what the query captured, put it in order. Pure."""

from collections.abc import Iterable, Iterator

from rlm_indexers.symbols.definitions import Definition, Owners, definition, ordered
from rlm_indexers.symbols.facts import Facts, ImportFact, ReferenceFact, Role, text_only
from rlm_indexers.symbols.parsing import Captures, Grammar, Node, load
from rlm_indexers.symbols.python_ast import python_facts
from rlm_indexers.symbols.receivers import Receivers
from rlm_indexers.symbols.shapes import Shape, shape_of


def extract(language: str, data: bytes) -> Facts:
    """The facts of one document, in this process. Text-only with a reason when the language cannot be parsed here."""
    grammar = load(language)
    if not isinstance(grammar, Grammar):
        return text_only(grammar)
    root, captures = grammar.read(data)
    if language == "python" and root.has_error:
        facts = python_facts(data)
        if facts is not None:
            return facts
    return _facts(captures, data, shape_of(language), "syntax-errors" if root.has_error else "")


def _facts(captures: Captures, data: bytes, shape: Shape, reason: str) -> Facts:
    symbols, owners = ordered(_definitions(captures, data, shape))
    imports = tuple(_imports(captures.get("import", ()), data, shape))
    references = [(r.line, 0, i, r) for i, r in enumerate(_import_references(imports))]
    found = _references(captures, data, owners)
    return Facts(symbols, tuple(_merged(found, [r for *_, r in references])), imports, "parsed", reason)


def _definitions(captures: Captures, data: bytes, shape: Shape) -> Iterator[Definition]:
    for capture, nodes in captures.items():
        role, _, kind = capture.partition(".")
        if role in {"def", "scope"}:
            for node in nodes:
                found = definition(node, kind or "scope", data, shape)
                if found is not None:
                    yield found


def _references(captures: Captures, data: bytes, owners: Owners) -> list[ReferenceFact]:
    receivers = Receivers(data)
    names: dict[bytes, str] = {}
    found: list[tuple[int, ReferenceFact]] = []
    seen: set[int] = set()
    for capture, role in _ROLES.items():
        for node in captures.get(capture, ()):
            start = node.start_byte
            if start in seen:
                continue
            seen.add(start)
            raw = data[start : node.end_byte]
            name = names.get(raw) or names.setdefault(raw, raw.decode("utf-8", "replace"))
            line = node.start_point[0] + 1
            found.append((start, ReferenceFact(name, line, role, owners.at(start), receivers.before(start))))
    found.sort()
    return [reference for _, reference in found]


_ROLES: dict[str, Role] = {"ref.call": "call", "ref.type": "type", "ref.name": "name"}


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
