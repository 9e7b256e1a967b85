"""Of what type a receiver is: by annotations, declared fields, and what a name is bound to in the text around it.

`self.store.get()` means `Store.get` when `self.store` can be nothing else. What is bound to two things is nothing here.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Protocol

from rlm_indexers.relations import written
from rlm_indexers.relations.scopes import Scope, Target
from rlm_indexers.relations.written import Bound, Value
from rlm_indexers.symbols.nesting import FUNCTIONS, LEAVES, TYPES

DEEPEST = 8
"""Steps from one name to the next before an answer is given up."""
OURSELVES = frozenset({"self", "cls", "this", "$this", "Self", "@self"})
IMPLIED = frozenset({"java", "csharp", "kotlin", "scala", "cpp"})
"""Languages in which a field needs no `this` before it."""
_PROPERTIES = ("@property", "@cached_property", "@functools.cached_property", "@classproperty", "@lazy_property")


class Meanings(Protocol):
    """What is asked of the resolver."""

    def scope(self, document: str) -> Scope: ...
    def text(self, document: str) -> bytes: ...
    def named(self, scope: Scope, enclosing: str, path: str) -> Target | None:
        """The definition that a name or dotted path means at a place."""
        ...

    def member(self, owner: Target, name: str) -> Target | None:
        """A member of a type or of its bases."""
        ...

    def lineage(self, owner: Target) -> Iterator[Target]:
        """A type and its bases, nearest first."""
        ...


class Instances:
    """The types of receivers in one corpus. Remembers what it has found."""

    def __init__(self, meanings: Meanings) -> None:
        self._meanings = meanings
        self._lines = lru_cache(256)(self._split)
        self._may_bind = lru_cache(8192)(self._bound_names)
        self._known: dict[tuple[str, str, str], Target | None] = {}

    def type_of(self, scope: Scope, enclosing: str, receiver: str, depth: int = DEEPEST) -> Target | None:
        """The type of `a.b.c` at a place; None when it is not plain."""
        key = (scope.document, enclosing, receiver)
        if key not in self._known:
            self._known[key] = None  # what asks for itself is not plain
            found = self._found(scope, enclosing, receiver, depth) if depth else None
            if depth < DEEPEST // 2 and found is None:
                del self._known[key]
                return None
            self._known[key] = found
        return self._known[key]

    def _found(self, scope: Scope, enclosing: str, receiver: str, depth: int) -> Target | None:
        head, _, rest = receiver.partition(".")
        kind = self._head(scope, enclosing, head, depth)
        for part in rest.split(".") if rest else ():
            kind = self._attribute(kind, part, depth) if kind else None
        return kind

    def _head(self, scope: Scope, enclosing: str, name: str, depth: int) -> Target | None:
        around = scope.enclosing_type(enclosing)
        if name in OURSELVES:
            return scope.definition(around) if around else None
        if scope.language == "go" and name == scope.receiver_name(enclosing):
            return self._meanings.named(scope, "", enclosing.partition(".")[0])
        inside = enclosing
        while inside:
            function = scope.definition(inside)
            if function is not None and function.symbol.kind in FUNCTIONS:
                bound = list(self._local(scope, function, name))
                if bound:
                    return self._agreed(scope, inside, bound, depth)
            inside = inside.rpartition(".")[0]
        if around and scope.language in IMPLIED:
            found = self._attribute(scope.definition(around), name, depth)
            if found is not None:
                return found
        variable = self._meanings.named(scope, "", name)
        return self._declared(variable, depth) if variable is not None and variable.symbol.kind in LEAVES else None

    def _local(self, scope: Scope, function: Target, name: str) -> Iterator[Bound]:
        said = written.parameter(scope.language, self._head_text(function), name)
        if said:
            yield Bound(said)
        elif scope.is_parameter(function.symbol.qualname, name):
            yield Bound()
        if name in self._may_bind(function):
            yield from written.bindings(scope.language, self._body(function), name)

    def _attribute(self, owner: Target | None, name: str, depth: int) -> Target | None:
        """The type of an attribute: as declared in the type or its bases, else as bound in their methods."""
        if owner is None or not depth:
            return None
        member = self._meanings.member(owner, name)
        if member is not None and member.symbol.kind in FUNCTIONS:
            return self._result(member, owner, depth) if self._is_property(member) else None
        if member is not None:
            found = self._declared(member, depth)
            if found is not None:
                return found
        for each in self._meanings.lineage(owner):
            scope = self._meanings.scope(each.document)
            if scope.language in {"typescript", "tsx"}:
                built = scope.member(each.symbol.qualname, "constructor")
                said = written.promoted(self._head_text(built), name) if built else ""
                if said:
                    return self._type(scope, each.symbol.qualname, said)
            found, unclear = self._bound_in(scope, each, name, depth)
            if found is not None or unclear:
                return found
        return None

    def _bound_in(self, scope: Scope, owner: Target, name: str, depth: int) -> tuple[Target | None, bool]:
        """The type of `self.name` by what the methods of a type bind to it, and whether they bind anything at all."""
        prefix = "self" if scope.language in {"python", "rust"} else "this"
        places: dict[str, list[Bound]] = {}
        for method in scope.methods(owner.symbol.qualname):
            if f"{prefix}.{name}" not in self._may_bind(method):
                continue
            said = list(written.bindings(scope.language, self._body(method), f"{prefix}.{name}"))
            if said:
                places[method.symbol.qualname] = said
        types = {self._agreed(scope, place, said, depth) for place, said in places.items() if not _all_none(said)}
        return (types.pop() if len(types) == 1 else None), bool(places)

    def _declared(self, variable: Target, depth: int) -> Target | None:
        scope = self._meanings.scope(variable.document)
        bound = written.field(scope.language, self._head_text(variable), variable.symbol.name)
        return self._agreed(scope, variable.symbol.parent, [bound], depth)

    def _agreed(self, scope: Scope, enclosing: str, bound: Iterable[Bound], depth: int) -> Target | None:
        """The one type that all bindings give; a written type counts more than what is bound."""
        bound = list(bound)
        typed = [each.type for each in bound if each.type]
        if typed:
            return self._type(scope, enclosing, typed[0]) if len(set(typed)) == 1 else None
        found: set[Target | None] = set()
        for each in bound:
            for value in each.values or (Value(""),):
                if value.path != "None":
                    found.add(self._valued(scope, enclosing, value, depth - 1))
        return found.pop() if len(found) == 1 else None

    def _type(self, scope: Scope, enclosing: str, path: str) -> Target | None:
        if path in {"Self", "self"}:
            around = scope.enclosing_type(enclosing)
            return scope.definition(around) if around else None
        return _only_type(self._meanings.named(scope, enclosing, path))

    def _valued(self, scope: Scope, enclosing: str, value: Value, depth: int) -> Target | None:
        """The type of a value that a name is bound to at a place."""
        if depth <= 0 or not value.path:
            return None
        if not value.called:
            return self.type_of(scope, enclosing, value.path, depth)
        path, entered, _ = value.path.partition("().__enter__")
        made = self._made(scope, enclosing, value._replace(path=path), depth)
        if not entered or made is None:
            return made
        enter = self._meanings.member(made, "__enter__") or self._meanings.member(made, "__aenter__")
        return self._result(enter, made, depth, awaited=True) if enter else None

    def _made(self, scope: Scope, enclosing: str, value: Value, depth: int) -> Target | None:
        """What calling something gives: an instance of a type, or what a function says it returns."""
        if value.path in {"cls", "self.__class__"}:
            around = scope.enclosing_type(enclosing)
            return scope.definition(around) if around else None
        found = self._meanings.named(scope, enclosing, value.path)
        owner: Target | None = None
        receiver, _, name = value.path.rpartition(".")
        if found is None and receiver:
            owner = self.type_of(scope, enclosing, receiver, depth)
            found = self._meanings.member(owner, name) if owner else None
        if found is None or found.symbol.kind in TYPES:
            return found
        return self._result(found, owner, depth, awaited=value.awaited)

    def _result(self, function: Target, owner: Target | None, depth: int, *, awaited: bool = False) -> Target | None:
        """What a function says it returns, once; `Self` is what it was called on."""
        if function.symbol.kind not in FUNCTIONS or not depth:
            return None
        scope = self._meanings.scope(function.document)
        head = self._head_text(function)
        if (head.startswith("async ") and not awaited) or scope.overloads(function.symbol.qualname) > 1:
            return None
        said = written.result(scope.language, head)
        around = function.symbol.parent
        if said in {"Self", "typing.Self"}:
            return owner or (scope.definition(around) if around else None)
        return self._type(scope, around, said) if said else None

    def _is_property(self, member: Target) -> bool:
        symbol = member.symbol
        before = self._lines(member.document)[symbol.start_line - 1 : symbol.line - 1]
        return any(line.strip().startswith(_PROPERTIES) for line in before)

    def _head_text(self, target: Target) -> str:
        """The head of a definition; read from the text where what is kept of it is cut."""
        symbol = target.symbol
        if len(symbol.signature) < 200:
            return symbol.signature
        lines = self._lines(target.document)[symbol.line - 1 : min(symbol.end_line, symbol.line + 40)]
        text = " ".join(" ".join(lines).split())
        if symbol.kind not in FUNCTIONS or "(" not in text:
            return text
        at, depth = text.index("("), 0
        for place in range(at, len(text)):
            depth += (text[place] == "(") - (text[place] == ")")
            if not depth:
                rest = text[place + 1 :].partition("{")[0]
                return text[: place + 1] + (rest.partition(":")[0] if text.startswith(("def", "async")) else rest)
        return text

    def _bound_names(self, function: Target) -> frozenset[str]:
        return written.may_bind(self._body(function))

    def _body(self, target: Target) -> str:
        symbol = target.symbol
        return "\n".join(self._lines(target.document)[symbol.line - 1 : symbol.end_line])

    def _split(self, document: str) -> list[str]:
        return self._meanings.text(document).decode("utf-8", "replace").split("\n")


def _all_none(bound: Iterable[Bound]) -> bool:
    return all(each.values == (Value("None"),) and not each.type for each in bound)


def _only_type(target: Target | None) -> Target | None:
    return target if target is not None and target.symbol.kind in TYPES else None
