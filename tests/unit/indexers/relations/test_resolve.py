"""Callers, callees, importers: what each use means, and how sure that is."""

import pytest

from rlm_indexers.relations.resolve import Edge, Resolver
from rlm_indexers.relations.scopes import Target
from tests.support.facts import facts_table

APP = {
    "pkg/__init__.py": "from .core import run as start\n",
    "pkg/core.py": (
        "from . import util\n"
        "from .base import Base\n"
        "import os\n"
        "def run(callback):\n"
        "    util.clean()\n"
        "    helper()\n"
        "    callback()\n"
        "    os.getcwd()\n"
        "def helper(): ...\n"
        "class Engine(Base):\n"
        "    def go(self):\n"
        "        self.stop()\n"
        "        super().go()\n"
        "        helper()\n"
        "        x.only_here()\n"
        "        x.get()\n"
        "    def helper(self): ...\n"
    ),
    "pkg/base.py": "class Base:\n    def stop(self): ...\n    def go(self): ...\n    def only_here(self): ...\n",
    "pkg/util.py": "def clean(): ...\ndef callback(): ...\n",
    "main.py": "import pkg\nfrom pkg.core import Engine as E\npkg.start(1)\nE().go()\nE.go(1)\nunknown()\n",
    "other.py": "def go(): ...\ngo()\n",
    "a/util.py": "def get(self): ...\n",
}


@pytest.fixture
def resolver() -> Resolver:
    return Resolver(facts_table(APP))


def edge(resolver: Resolver, document: str, line: int, name: str) -> Edge:
    references = resolver.scope(document).references
    return next(resolver.resolve(document, r) for r in references if (r.line, r.name, r.role) == (line, name, "call"))


def meaning(found: Edge) -> tuple[str, str, str]:
    return (
        found.confidence,
        found.rule,
        f"{found.target.document}:{found.target.symbol.qualname}" if found.target else "",
    )


@pytest.mark.parametrize(
    ("document", "line", "name", "expected"),
    [
        ("pkg/core.py", 5, "clean", ("resolved", "import", "pkg/util.py:clean")),
        ("pkg/core.py", 6, "helper", ("resolved", "scope", "pkg/core.py:helper")),
        ("pkg/core.py", 7, "callback", ("external", "scope", "")),
        ("pkg/core.py", 8, "getcwd", ("external", "import", "")),
        ("pkg/core.py", 12, "stop", ("resolved", "scope", "pkg/base.py:Base.stop")),
        ("pkg/core.py", 13, "go", ("resolved", "scope", "pkg/base.py:Base.go")),
        ("pkg/core.py", 14, "helper", ("resolved", "scope", "pkg/core.py:helper")),
        ("pkg/core.py", 15, "only_here", ("unique", "name", "pkg/base.py:Base.only_here")),
        ("pkg/core.py", 16, "get", ("ambiguous", "name", "a/util.py:get")),
        ("main.py", 3, "start", ("resolved", "import", "pkg/core.py:run")),
        ("main.py", 4, "E", ("resolved", "import", "pkg/core.py:Engine")),
        ("main.py", 4, "go", ("ambiguous", "name", "")),
        ("main.py", 5, "go", ("resolved", "import", "pkg/core.py:Engine.go")),
        ("main.py", 6, "unknown", ("external", "name", "")),
        ("other.py", 2, "go", ("resolved", "scope", "other.py:go")),
    ],
)
def test_a_python_use_means_what_python_makes_of_it(resolver: Resolver, document, line, name, expected):
    assert meaning(edge(resolver, document, line, name)) == expected


def test_callers_name_the_line_the_enclosing_symbol_and_how_many_candidates_there_are(resolver: Resolver):
    target = resolver.scope("pkg/base.py").member("Base", "go")
    assert target is not None
    found = [(e.document, e.line, e.enclosing, e.confidence, e.candidates) for e in resolver.callers(target)]
    assert found == [("main.py", 4, "", "ambiguous", 3), ("pkg/core.py", 13, "Engine.go", "resolved", 1)]


