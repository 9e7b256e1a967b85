"""What a name means inside one document, and where its meaning comes from when it is imported."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from rlm_indexers.symbols.facts import Facts, ImportFact, ReferenceFact, SymbolFact
from rlm_indexers.symbols.nesting import FUNCTIONS, TYPES

_GO_RECEIVER = re.compile(r"func \((\w+) ")


class Target(NamedTuple):
    """A definition in a corpus."""

    document: str
    symbol: SymbolFact


class Scope:
    """The definitions and imports of one document, by name."""

    def __init__(self, document: str, language: str, facts: Facts) -> None:
        self.document = document
        self.language = language
        self.references = facts.references
        self.imports = facts.imports
        self._members: dict[tuple[str, str], list[SymbolFact]] = {}
        self._kinds: dict[str, str] = {}
        self._first_member: dict[str, int] = {}
        for symbol in facts.symbols:
            self._members.setdefault((symbol.parent, symbol.name), []).append(symbol)
            self._kinds.setdefault(symbol.qualname, symbol.kind)
            self._first_member.setdefault(symbol.parent, symbol.start_line)
        self._by_local: dict[str, list[ImportFact]] = {}
        for fact in facts.imports:
            self._by_local.setdefault(local_name(fact), []).append(fact)

    def member(self, parent: str, name: str) -> Target | None:
        """The first definition of a name directly inside another; overloads are one."""
        found = self._members.get((parent, name))
        return Target(self.document, found[0]) if found else None

    def visible(self, enclosing: str, name: str) -> Target | None:
        """What a bare name means by the definitions around it, innermost first."""
        around = enclosing
        while True:
            if self._is_parameter(around, name):
                return None
            hidden = self.language == "python" and around != enclosing and self.is_type(around)
            found = None if hidden else self.member(around, name)
            if found is not None or not around:
                return found
            around = around.rpartition(".")[0]

    def _is_parameter(self, qualname: str, name: str) -> bool:
        """Whether a function calls a parameter so, as far as the head of it shows."""
        parent, _, short = qualname.rpartition(".")
        heads = self._members.get((parent, short), [])
        return any(
            h.kind in FUNCTIONS and re.search(rf"[(,*&\s]{re.escape(name)}\s*[,:=)]", h.signature) for h in heads
        )

    def parameter_around(self, enclosing: str, name: str) -> bool:
        """Whether a bare name is a parameter of a function around, and so known nowhere else."""
        while enclosing:
            if self._is_parameter(enclosing, name):
                return True
            enclosing = enclosing.rpartition(".")[0]
        return False

    def receiver_name(self, enclosing: str) -> str:
        """What a Go method calls what it is called on; "" for a function."""
        parts = enclosing.split(".")[:2]
        heads = self._members.get((parts[0], parts[-1]), []) if len(parts) == 2 else []
        found = _GO_RECEIVER.match(heads[0].signature) if heads else None
        return found[1] if found else ""

    def enclosing_type(self, enclosing: str) -> str:
        """The innermost type around; "" when there is none."""
        while enclosing and not self.is_type(enclosing):
            enclosing = enclosing.rpartition(".")[0]
        return enclosing

    def is_type(self, qualname: str) -> bool:
        return self._kinds.get(qualname, "") in TYPES or (
            self.language == "rust" and qualname not in self._kinds and qualname != ""
        )

    def imported(self, name: str) -> list[ImportFact]:
        """The imports that bind a name here."""
        return self._by_local.get(name, [])

    def everything_from(self) -> Iterator[str]:
        """The modules of which everything is taken in."""
        return (fact.module for fact in self.imports if fact.name == "*" and not fact.alias)

    def bases(self, qualname: str) -> Iterable[ReferenceFact]:
        """The types that the head of a type names."""
        until = self._first_member.get(qualname, 1 << 30)
        head = self._members.get((qualname.rpartition(".")[0], qualname.rpartition(".")[2]), [])
        start = head[0].line if head else 0
        return [
            each
            for each in self.references
            if each.role == "type" and each.enclosing == qualname and start <= each.line < max(until, start + 1)
        ]


def local_name(fact: ImportFact) -> str:
    """The name an import binds: `import a.b` binds a, `import "x/y"` binds y."""
    if fact.alias:
        return fact.alias
    if fact.name:
        return fact.name
    return fact.module.rpartition("/")[2].lstrip(".").partition(".")[0]
