"""Definitions compared with universal-ctags: `python tests/accuracy/ctags.py LANGUAGE FOLDER …` prints table rows.

ctags is no compiler: where the two differ, docs/accuracy.md says who is right and why. `--show` lists differences.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from rlm_indexers.symbols import SymbolFact
from tests.accuracy.common import Found, by_line, by_span, compare, differences, facts_of, ours, row, sources

TYPES = {"class", "struct", "union", "enum", "interface", "trait", "type", "namespace", "module", "object"}
FUNCTIONS = {"function", "method"}
MEMBERS = {"constant", "property", "variable", "macro"}
SLIPS = {
    "csharp": {"try", "lock", "when", "using", "get", "set", "finally", "if", "for", "while"},
    "java": {"try", "if", "for", "while"},
    "rust": {"fn"},
}
"""Taken for names by ctags where it loses its way, as are names with a ".". What it calls `__anon…` has none."""
KINDS: dict[str, tuple[str, set[str], set[str], set[str]]] = {
    # language: name in ctags, its kinds of functions, of types, of members
    "java": ("Java", {"method"}, {"class", "interface", "enum", "annotation"}, {"field", "enumConstant"}),
    "rust": (
        "Rust",
        {"function", "method"},
        {"struct", "enum", "interface", "typedef", "module"},
        {"variable", "field", "enumerator", "macro", "constant"},
    ),
    "c": (
        "C",
        {"function"},
        {"struct", "union", "enum", "typedef"},
        {"variable", "externvar", "member", "enumerator", "macro"},
    ),
    "cpp": (
        "C++",
        {"function"},
        {"class", "struct", "union", "enum", "typedef", "namespace"},
        {"variable", "externvar", "member", "enumerator", "macro"},
    ),
    "csharp": (
        "C#",
        {"method"},
        {"class", "struct", "interface", "enum", "namespace"},
        {"property", "field", "enumerator", "event"},
    ),
    "ruby": ("Ruby", {"method", "singletonMethod", "alias"}, {"class", "module"}, {"constant"}),
    "php": ("PHP", {"function"}, {"class", "interface", "trait", "namespace"}, {"define"}),
    "javascript": ("JavaScript", {"function", "method", "generator", "getter", "setter"}, {"class"}, {"field"}),
    "go": ("Go", {"func"}, {"struct", "interface", "type"}, {"const", "var", "member", "methodSpec"}),
}


def ctags(language: str, files: list[Path]) -> list[tuple[str, Found]]:
    """(ctags kind, definition) of every tag."""
    name = KINDS[language][0]
    command = ["ctags", f"--language-force={name}", "--output-format=json", "--fields=+neK", "--kinds-all=*"]
    command += ["--sort=no", "-f", "-", "-L", "-"]
    listing = "\n".join(map(str, files)).encode()
    out = subprocess.run(command, input=listing, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout
    found = []
    for line in out.splitlines():
        tag = json.loads(line.decode("utf-8", "replace"))
        if tag.get("_type") == "tag" and not _is_slip(tag, SLIPS.get(language, set())):
            found.append(
                (
                    tag["kind"],
                    Found(tag["path"], tag["name"].replace("\\", ".").replace(" ", ""), tag["line"], tag.get("end", 0)),
                )
            )
    return found


def _is_slip(tag: dict[str, str], slips: set[str]) -> bool:
    name, kind = tag["name"], tag["kind"]
    return name in slips or name.startswith(("__anon", "AnonymousClass")) or ("." in name and kind != "namespace")


def name_for_ctags(symbol: SymbolFact) -> str:
    return symbol.name.replace(" ", "")


def measure(language: str, root: Path, show: bool) -> None:
    files = list(sources(root, [language]))
    tags = ctags(language, [path for path, _ in files])
    facts = list(facts_of(files))
    _, functions, types, members = KINDS[language]
    size = sum(path.stat().st_size for path, _ in files) / 1e6
    errors = sum(bool(each.reason) for _, each in facts)
    for title, theirs, mine in (
        ("functions", functions, FUNCTIONS),
        ("types", types, TYPES),
        ("members", members, MEMBERS),
    ):
        truth = [found for kind, found in tags if kind in theirs]
        got = [found for path, each in facts for found in ours(path, each, mine, name_for_ctags)]
        lines = compare(truth, got, by_line)
        ended = {by_line(found) for found in truth if found.end}
        spans = compare([f for f in truth if f.end], [f for f in got if by_line(f) in ended], by_span)
        agreed = spans.recall if ended else "-"
        where = f"{root.name} ({len(files)} files, {size:.1f} MB, {errors} with errors)"
        sys.stdout.write(
            row(language, where, title, lines.truth, lines.found, lines.recall, lines.precision, agreed) + "\n"
        )
        if show:
            differences(truth, got, by_line)
            if ended:
                differences([f for f in truth if f.end], [f for f in got if by_line(f) in ended], by_span, 5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("language", choices=sorted(KINDS))
    parser.add_argument("folder", type=Path, nargs="+")
    parser.add_argument("--show", action="store_true")
    arguments = parser.parse_args()
    for folder in arguments.folder:
        measure(arguments.language, folder.resolve(), arguments.show)


if __name__ == "__main__":
    main()
