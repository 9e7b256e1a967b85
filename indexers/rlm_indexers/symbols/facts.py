"""What one document says by itself: definitions, references, imports. Nothing here knows other documents.

Facts depend only on the bytes, the language and EXTRACTOR_VERSION, so they can be kept under that key for ever. Edges
between documents are computed from them when asked for (`resolve`), never stored.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

State = Literal["parsed", "text-only"]
Role = Literal["call", "type", "import", "name"]
ROLES: tuple[Role, ...] = ("call", "type", "import", "name")
_ROLE_NUMBERS = {role: number for number, role in enumerate(ROLES)}

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


def facts_to_json(facts: Facts) -> str:
    """Facts as one line of JSON; references as numbers into a table of strings, being by far the most."""
    table: dict[str, int] = {}
    place = table.setdefault
    flat: list[int] = []
    for name, line, role, enclosing, receiver in facts.references:
        flat += (
            place(name, len(table)),
            line,
            _ROLE_NUMBERS[role],
            place(enclosing, len(table)),
            place(receiver, len(table)),
        )
    value = {
        "state": facts.state,
        "reason": facts.reason,
        "symbols": facts.symbols,
        "imports": facts.imports,
        "strings": list(table),
        "references": flat,
    }
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


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


def symbol_rows(symbols: Iterable[SymbolFact], language: str) -> bytes:
    """Definitions as the JSON lines of a pack, each starting with `name` and `qualname`."""
    return b"".join(_row(symbol, language) for symbol in symbols)


def _row(symbol: SymbolFact, language: str) -> bytes:
    row: dict[str, Any] = {**symbol._asdict(), "language": language}
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"


def _references(flat: Sequence[int], strings: Sequence[str]) -> Iterator[ReferenceFact]:
    fields = iter(flat)
    for name, line, role, enclosing, receiver in zip(fields, fields, fields, fields, fields, strict=True):
        yield ReferenceFact(strings[name], line, ROLES[role], strings[enclosing], strings[receiver])


def _state(value: str) -> State:
    if value not in ("parsed", "text-only"):
        raise ValueError(f"state {value!r} of no facts")
    return "parsed" if value == "parsed" else "text-only"
