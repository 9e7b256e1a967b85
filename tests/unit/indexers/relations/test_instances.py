"""What a name is called on: annotations, fields and bindings say the type, and the type says what is meant."""

import pytest

from rlm_indexers.relations import Resolver
from tests.support.facts import facts_table

STORE = (
    "class Base:\n    def get(self): ...\n"
    "class Store(Base):\n    def put(self): ...\n    def copy(self) -> 'Self': ...\n"
)
OTHER = "class Other:\n    def get(self): ...\n    def put(self): ...\n"


def meaning(texts: dict[str, str], name: str, document: str = "main.py") -> str:
    """What the last call of a name means: `confidence rule path:qualname`."""
    resolver = Resolver(facts_table(texts))
    reference = [r for r in resolver.scope(document).references if r.name == name and r.role == "call"][-1]
    edge = resolver.resolve(document, reference)
    target = f" {edge.target.document}:{edge.target.symbol.qualname}" if edge.target else ""
    return f"{edge.confidence}{target}"


def python(text: str, name: str = "put") -> str:
    head = (
        "from __future__ import annotations\nfrom store import Store, Base\nimport store\nfrom typing import Optional\n"
    )
    return meaning({"store.py": STORE, "other.py": OTHER, "main.py": head + text}, name)


@pytest.mark.parametrize(
    "text",
    [
        "def f(x: Store):\n    x.put()\n",
        "def f(x: Optional['store.Store'] = None):\n    x.put()\n",
        "def f(x: Store | None):\n    x.put()\n",
        "def f():\n    x = Store(\n        1,\n    )\n    x.put()\n",
        "def f(y):\n    with_it: Store = y\n    with_it.put()\n",
        "def make() -> Store: ...\ndef f():\n    x = make()\n    x.put()\n",
        "async def make() -> Store: ...\nasync def f():\n    x = await make()\n    x.put()\n",
        "class A:\n    def __init__(self):\n        self._x = Store()\n    def f(self):\n        self._x.put()\n",
        "class A:\n    def __init__(self, x: Store):\n        self._x = x\n    def f(self):\n        self._x.put()\n",
        (
            "class A:\n    def __init__(self, x: Store | None = None):\n        self.x = x or Store()\n"
            "    def f(self):\n        self.x.put()\n"
        ),
        "class A:\n    x: Store\nclass B(A):\n    def f(self):\n        self.x.put()\n",
        "class A:\n    x: Store\nclass B:\n    a: A\n    def f(self):\n        self.a.x.put()\n",
        "class A:\n    @property\n    def x(self) -> Store: ...\n    def f(self):\n        self.x.put()\n",
        (
            "class A:\n    def __init__(self):\n        self.x = None\n    def g(self):\n        self.x = Store()\n"
            "    def f(self):\n        self.x.put()\n"
        ),
        "shared = Store()\ndef f():\n    shared.put()\n",
        "def f(x: Store):\n    y = x.copy()\n    y.put()\n",
    ],
)
def test_a_python_call_on_something_of_a_known_type_means_its_method(text):
    assert python(text) == "resolved store.py:Store.put"


def test_a_method_that_a_base_has_is_found_through_the_type():
    assert python("def f(x: Store):\n    x.get()\n", "get") == "resolved store.py:Base.get"


def test_a_generic_base_is_a_base():
    text = "class Mine(Base[int], metaclass=M):\n    def f(self):\n        self.get()\n"
    assert python(text, "get") == "resolved store.py:Base.get"


@pytest.mark.parametrize(
    "text",
    [
        "def f(x):\n    x.put()\n",
        "def f(x: Store | Base):\n    x.put()\n",
        "def f(x: list[Store]):\n    x.put()\n",
        "def f():\n    x = Store()\n    x = other()\n    x.put()\n",
        "def f():\n    x = Store().copy(1)[0]\n    x.put()\n",
        "def f(xs):\n    x = Store()\n    for x in xs:\n        x.put()\n",
        "def f():\n    x, y = Store(), 1\n    x.put()\n",
        "async def make() -> Store: ...\ndef f():\n    x = make()\n    x.put()\n",
        (
            "class A:\n    def __init__(self, x):\n        self.x = x\n    def g(self):\n        self.x = Store()\n"
            "    def f(self):\n        self.x.put()\n"
        ),
        "def f():\n    x = x\n    x.put()\n",
    ],
)
def test_a_call_on_what_may_be_something_else_is_not_resolved(text):
    assert python(text) == "ambiguous"


@pytest.mark.parametrize(
    ("texts", "document", "name", "expected"),
    [
        (
            {
                "a.ts": "import { Store } from './store';\nclass A {\n  constructor(private readonly store: Store) {}\n"
                "  f() { this.store.put(); }\n}\n",
                "store.ts": "export class Store { put() {} }\n",
                "other.ts": "export class Other { put() {} }\n",
            },
            "a.ts",
            "put",
            "resolved store.ts:Store.put",
        ),
        (
            {
                "a.ts": "import { Store } from './store';\nfunction f(x: Store) { x.put(); }\n",
                "store.ts": "class Base { put() {} }\nexport class Store extends Base {}\n",
                "other.ts": "export class Other { put() {} }\n",
            },
            "a.ts",
            "put",
            "resolved store.ts:Base.put",
        ),
        (
            {
                "p/A.java": "package p;\nclass A {\n  final Store store = null;\n  void f() { store.put(); }\n}\n",
                "p/Store.java": "package p;\nclass Store { void put() {} }\n",
                "p/Other.java": "package p;\nclass Other { void put() {} }\n",
            },
            "p/A.java",
            "put",
            "resolved p/Store.java:Store.put",
        ),
        (
            {
                "p/a.go": "package p\ntype A struct {\n\tstore *Store\n}\nfunc (a *A) f() { a.store.Put() }\n",
                "p/b.go": "package p\ntype Store struct{}\nfunc (s *Store) Put() {}\n",
                "p/c.go": "package p\ntype Other struct{}\nfunc (s *Other) Put() {}\n",
            },
            "p/a.go",
            "Put",
            "resolved p/b.go:Store.Put",
        ),
        (
            {
                "a.rs": "struct Store {}\nimpl Store { fn put(&self) {} }\nstruct Other {}\n"
                "impl Other { fn put(&self) {} }\nstruct A { store: Store }\n"
                "impl A { fn f(&self) { self.store.put(); } }\n",
            },
            "a.rs",
            "put",
            "resolved a.rs:Store.put",
        ),
        (
            {
                "a.cs": "namespace N;\nclass A {\n  private readonly Store _store;\n  void F() { _store.Put(); }\n}\n",
                "b.cs": "namespace N;\nclass Store { public void Put() {} }\n",
                "c.cs": "namespace N;\nclass Other { public void Put() {} }\n",
            },
            "a.cs",
            "Put",
            "resolved b.cs:N.Store.Put",
        ),
    ],
)
def test_a_field_or_parameter_with_a_type_says_what_is_called_in_other_languages_too(texts, document, name, expected):
    assert meaning(texts, name, document) == expected
