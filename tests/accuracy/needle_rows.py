"""Function needles: functions of released packages, what their documentation says of them, and copies without it."""

import ast
import importlib.metadata
import json
import random
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

LEAST_LINES = 7
LEAST_WORDS = 7
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Function:
    """A function: its lines, and the first sentence of its docstring without its name; "" where there is none."""

    path: str
    name: str
    scope: str
    start: int
    end: int
    description: str

    @property
    def place(self) -> tuple[str, int, int]:
        return self.path, self.start, self.end

    @property
    def worth_asking(self) -> bool:
        return self.end - self.start + 1 >= LEAST_LINES and len(self.description.split()) >= LEAST_WORDS


@dataclass(frozen=True, slots=True)
class Needle:
    """A question, and the places that answer it."""

    question: str
    places: frozenset[tuple[str, int, int]]

    def found(self, path: str, start: int, end: int) -> bool:
        """Whether a span is one of the functions; it may begin with decorators and comments."""
        return any(path == p and end == e and s - 12 <= start <= s for p, s, e in self.places)


@dataclass(frozen=True, slots=True)
class Package:
    """A released package's Python files by path, tests and vendored copies of others left out."""

    name: str
    version: str
    files: dict[str, str]

    def functions(self) -> list[Function]:
        return [function for path, text in self.files.items() for function in functions(path, text)]

    def write_hidden(self, folder: Path) -> None:
        """Write the files with `pass` in place of each function's docstring; no line moves."""
        for path, text in self.files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(hidden(text).encode())


def installed(distribution: str) -> Package:
    """A package of this environment."""
    found = importlib.metadata.distribution(distribution)
    files = [(str(each), Path(str(each.locate()))) for each in found.files or [] if each.suffix == ".py"]
    return _package(found.version, {name: path.read_bytes() for name, path in files if path.is_file()})


def wheel(path: Path) -> Package:
    with zipfile.ZipFile(path) as opened:
        raw = {name: opened.read(name) for name in opened.namelist() if name.endswith(".py")}
    return _package(path.name.split("-")[1], raw)


def _package(version: str, raw: dict[str, bytes]) -> Package:
    tops = [name.split("/")[0] for name in raw]
    top = max(sorted(set(tops)), key=tops.count)
    mine = {name: data.decode("utf-8", "replace").replace("\r\n", "\n") for name, data in sorted(raw.items())}
    return Package(top, version, {name: text for name, text in mine.items() if _own(name, top)})


def _own(name: str, top: str) -> bool:
    return name.startswith(f"{top}/") and "_vendor" not in name and not {"test", "tests"}.intersection(name.split("/"))


def needles(package: Package, most: int, seed: int = 0) -> list[Needle]:
    """A seeded sample; functions with the same description answer each other's questions."""
    everything = package.functions()
    pool = [each for each in everything if each.worth_asking]
    drawn = random.Random(f"{seed}:{package.name}").sample(pool, min(most, len(pool)))
    twins: dict[str, set[tuple[str, int, int]]] = {}
    for each in everything:
        twins.setdefault(each.description, set()).add(each.place)
    return [Needle(each.description, frozenset(twins[each.description])) for each in drawn]


def read_rows(rows: Path) -> dict[str, list[Needle]]:
    """The needles of a file as make_needles.py writes it, by import name of their package."""
    found: dict[str, list[Needle]] = {}
    for line in rows.read_text("utf-8").splitlines():
        row = json.loads(line)
        places = [(row["path"], row["start"], row["end"]), *((p, s, e) for p, s, e in row["also"])]
        found.setdefault(row["package"], []).append(Needle(row["description"], frozenset(places)))
    return found


def hidden(text: str) -> str:
    """A file's text with each function's docstring blanked."""
    lines = text.split("\n")
    for node, _ in _nodes(text):
        first = node.body[0]
        if ast.get_docstring(node) is not None and not lines[first.lineno - 1][: first.col_offset].strip():
            lines[first.lineno - 1 : first.end_lineno] = [""] * ((first.end_lineno or 0) - first.lineno + 1)
            lines[first.lineno - 1] = " " * first.col_offset + "pass"
    return "\n".join(lines)


def functions(path: str, text: str) -> Iterator[Function]:
    """The functions of a file."""
    for node, scope in _nodes(text):
        doc = ast.get_docstring(node)
        said = re.split(r"\n\n|(?<=\.)\s", (doc or "").strip())[0].replace("\n", " ")
        said = re.sub(rf"\b{re.escape(node.name)}\b", "<fn>", said)
        yield Function(path, node.name, scope, node.lineno, node.end_lineno or 0, said)


@lru_cache(maxsize=1)
def _nodes(text: str) -> list[tuple[FunctionNode, str]]:
    """The functions of a file in no order that matters, each with what it stands in."""
    return list(_walked(text))


def _walked(text: str) -> Iterator[tuple[FunctionNode, str]]:
    try:
        waiting: list[tuple[ast.AST, str]] = [(ast.parse(text), "")]
    except (SyntaxError, ValueError):
        return
    while waiting:
        node, scope = waiting.pop()
        for child in ast.iter_child_nodes(node):
            named = isinstance(child, FunctionNode | ast.ClassDef)
            waiting.append((child, f"{scope}.{child.name}" if named else scope))
            if isinstance(child, FunctionNode):
                yield child, scope
