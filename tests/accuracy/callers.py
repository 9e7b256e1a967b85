"""Resolved references compared with an independent analyser: `python -m tests.accuracy.callers FOLDER …`.

For a sample of calls (`--sample`, `--seed`) the analyser (`--analyser`: jedi, or the command of a language server) says
where the called name is defined. Precision is the share of the `resolved` that it agrees with, of those it can tell;
recall is the share of calls with a definition in the folder that are `resolved` rightly. `--show`: the disagreements.
"""

import argparse
import random
import re
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from rlm_indexers.relations import Edge, Resolver
from rlm_indexers.symbols import ReferenceFact
from tests.accuracy.common import facts_of, row, sources
from tests.accuracy.language_server import LanguageServer
from tests.support.facts_table import FactsTable

Places = set[tuple[str, int]]
Analyser = Callable[[str, int, int], Places | None]
"""(document, line, column) → (document, line) of each definition inside the folder; None when it cannot tell."""


def table(root: Path, languages: list[str]) -> FactsTable:
    """A folder as a source of facts."""
    files = dict(sources(root, languages))
    names = {path: str(path.relative_to(root)) for path in files}
    facts = {names[path]: found for path, found in facts_of(files.items())}
    texts = {names[path]: path.read_bytes().decode("utf-8", "replace") for path in files}
    return FactsTable({names[path]: language for path, language in files.items()}, facts.__getitem__, texts=texts)


def jedi_of(root: Path) -> Analyser:
    import jedi

    project = jedi.Project(root)

    def ask(document: str, line: int, column: int) -> Places | None:
        names = jedi.Script(path=root / document, project=project).goto(line, column, follow_imports=True)
        places = {(name.module_path, name.line or 0) for name in names if name.type != "param"}
        inside = {(path, at) for path, at in places if path and path.is_relative_to(root)}
        return {(str(path.relative_to(root)), at) for path, at in inside} if names else None

    return ask


def column_of(text: str, reference: ReferenceFact) -> int:
    """Where on its line a called name stands; -1 when that is not plain."""
    name = re.escape(reference.name)
    if reference.receiver and reference.receiver != "?":
        pattern = rf"(?<![\w.]){re.escape(reference.receiver)}\s*\??\.\s*({name})\b"
    else:
        pattern = rf"\.({name})\s*\(" if reference.receiver else rf"(?<![\w.])({name})\s*[(<@]|@({name})\b"
    found = list(re.finditer(pattern, text))
    return found[0].start(found[0].lastindex or 1) if len(found) == 1 else -1


def agrees(facts: FactsTable, edge: Edge, truth: Places) -> bool:
    """Whether the definition, or an overload of it, is one that the analyser names."""
    if edge.target is None:
        return False
    document, symbol = edge.target
    same = [each for each in facts.facts(document).symbols if each.qualname == symbol.qualname]
    spans = [(each.start_line, max(each.line, each.code_line)) for each in same]
    return any(where == document and any(a <= line <= b for a, b in spans) for where, line in truth)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--language", default="python")
    parser.add_argument("--analyser", default="jedi")
    parser.add_argument("--sample", type=int, default=600)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", action="store_true")
    arguments = parser.parse_args()
    root = arguments.folder.resolve()
    if arguments.analyser == "jedi":
        measure(root, jedi_of(root), arguments)
    else:
        with LanguageServer(arguments.analyser.split(), root, arguments.language) as server:
            measure(root, server.definitions, arguments)


def measure(root: Path, analyser: Analyser, arguments: argparse.Namespace) -> None:
    facts = table(root, [arguments.language, "tsx"] if arguments.language == "typescript" else [arguments.language])
    resolver = Resolver(facts)
    calls = [(d, r) for d in facts.documents() for r in facts.facts(d).references if r.role == "call"]
    chosen = sorted(random.Random(arguments.seed).sample(calls, min(arguments.sample, len(calls))))
    count: Counter[str] = Counter()
    for document, reference in chosen:
        line = facts.text(document).decode().split("\n")[reference.line - 1]
        column = column_of(line, reference)
        truth = analyser(document, reference.line, column) if column >= 0 else None
        judge(facts, resolver.resolve(document, reference), truth, count, line if arguments.show else "")
    report(root.name, count)


def judge(facts: FactsTable, edge: Edge, truth: Places | None, count: Counter[str], line: str) -> None:
    count["sampled"] += 1
    if truth is None:
        count["unknown"] += 1
        count["unknown, resolved"] += edge.confidence == "resolved"
        return
    right = agrees(facts, edge, truth)
    count["inside"] += bool(truth)
    count[edge.confidence] += 1
    count[f"{edge.confidence} right"] += right if truth or edge.confidence != "external" else 1
    count["resolved inside right"] += edge.confidence == "resolved" and right
    missed = truth and edge.confidence != "resolved"
    if line and (missed or (not right and edge.confidence in {"resolved", "unique"})):
        target = edge.target and f"{edge.target.document}:{edge.target.symbol.line} {edge.target.symbol.qualname}"
        sys.stderr.write(
            f"{'missed' if missed else 'WRONG'} {edge.confidence} {edge.rule} {edge.document}:{edge.line} "
            f"{edge.name} -> {target}, truth {sorted(truth)}\n    {line.strip()[:150]}\n"
        )


def report(name: str, count: Counter[str]) -> None:
    known = count["sampled"] - count["unknown"]
    for label in ("resolved", "unique", "ambiguous", "external"):
        right = count[f"{label} right"] / count[label] if count[label] else 1.0
        sys.stdout.write(row(name, count["sampled"], known, label, count[label], right) + "\n")
    recall = count["resolved inside right"] / max(count["inside"], 1)
    sys.stdout.write(row(name, count["sampled"], known, "recall of resolved", count["inside"], recall) + "\n")


if __name__ == "__main__":
    main()
