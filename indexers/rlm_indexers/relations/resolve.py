"""Callers, callees and importers: worked out when asked for, from the facts of single documents.

Rules in order: same scope (with `self` and base classes), imported module, same package, the type of what it is called
on; then, by name alone, the only definition in the corpus, or one of several. What the first four find is `resolved`;
the others say what they are.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

from rlm_indexers.relations.instances import Instances
from rlm_indexers.relations.modules import Modules
from rlm_indexers.relations.scopes import Meaning, Scope, Target
from rlm_indexers.symbols.everyday import BUILT_IN_MEMBERS
from rlm_indexers.symbols.facts import SUPER, UNKNOWN, Facts, ImportFact, ReferenceFact, SymbolFact

Confidence = Literal["scip", "resolved", "unique", "ambiguous", "external"]
Rule = Literal["scip", "scope", "import", "package", "type", "name"]
OURSELVES = frozenset({"self", "cls", "this", "$this", "static", "Self", "@self"})
MOST_BASES = 50
"""Types above one that are looked at."""
_PLAIN = re.compile(r"[\w$]+(?:\.[\w$]+)*")
PACKAGED = frozenset({"go", "java", "kotlin", "scala"})
"""Languages in which files of one folder see each other's names."""
NAMESPACED = frozenset({"cpp", "csharp", "php"})
"""Languages in which a name is looked up in namespaces, wherever their parts are written."""
HOPS = 6
"""How many times an imported name may be imported itself, and how many base classes up a member may be."""
MEMBER_KINDS = frozenset({"method", "property", "declaration"})


Known = Callable[[str, ReferenceFact], Meaning | None]
"""What a better source says of a use in a document, if it says anything."""


class FactsSource(Protocol):
    """What a store must be able to say. The order of documents does not matter; edges come out sorted."""

    def documents(self) -> Iterable[str]: ...
    def language(self, document: str) -> str: ...
    def facts(self, document: str) -> Facts: ...
    def definitions(self, name: str) -> Iterable[Target]:
        """Everything that is called so, at whatever depth."""
        ...

    def text(self, document: str) -> bytes: ...
    def mentioning(self, name: str) -> Iterable[str]:
        """The documents with a reference to a name."""
        ...


@dataclass(frozen=True, slots=True)
class Edge:
    """One use of a name, and what it means."""

    document: str
    line: int
    enclosing: str
    """The qualname of the symbol in which it is used; "" at the top of the document."""
    name: str
    role: str
    confidence: Confidence
    rule: Rule
    candidates: int
    """How many definitions could be meant; 0 when none is in the corpus."""
    target: Target | None
    """The definition, when one is singled out."""


