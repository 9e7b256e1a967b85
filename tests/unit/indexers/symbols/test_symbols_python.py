"""Python: spans, names, documentation, references, imports, and ast where tree-sitter gives up."""

from rlm_indexers.symbols import UNKNOWN, Facts, ImportFact, SymbolFact, extract


def facts(text: str) -> Facts:
    return extract("python", text.encode())


def symbol(found: Facts, qualname: str) -> SymbolFact:
    return next(each for each in found.symbols if each.qualname == qualname)


def test_span_starts_at_the_first_decorator_and_line_is_that_of_the_name():
    found = symbol(facts("x = 1\n\n@first\n@second(1)\ndef f():\n    pass\n"), "f")
    assert (found.start_line, found.line, found.end_line) == (3, 5, 6)


def test_comments_after_the_last_statement_do_not_belong_to_a_definition():
    text = (
        "class A:\n    def f(self):\n        if x:\n            return 1\n        # about f\n    # about A\n\n\nB = 1\n"
    )
    found = facts(text)
    assert symbol(found, "A.f").end_line == 4
    assert symbol(found, "A").end_line == 4


def test_nested_definitions_are_qualified_and_functions_of_classes_are_methods():
    found = facts("class A:\n    class B:\n        def f(self):\n            def g(): ...\n")
    assert [(s.qualname, s.kind, s.parent) for s in found.symbols] == [
        ("A", "class", ""),
        ("A.B", "class", "A"),
        ("A.B.f", "method", "A.B"),
        ("A.B.f.g", "function", "A.B.f"),
    ]


def test_a_property_and_its_setter_are_two_symbols():
    text = "class A:\n    @property\n    def p(self): ...\n    @p.setter\n    def p(self, v): ...\n"
    assert [s.start_line for s in facts(text).symbols if s.qualname == "A.p"] == [2, 4]


def test_signature_is_the_head_on_one_line():
    found = symbol(facts("async def f(\n    a: int,\n    b: str = 'x',\n) -> None:\n    pass\n"), "f")
    assert found.signature == "async def f( a: int, b: str = 'x', ) -> None:"


def test_docstring_lines_are_known():
    found = symbol(facts('def f():\n    """One.\n\n    Two.\n    """\n    return 1\n'), "f")
    assert (found.doc_start, found.doc_end) == (2, 5)


def test_variables_of_modules_and_classes_are_symbols_and_locals_are_not():
    found = facts("A = B = 1\nlower: int = 2\nclass C:\n    field = 3\ndef f():\n    local = 4\n")
    assert [(s.qualname, s.kind) for s in found.symbols] == [
        ("A", "variable"),
        ("B", "variable"),
        ("lower", "variable"),
        ("C", "class"),
        ("C.field", "property"),
        ("f", "function"),
    ]


def test_references_carry_line_role_enclosing_symbol_and_receiver():
    text = "def f(a: Thing):\n    self.x.run(a)\n    make().go()\n    plain()\n"
    found = [(r.name, r.line, r.role, r.enclosing, r.receiver) for r in facts(text).references]
    assert found == [
        ("Thing", 1, "type", "f", ""),
        ("run", 2, "call", "f", "self.x"),
        ("a", 2, "name", "f", ""),
        ("make", 3, "call", "f", ""),
        ("go", 3, "call", "f", UNKNOWN),
        ("plain", 4, "call", "f", ""),
    ]


def test_imports_say_module_name_and_alias():
    text = "import a.b as c, d\nfrom ..x import (y as z,  # why\n    w)\nfrom q import *\n"
    assert list(facts(text).imports) == [
        ImportFact("a.b", "", "c", 1),
        ImportFact("d", "", "", 1),
        ImportFact("..x", "y", "z", 2),
        ImportFact("..x", "w", "", 2),
        ImportFact("q", "*", "", 4),
    ]


def test_ast_reads_what_tree_sitter_cannot():
    # A form feed in front of indentation resets the column for Python; tree-sitter sees an error.
    text = (
        "class A:\n    def f(self):\n        return (yield)\n    print >>sys.stderr, 'x' if 1 else f'{x!r:^{width}}'\n"
    )
    broken = text + "    exec = lambda: 0\n    print(1 if 2 else 3, *a, **b)\nx = 0xfor x in y\n"
    for source in (text, broken):
        found = facts(source)
        assert symbol(found, "A.f").end_line == 3


def test_facts_of_both_parsers_agree_on_symbols():
    from rlm_indexers.symbols.python_ast import python_facts

    text = (
        b"import os\n\nX = 1\n\n@dec\nclass A(Base):\n    '''Doc.'''\n    y: int = 1\n\n"
        b"    @property\n    def p(self) -> int:\n        return os.getpid(self.y)\n\nasync def g(): ...\n"
    )
    by_ast = python_facts(text)
    assert by_ast is not None
    ours = extract("python", text)
    assert [s._replace(signature="") for s in by_ast.symbols] == [s._replace(signature="") for s in ours.symbols]
    assert by_ast.imports == ours.imports


def test_a_file_with_lone_carriage_returns_is_counted_by_newlines_only():
    found = extract("python", b"a = 1\rb = 2\ndef f():\n    pass\n")
    assert symbol(found, "f").line == 2


def test_broken_python_still_gives_what_can_be_read():
    found = facts("def good():\n    pass\n\ndef bad(:\n    (((\n\ndef later():\n    pass\n")
    assert found.state == "parsed"
    assert found.reason == "syntax-errors"
    assert symbol(found, "good").end_line == 2