def test_callees_are_the_uses_inside_a_definition(resolver: Resolver):
    target = resolver.scope("pkg/core.py").member("", "run")
    assert target is not None
    assert [e.name for e in resolver.callees(target)] == ["clean", "helper", "callback", "getcwd"]


def test_importers_are_found_through_packages_and_relative_imports(resolver: Resolver):
    found = [(document, fact.line) for document, fact in resolver.importers("pkg/util.py")]
    assert found == [("pkg/core.py", 1)]
    assert [document for document, _ in resolver.importers("pkg/core.py")] == ["main.py", "pkg/__init__.py"]


def test_the_answer_does_not_depend_on_the_order_of_documents(resolver: Resolver):
    turned = Resolver(facts_table(dict(reversed(APP.items()))))
    for document in APP:
        for reference in resolver.scope(document).references:
            assert resolver.resolve(document, reference) == turned.resolve(document, reference)


@pytest.mark.parametrize(
    ("texts", "document", "line", "name", "expected"),
    [
        (
            {
                "src/a.ts": "import {b as c} from './lib/b';\nc();\n",
                "src/lib/b.ts": "export function b() {}\n",
                "other/b.ts": "export function b() {}\n",
            },
            "src/a.ts",
            2,
            "c",
            ("resolved", "import", "src/lib/b.ts:b"),
        ),
        (
            {
                "cmd/main.go": 'package main\nimport "x.org/m/store"\nfunc main() { store.Open() }\n',
                "store/open.go": "package store\nfunc Open() {}\n",
            },
            "cmd/main.go",
            3,
            "Open",
            ("resolved", "import", "store/open.go:Open"),
        ),
        (
            {
                "p/a.go": "package p\ntype T struct{}\nfunc (t *T) f() { t.g(); h() }\n",
                "p/b.go": "package p\nfunc (t *T) g() {}\nfunc h() {}\n",
            },
            "p/a.go",
            3,
            "g",
            ("resolved", "package", "p/b.go:T.g"),
        ),
        (
            {
                "src/p/A.java": "package p;\nimport q.B;\nclass A { void f() { B.make(); C.make(); } }\n",
                "src/q/B.java": "package q;\npublic class B { static void make() {} }\n",
                "src/p/C.java": "package p;\nclass C { static void other() {} }\n",
            },
            "src/p/A.java",
            3,
            "make",
            ("resolved", "import", "src/q/B.java:B.make"),
        ),
        (
            {
                "a.php": "<?php\nnamespace A;\nuse B\\Tool;\nclass X { function f() { new Tool(); } }\n",
                "b.php": "<?php\nnamespace B;\nclass Tool {}\n",
                "c.php": "<?php\nnamespace C;\nclass Tool {}\n",
            },
            "a.php",
            4,
            "Tool",
            ("resolved", "package", "b.php:B.Tool"),
        ),
        (
            {"a.c": "int f(void) { return g(); }\n", "b.c": "int g(void) { return 1; }\n", "g.h": "int g(void);\n"},
            "a.c",
            1,
            "g",
            ("ambiguous", "name", ""),
        ),
    ],
)
def test_a_use_in_another_language_means_what_its_imports_say(texts, document, line, name, expected):
    assert meaning(edge(Resolver(facts_table(texts)), document, line, name)) == expected


def test_a_type_that_is_its_own_base_ends(resolver: Resolver):
    found = Resolver(facts_table({"a.py": "class A(B):\n    def f(self): self.g()\nclass B(A): ...\n"}))
    assert edge(found, "a.py", 2, "g").confidence == "external"


def test_modules_that_import_each_other_end():
    found = Resolver(facts_table({"a.py": "from b import *\nf()\n", "b.py": "from a import *\n"}))
    assert edge(found, "a.py", 2, "f").confidence == "external"


def test_a_target_is_a_document_and_a_symbol(resolver: Resolver):
    target = resolver.scope("other.py").member("", "go")
    assert isinstance(target, Target)
    assert target.document == "other.py"