class Resolver:
    """Answers about one corpus. Keeps what it has read of documents while it lives."""

    def __init__(
        self, source: FactsSource, known: Callable[[str, ReferenceFact], Meaning | None] | None = None
    ) -> None:
        """`known`: what a better source says of a use in a document, if it says anything."""
        self._source = source
        self._known = known
        self._modules = Modules(source.documents())
        self._scopes: dict[str, Scope] = {}
        self._named: dict[tuple[str, bool, str], list[Target]] = {}
        self._instances = Instances(self)

    @property
    def held(self) -> int:
        """How many documents it has read."""
        return len(self._scopes)

    # Questions

    def callers(self, target: Target) -> list[Edge]:
        """Every use of a definition but its import, those that only may mean it included; by document and line."""
        edges = []
        for document in sorted(set(self._source.mentioning(target.symbol.name))):
            for reference in self.scope(document).references:
                if reference.name == target.symbol.name and reference.role != "import":
                    edge = self.resolve(document, reference)
                    if _may_mean(edge, target):
                        edges.append(edge)
        return edges

    def callees(self, target: Target) -> list[Edge]:
        """What a definition uses, what is nested in it included; in order of line."""
        symbol, document = target.symbol, target.document
        inside = f"{symbol.qualname}."
        return [
            self.resolve(document, reference)
            for reference in self.scope(document).references
            if reference.role != "import"
            and symbol.start_line <= reference.line <= symbol.end_line
            and (reference.enclosing == symbol.qualname or reference.enclosing.startswith(inside))
        ]

    def importers(self, path: str) -> list[tuple[str, ImportFact]]:
        """The documents that import a document, with the statement; by document and line."""
        return [
            (document, fact)
            for document in sorted(self._source.documents())
            for fact in self.scope(document).imports
            if path in self.imported_documents(document, fact)
        ]

    def imported_documents(self, document: str, fact: ImportFact) -> tuple[str, ...]:
        """What an import statement stands for: the module, or the one of that name inside it."""
        inner = self._submodule(document, fact) if fact.name not in {"", "*"} else ()
        return inner or self._modules.find(document, fact.module)

    # One reference

    def resolve(self, document: str, reference: ReferenceFact) -> Edge:
        """What one reference means."""
        said = self._known(document, reference) if self._known else None
        if said is not None:
            count = 1 if said.target else 0
            return _edge(document, reference, "scip" if count else "external", "scip", count, said.target)
        scope = self.scope(document)
        rule, target, is_known = self._certain(scope, reference)
        if target is not None:
            return _edge(document, reference, "resolved", rule, 1, target)
        if is_known:
            return _edge(document, reference, "external", rule, 0, None)
        candidates = self._candidates(scope, reference)
        if not candidates:
            return _edge(document, reference, "external", "name", 0, None)
        is_only = len(candidates) == 1 and not (reference.receiver and reference.name in BUILT_IN_MEMBERS)
        confidence: Confidence = "unique" if is_only else "ambiguous"
        single = candidates[0] if len(candidates) == 1 else None
        return _edge(document, reference, confidence, "name", len(candidates), single)

    def scope(self, document: str) -> Scope:
        if document not in self._scopes:
            source = self._source
            self._scopes[document] = Scope(document, source.language(document), source.facts(document))
        return self._scopes[document]

    def _certain(self, scope: Scope, reference: ReferenceFact) -> tuple[Rule, Target | None, bool]:
        """(rule, definition, whether it is known to be outside the corpus when there is no definition)."""
        name, receiver = reference.name, reference.receiver
        if not receiver:
            return self._bare(scope, reference.enclosing, name)
        if receiver == UNKNOWN:
            return "name", None, False
        if receiver in OURSELVES or receiver == SUPER:
            around = scope.enclosing_type(reference.enclosing)
            found = self._member(scope, around, name, own=receiver != SUPER) if around else None
            return "scope", found, False
        if scope.language == "go" and receiver == scope.receiver_name(reference.enclosing):
            return "package", self._of_receiver(scope, reference.enclosing, name), False
        rule, found, is_known = self._through(scope, reference.enclosing, receiver, name)
        if found is None and not is_known and _PLAIN.fullmatch(receiver):
            kind = self._instances.type_of(scope, reference.enclosing, receiver)
            typed = self.member(kind, name) if kind else None
            return ("type", typed, False) if typed else (rule, None, False)
        return rule, found, is_known

    def _bare(self, scope: Scope, enclosing: str, name: str) -> tuple[Rule, Target | None, bool]:
        found = scope.visible(enclosing, name)
        if found is not None:
            return "scope", found, False
        if scope.parameter_around(enclosing, name):
            return "scope", None, True
        if scope.language in NAMESPACED:
            return "package", self._namespaced(scope, enclosing, name), False
        if scope.imported(name):
            imported = self._imported(scope, name, HOPS)
            return "import", imported, imported is None
        taken = (self._exported(document, name, HOPS) for document in self._taken_in(scope))
        found = next(filter(None, taken), None)
        if found is not None or scope.language not in PACKAGED:
            return "import" if found else "name", found, False
        beside = (self.scope(document).member("", name) for document in self._modules.beside(scope.document))
        return "package", next(filter(None, beside), None), False

    def _through(self, scope: Scope, enclosing: str, receiver: str, name: str) -> tuple[Rule, Target | None, bool]:
        """`a.b.name`: through an imported module, or a type that can be seen from here."""
        modules = self._module_called(scope, receiver)
        if modules is not None:
            found = next(filter(None, (self._exported(each, name, HOPS) for each in modules)), None)
            return "import", found, found is None and not modules
        if self._comes_from_outside(scope, receiver.partition(".")[0]):
            return "import", None, True
        if "." in receiver or "::" in receiver or scope.parameter_around(enclosing, receiver):
            return "name", None, False
        rule, owner, _ = self._bare(scope, enclosing, receiver)
        if owner is None or not self.scope(owner.document).is_type(owner.symbol.qualname):
            return "name", None, False
        return rule, self._member(self.scope(owner.document), owner.symbol.qualname, name), False

    def _namespaced(self, scope: Scope, enclosing: str, name: str) -> Target | None:
        """What stands under a name in the namespaces around or taken in; nothing when there are two."""
        parts = enclosing.split(".") if enclosing else []
        around = {".".join(parts[:count]) for count in range(len(parts) + 1)} | set(scope.everything_from())
        said = {f"{fact.module}.{fact.name or name}".lstrip(".") for fact in scope.imported(name)}
        found: dict[tuple[str, str], Target] = {}
        for document, symbol in self._source.definitions(name):
            if symbol.qualname in said if said else symbol.parent in around:
                found.setdefault((document, symbol.qualname), Target(document, symbol))
        return next(iter(found.values())) if len(found) == 1 else None

    def _of_receiver(self, scope: Scope, enclosing: str, name: str) -> Target | None:
        """A member of the type of a Go method, which any file of its folder may define."""
        owner = enclosing.partition(".")[0]
        beside = (self.scope(document).member(owner, name) for document in self._modules.beside(scope.document))
        return next(filter(None, beside), None)

    def _comes_from_outside(self, scope: Scope, name: str) -> bool:
        """Whether a name is imported, and from nothing in this corpus."""
        facts = scope.imported(name)
        return bool(facts) and not any(self.imported_documents(scope.document, fact) for fact in facts)

    def _module_called(self, scope: Scope, receiver: str) -> tuple[str, ...] | None:
        """The documents of the module that a receiver is, () if it is not of this corpus; None if it is no module."""
        head, is_python = receiver.partition(".")[0], scope.language == "python"
        for fact in scope.imported(head):
            if fact.name == "*":
                continue
            if fact.name:
                documents = self._submodule(scope.document, fact) if receiver == head and is_python else ()
                if documents:
                    return documents
            elif fact.alias or not is_python:
                if receiver == head:
                    return self._modules.find(scope.document, fact.module)
            elif receiver == fact.module:
                return self._modules.find(scope.document, fact.module)
        facts = scope.imported(head)
        plain = bool(facts) and all(not fact.name for fact in facts)
        return self._modules.find(scope.document, receiver) if plain and is_python else None

    def _submodule(self, document: str, fact: ImportFact) -> tuple[str, ...]:
        joined = fact.module + fact.name if fact.module.endswith(".") else f"{fact.module}.{fact.name}"
        return self._modules.find(document, joined) if self._source.language(document) in {"python", "java"} else ()

    def _imported(self, scope: Scope, name: str, hops: int) -> Target | None:
        for fact in scope.imported(name):
            wanted = fact.name or name
            for document in self._imported_modules(scope, fact):
                found = self._exported(document, wanted, hops - 1)
                if found is not None:
                    return found
        return None

    def _imported_modules(self, scope: Scope, fact: ImportFact) -> tuple[str, ...]:
        if scope.language in {"java", "kotlin", "scala"}:
            return self.imported_documents(scope.document, fact)
        return self._modules.find(scope.document, fact.module)

    def _exported(self, document: str, name: str, hops: int) -> Target | None:
        """What a name means to those who import it from a document: defined there, or imported there in turn."""
        scope = self.scope(document)
        found = scope.member("", name)
        if found is not None or not hops:
            return found
        if scope.imported(name):
            return self._imported(scope, name, hops)
        for inner in self._taken_in(scope):
            if inner != document and (found := self._exported(inner, name, hops - 1)) is not None:
                return found
        return None

    def _taken_in(self, scope: Scope) -> Iterator[str]:
        for module in scope.everything_from():
            yield from self._modules.find(scope.document, module)

    # What `Instances` asks

    def text(self, document: str) -> bytes:
        return self._source.text(document)

    def named(self, scope: Scope, enclosing: str, path: str) -> Target | None:
        """The definition that a name or dotted path means at a place, without asking what anything is bound to."""
        receiver, _, name = path.rpartition(".")
        if not receiver:
            return self._bare(scope, enclosing, name)[1]
        return self._through(scope, enclosing, receiver, name)[1]

    def member(self, owner: Target, name: str) -> Target | None:
        """A member of a type or of its bases, breadth first."""
        found = (self.scope(each.document).member(each.symbol.qualname, name) for each in self.lineage(owner))
        return next(filter(None, found), None)

    def lineage(self, owner: Target) -> Iterator[Target]:
        """A type and its bases, nearest first."""
        waiting, seen = [owner], {(owner.document, owner.symbol.qualname)}
        while waiting and len(seen) < MOST_BASES:
            each = waiting.pop(0)
            yield each
            place, qualname = self.scope(each.document), each.symbol.qualname
            for base in place.bases(qualname):
                path = f"{base.receiver}.{base.name}".lstrip(".")
                target = self.named(place, qualname.rpartition(".")[0], path)
                if target is not None and (target.document, target.symbol.qualname) not in seen:
                    seen.add((target.document, target.symbol.qualname))
                    waiting.append(target)

    def _member(self, scope: Scope, owner: str, name: str, *, own: bool = True) -> Target | None:
        """A member of a type by its qualname, or only of its bases. The type itself may be in another document."""
        kind = scope.definition(owner)
        if kind is None:
            return scope.member(owner, name) if own else None
        if own:
            return self.member(kind, name)
        inherited = (self.scope(each.document).member(each.symbol.qualname, name) for each in self.lineage(kind))
        next(inherited, None)
        return next(filter(None, inherited), None)

    def _candidates(self, scope: Scope, reference: ReferenceFact) -> list[Target]:
        """The definitions of a name anywhere in the corpus, in the same language; overloads are one."""
        key = (reference.name, bool(reference.receiver), scope.language)
        if key not in self._named:
            found: dict[tuple[str, str], Target] = {}
            for target in self._source.definitions(reference.name):
                related = _related(self._source.language(target.document), scope.language)
                if related and _fits(target.symbol, reference, scope.language):
                    found.setdefault((target.document, target.symbol.qualname), target)
            self._named[key] = [found[place] for place in sorted(found)]
        return self._named[key]


