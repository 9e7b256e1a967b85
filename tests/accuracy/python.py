"""Python definitions compared with `ast`: `python tests/accuracy/python.py FOLDER …` prints table rows.

Counted: functions, methods, classes, and variables of modules and classes, in files that `ast` accepts.
"""

import argparse
import ast
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

from tests.accuracy.common import (
    Found,
    by_line,
    by_qualname,
    by_span,
    compare,
    differences,
    facts_of,
    ours,
    row,
    sources,
)

KINDS = {"function", "method", "class"}
NAMED = {"variable", "constant", "property"}


def truth(path: Path, tree: ast.Module) -> Iterator[tuple[bool, Found]]:
    """(is a function or class, definition)."""
    waiting: list[tuple[ast.AST, str]] = [(tree, "")]
    while waiting:
        node, around = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            qualname = f"{around}.{node.name}" if around else node.name
            yield True, Found(str(path), node.name, node.lineno, node.end_lineno or 0, qualname)
            around = qualname
        if isinstance(node, ast.Module | ast.ClassDef):
            for statement in node.body:
                yield from variables(path, statement, around)
        waiting += [(child, around) for child in ast.iter_child_nodes(node)]


def variables(path: Path, node: ast.stmt, around: str) -> Iterator[tuple[bool, Found]]:
    match node:
        case ast.Assign(targets=targets):
            names = [target for target in targets if isinstance(target, ast.Name)]
        case ast.AnnAssign(target=ast.Name() as name):
            names = [name]
        case _:
            names = []
    for name in names:
        qualname = f"{around}.{name.id}" if around else name.id
        yield False, Found(str(path), name.id, name.lineno, node.end_lineno or 0, qualname)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="+")
    parser.add_argument("--show", action="store_true")
    arguments = parser.parse_args()
    for folder in arguments.folder:
        measure(folder.resolve(), arguments.show)


def parsed(files: list[tuple[Path, str]]) -> dict[Path, ast.Module]:
    trees = {}
    for path, _ in files:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                trees[path] = ast.parse(path.read_bytes().decode("utf-8"))
            except (SyntaxError, ValueError, RecursionError):
                continue
    return trees


def measure(root: Path, show: bool) -> None:
    files = list(sources(root, ["python"]))
    trees = parsed(files)
    facts = list(facts_of((path, language) for path, language in files if path in trees))
    known = [each for path, tree in trees.items() for each in truth(path, tree)]
    for title, main, kinds in (("functions, classes", True, KINDS), ("variables", False, NAMED)):
        wanted = [found for is_main, found in known if is_main is main]
        got = [found for path, each in facts for found in ours(path, each, kinds, lambda symbol: symbol.name)]
        for how, key in (("name and line", by_line), ("span", by_span), ("qualified name", by_qualname)):
            score = compare(wanted, got, key)
            where = f"{root.name} ({len(trees)} of {len(files)} files)"
            sys.stdout.write(
                row("python", where, f"{title}: {how}", score.truth, score.found, score.recall, score.precision) + "\n"
            )
            if show:
                differences(wanted, got, key)


if __name__ == "__main__":
    main()
