"""What a name means inside one document, and where its meaning comes from when it is imported."""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from rlm_indexers.symbols.facts import Facts, ImportFact, ReferenceFact, SymbolFact
from rlm_indexers.symbols.nesting import FUNCTIONS, TYPES

_GO_RECEIVER = re.compile(r"func \((\w+) ")


_NAME_FIRST = frozenset({"python", "typescript", "tsx", "javascript", "rust", "kotlin", "scala", "swift"})
"""Languages that write the name of a parameter before its type."""
_INSIDE_BRACKETS = re.compile(r"\[[^\[\]]*\]|<[^<>]*>|\{[^{}]*\}")
_NAMES_FIRST = re.compile(r"[(,]\s*(?:\w+\s+)*[*&.]*([\w$]+)\s*\??\s*(?=[,:=)])")
_NAMES_LAST = re.compile(r"[(,*&\s]([\w$]+)\s*(?=[,:=)])")


@lru_cache(8192)
def parameters(language: str, head: str) -> frozenset[str]:
    """What a function calls its parameters, as far as its head shows."""
    if language not in _NAME_FIRST:
        return frozenset(_NAMES_LAST.findall(head))
    plain = head.rpartition("->")[0] or head
    while (shorter := _INSIDE_BRACKETS.sub("", plain)) != plain:
        plain = shorter
    return frozenset(_NAMES_FIRST.findall(plain))


class Target(NamedTuple):
    """A definition in a corpus."""

    document: str
    symbol: SymbolFact


class Meaning(NamedTuple):
    """What a use means, said by who knows; no definition: something outside the corpus."""

    target: Target | None


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
            if self.is_parameter(around, name):
                return None
            hidden = self.language == "python" and around != enclosing and self.is_type(around)
            found = None if hidden else self.member(around, name)
            if found is not None or not around:
                return found
            around = around.rpartition(".")[0]

    def is_parameter(self, qualname: str, name: str) -> bool:
        """Whether a function calls a parameter so, as far as the head of it shows."""
        parent, _, short = qualname.rpartition(".")
        heads = self._members.get((parent, short), ())
        return any(head.kind in FUNCTIONS and name in parameters(self.language, head.signature) for head in heads)

    def parameter_around(self, enclosing: str, name: str) -> bool:
        """Whether a bare name is a parameter of a function around, and so known nowhere else."""
        while enclosing:
            if self.is_parameter(enclosing, name):
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

    def definition(self, qualname: str) -> Target | None:
        """The first definition of a qualified name here."""
        parent, _, name = qualname.rpartition(".")
        return self.member(parent, name)

    def overloads(self, qualname: str) -> int:
        parent, _, name = qualname.rpartition(".")
        return len(self._members.get((parent, name), ()))

    def methods(self, qualname: str) -> Iterator[Target]:
        """The functions directly inside a type."""
        for parent, name in self._members:
            if parent == qualname:
                for symbol in self._members[parent, name]:
                    if symbol.kind in FUNCTIONS:
                        yield Target(self.document, symbol)

    def bases(self, qualname: str) -> Iterable[ReferenceFact]:
        """The types that the head of a type names."""
        head = self._members.get((qualname.rpartition(".")[0], qualname.rpartition(".")[2]), [])
        if self.language == "python":
            return list(_python_bases(head[0])) if head else []
        until = self._first_member.get(qualname, 1 << 30)
        start = head[0].line if head else 0
        return [
            each
            for each in self.references
            if each.role == "type" and each.enclosing == qualname and start <= each.line < max(until, start + 1)
        ]


def _python_bases(head: SymbolFact) -> Iterator[ReferenceFact]:
    """`B` and `c.D` of `class A(B[T], c.D, metaclass=M):`."""
    inside = head.signature.partition("(")[2].rpartition(")")[0]
    while "[" in inside:
        plain = re.sub(r"\[[^\[\]]*\]", "", inside)
        if plain == inside:
            break
        inside = plain
    for part in inside.split(","):
        path = part.strip()
        if re.fullmatch(r"[\w.]+", path) and path:
            receiver, _, name = path.rpartition(".")
            yield ReferenceFact(name, head.line, "type", head.qualname, receiver)


def local_name(fact: ImportFact) -> str:
    """The name an import binds: `import a.b` binds a, `import "x/y"` binds y."""
    if fact.alias:
        return fact.alias
    if fact.name:
        return fact.name
    return fact.module.rpartition("/")[2].lstrip(".").partition(".")[0]
