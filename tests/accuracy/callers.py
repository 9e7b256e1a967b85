"""Resolved references of Python compared with jedi: `python tests/accuracy/callers.py FOLDER [--sample N]`.

For a sample of calls, jedi says where the called name is defined. Precision is the share of the `resolved` that it
agrees with; recall is the share of calls with a definition in the folder that are `resolved` rightly.
"""

import argparse
import random
import sys
from collections import Counter
from pathlib import Path

import jedi

from rlm_indexers.relations.resolve import Edge, Resolver
from rlm_indexers.symbols import Facts, ReferenceFact
from tests.accuracy.common import facts_of, row, sources


class Folder:
    """A folder as a source of facts."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._facts = {str(path.relative_to(root)): facts for path, facts in facts_of(sources(root, ["python"]))}
        self._defining: dict[str, set[str]] = {}
        self._mentioning: dict[str, set[str]] = {}
        for document, facts in self._facts.items():
            for symbol in facts.symbols:
                self._defining.setdefault(symbol.name, set()).add(document)
            for reference in facts.references:
                self._mentioning.setdefault(reference.name, set()).add(document)

    def documents(self) -> list[str]:
        return list(self._facts)

    def language(self, document: str) -> str:
        return "python" if document else ""

    def facts(self, document: str) -> Facts:
        return self._facts[document]

    def defining(self, name: str) -> set[str]:
        return self._defining.get(name, set())

    def mentioning(self, name: str) -> set[str]:
        return self._mentioning.get(name, set())


def calls(folder: Folder) -> list[tuple[str, ReferenceFact]]:
    return [(d, r) for d in folder.documents() for r in folder.facts(d).references if r.role == "call"]


def by_jedi(
    folder: Folder, project: jedi.Project, document: str, reference: ReferenceFact
) -> set[tuple[str, int]] | None:
    """(document, line) of the definitions in the folder; empty when they are elsewhere; None when jedi cannot tell."""
    path = folder.root / document
    text = path.read_bytes().decode("utf-8").split("\n")[reference.line - 1]
    column = _column(text, reference)
    if column < 0:
        return None
    names = jedi.Script(path=path, project=project).goto(reference.line, column, follow_imports=True)
    if not names:
        return None
    places = {(name.module_path, name.line) for name in names if name.type != "param"}
    inside = {(path, line) for path, line in places if path and path.is_relative_to(folder.root)}
    return {(str(path.relative_to(folder.root)), line or 0) for path, line in inside}


def _column(text: str, reference: ReferenceFact) -> int:
    if reference.receiver and reference.receiver != "?":
        at = text.find(f"{reference.receiver}.{reference.name}")
        return at + len(reference.receiver) + 1 if at >= 0 else -1
    marker = f".{reference.name}(" if reference.receiver else f"{reference.name}("
    at = text.find(marker)
    return at + (1 if reference.receiver else 0) if text.count(marker) == 1 else -1


def agrees(folder: Folder, edge: Edge, truth: set[tuple[str, int]]) -> bool:
    """Whether the definition, or an overload of it, is one that jedi names."""
    if edge.target is None:
        return False
    document, symbol = edge.target
    lines = {each.line for each in folder.facts(document).symbols if each.qualname == symbol.qualname}
    return any(where == document and line in lines for where, line in truth)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sample", type=int, default=1000)
    parser.add_argument("--show", action="store_true")
    arguments = parser.parse_args()
    folder = Folder(arguments.folder.resolve())
    resolver = Resolver(folder)
    project = jedi.Project(folder.root)
    chosen = random.Random(0).sample(calls(folder), min(arguments.sample, len(calls(folder))))
    count: Counter[str] = Counter()
    for document, reference in chosen:
        judge(
            folder,
            resolver.resolve(document, reference),
            by_jedi(folder, project, document, reference),
            count,
            arguments.show,
        )
    report(folder, count)


def judge(folder: Folder, edge: Edge, truth: set[tuple[str, int]] | None, count: Counter[str], show: bool) -> None:
    count["sampled"] += 1
    if truth is None:
        count["unknown to jedi"] += 1
        return
    right = agrees(folder, edge, truth)
    count["inside"] += bool(truth)
    count[edge.confidence] += 1
    count[f"{edge.confidence} right"] += right if truth or edge.confidence != "external" else 1
    count["resolved inside right"] += edge.confidence == "resolved" and right
    if show and not right and edge.confidence in {"resolved", "unique"}:
        target = edge.target and f"{edge.target.document}:{edge.target.symbol.qualname}"
        sys.stderr.write(
            f"{edge.confidence} {edge.rule} {edge.document}:{edge.line} {edge.name} -> {target}, jedi {truth}\n"
        )


def report(folder: Folder, count: Counter[str]) -> None:
    for label in ("resolved", "unique", "ambiguous", "external"):
        right = count[f"{label} right"] / count[label] if count[label] else 1.0
        sys.stdout.write(row(folder.root.name, label, count[label], right) + "\n")
    recall = count["resolved inside right"] / max(count["inside"], 1)
    sys.stdout.write(row(folder.root.name, "recall of resolved", count["inside"], recall) + "\n")
    sys.stdout.write(f"{dict(count)}\n")


if __name__ == "__main__":
    main()
