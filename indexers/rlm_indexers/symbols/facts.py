"""What one document says by itself: definitions, references, imports. Nothing here knows other documents.

Facts depend only on the bytes, the language and EXTRACTOR_VERSION, so they can be kept under that key for ever. Edges
between documents are computed from them when asked for (`resolve`), never stored.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from json.encoder import encode_basestring as quoted
from typing import Literal, NamedTuple

State = Literal["parsed", "text-only"]
Role = Literal["call", "type", "import", "name"]
ROLES: tuple[Role, ...] = ("call", "type", "import", "name")
_ROLE_NUMBERS = {role: number for number, role in enumerate(ROLES)}
_encoded = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_FIELDS = 5
"""Numbers per reference."""

UNKNOWN = "?"
"""The receiver of a reference made on something that is no plain name: `f().name`, `a[0].name`."""

SUPER = "super()"
"""The receiver of what is looked up in the base classes, in Python."""


class SymbolFact(NamedTuple):
    r"""One definition. Lines are 1-based and inclusive, counted by `\n`."""

    name: str
    qualname: str
    """With the names of all enclosing definitions, joined by "." in every language."""
    kind: str
    line: int
    """Where the name stands."""
    start_line: int
    """With decorators, attributes and a documentation comment that stands before."""
    end_line: int
    parent: str
    """The qualname of what encloses it; "" for none."""
    signature: str
    """The head of the definition on one line, up to 200 characters."""
    doc_start: int = 0
    doc_end: int = 0
    """Lines of its documentation, inside the span; 0 for none."""

    @property
    def code_line(self) -> int:
        """The first line of the span that is not documentation: a decorator, or the definition itself."""
        return self.doc_end + 1 if self.start_line == self.doc_start else self.start_line


class ReferenceFact(NamedTuple):
    """One use of a name that may be defined elsewhere."""

    name: str
    line: int
    role: Role
    enclosing: str
    """The qualname of the innermost function or type around it; "" at the top."""
    receiver: str = ""
    """What stands before the name: `a.b` of `a.b.name()`; "" for a bare name; UNKNOWN when it is no plain name."""


class ImportFact(NamedTuple):
    """One imported thing, as written: nothing is looked up."""

    module: str
    """`a.b`, `..x` (Python), `./x` (JavaScript), `fmt` (Go), `stdio.h` (C), …"""
    name: str
    """What is taken from it; "" for the module itself, "*" for everything."""
    alias: str
    """The name it goes by here; "" when it keeps its own."""
    line: int


@dataclass(frozen=True, slots=True)
class Facts:
    """All that was found in one document; sorted by position."""

    symbols: tuple[SymbolFact, ...] = ()
    references: tuple[ReferenceFact, ...] = ()
    imports: tuple[ImportFact, ...] = ()
    state: State = "parsed"
    reason: str = ""
    """Why there are no symbols (`text-only`), or what was odd about parsing: a stable slug, optionally `: detail`."""


def text_only(reason: str) -> Facts:
    """The facts of a document that has text and nothing else."""
    return Facts(state="text-only", reason=reason)


class Kept(NamedTuple):
    """The facts of a document as they are kept and handed on: nobody on the way need make objects of them."""

    rows: bytes
    """Its symbols as the rows of a pack."""
    failure: str
    """Why it has none though its language could."""
    facts: bytes
    """Everything, as `facts_to_json` writes it."""


def kept(facts: Facts, language: str) -> Kept:
    """What a store is given of a document."""
    symbols = [_written(symbol) for symbol in facts.symbols]
    text = _json(facts, symbols).encode("utf-8", "replace")
    return Kept(_rows(symbols, language), facts.reason if facts.state == "text-only" else "", text)


def facts_to_json(facts: Facts) -> str:
    """Facts as one line of JSON; references as numbers into a table of strings, being by far the most."""
    return _json(facts, [_written(symbol) for symbol in facts.symbols])


def _json(facts: Facts, symbols: Iterable["_Written"]) -> str:
    table, flat = _numbered(facts.references)
    head = _encoded({"state": facts.state, "reason": facts.reason})
    rest = _encoded({"imports": facts.imports, "strings": table, "references": flat})
    rows = ",".join([symbol.array for symbol in symbols])
    return f'{head[:-1]},"symbols":[{rows}],{rest[1:]}'


def facts_from_json(text: str | bytes) -> Facts:
    """What `facts_to_json` was given. ValueError for anything it would not have written."""
    try:
        value = json.loads(text)
        return Facts(
            symbols=tuple(SymbolFact._make(row) for row in value["symbols"]),
            references=tuple(_references(value["references"], value["strings"])),
            imports=tuple(ImportFact._make(row) for row in value["imports"]),
            state=_state(value["state"]),
            reason=str(value["reason"]),
        )
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError(f"these are no facts: {str(error)[:100]}") from error


def _numbered(references: Sequence[ReferenceFact]) -> tuple[list[str], list[int]]:
    """A table of strings, and references as numbers into it; by columns, which takes a third of the time."""
    if not references:
        return [], []
    names, lines, roles, enclosing, receivers = zip(*references, strict=True)
    table = list(dict.fromkeys(chain(names, enclosing, receivers)))
    place = {text: number for number, text in enumerate(table)}.__getitem__
    flat: list[int] = [0] * (_FIELDS * len(references))
    flat[0::_FIELDS] = map(place, names)
    flat[1::_FIELDS] = lines
    flat[2::_FIELDS] = map(_ROLE_NUMBERS.__getitem__, roles)
    flat[3::_FIELDS] = map(place, enclosing)
    flat[4::_FIELDS] = map(place, receivers)
    return table, flat


def symbol_rows(symbols: Iterable[SymbolFact], language: str) -> bytes:
    """Definitions as the JSON lines of a pack, each starting with `name` and `qualname`."""
    return _rows([_written(symbol) for symbol in symbols], language)


def _rows(symbols: Iterable["_Written"], language: str) -> bytes:
    end = f',"language":{quoted(language)}}}\n'
    return "".join([symbol.row + end for symbol in symbols]).encode("utf-8", "replace")


class _Written(NamedTuple):
    """A symbol as JSON: what `json.dumps` would write, in a third of the time, its strings encoded once for both."""

    array: str
    row: str
    """An object, but for its end."""


def _written(symbol: SymbolFact) -> _Written:
    name, qualname, kind, line, start_line, end_line, parent, signature, doc_start, doc_end = symbol
    name, qualname, kind = quoted(name), quoted(qualname), quoted(kind)
    parent, signature = quoted(parent), quoted(signature)
    return _Written(
        f"[{name},{qualname},{kind},{line},{start_line},{end_line},{parent},{signature},{doc_start},{doc_end}]",
        f'{{"name":{name},"qualname":{qualname},"kind":{kind},"line":{line}'
        f',"start_line":{start_line},"end_line":{end_line},"parent":{parent}'
        f',"signature":{signature},"doc_start":{doc_start},"doc_end":{doc_end}',
    )


def _references(flat: Sequence[int], strings: Sequence[str]) -> Iterator[ReferenceFact]:
    fields = iter(flat)
    for name, line, role, enclosing, receiver in zip(fields, fields, fields, fields, fields, strict=True):
        yield ReferenceFact(strings[name], line, ROLES[role], strings[enclosing], strings[receiver])


def _state(value: str) -> State:
    if value not in ("parsed", "text-only"):
        raise ValueError(f"state {value!r} of no facts")
    return "parsed" if value == "parsed" else "text-only"