_FAMILIES = ({"c", "cpp"}, {"javascript", "typescript", "tsx"}, {"java", "kotlin", "scala"})


def _related(language: str, other: str) -> bool:
    return language == other or any({language, other} <= family for family in _FAMILIES)


def _fits(symbol: SymbolFact, reference: ReferenceFact, language: str) -> bool:
    """Whether a definition can be meant at all: a bare name is no member, what is called on something no local."""
    if symbol.kind in {"heading", "key", "selector", "element"}:
        return False
    if language == "python" and symbol.kind == "function" and symbol.parent:
        return False  # defined inside another function: nobody outside can mean it
    return symbol.kind not in MEMBER_KINDS or bool(reference.receiver) or not symbol.parent


def _may_mean(edge: Edge, target: Target) -> bool:
    if edge.target is None:
        return edge.confidence == "ambiguous"
    return (edge.target.document, edge.target.symbol.qualname) == (target.document, target.symbol.qualname)


def _edge(
    document: str, reference: ReferenceFact, confidence: Confidence, rule: Rule, candidates: int, target: Target | None
) -> Edge:
    return Edge(
        document=document,
        line=reference.line,
        enclosing=reference.enclosing,
        name=reference.name,
        role=reference.role,
        confidence=confidence,
        rule=rule,
        candidates=candidates,
        target=target,
    )
