"""Import statements, read from their text: what is imported, from where, under which name."""

import re
from collections.abc import Iterator

from rlm_indexers.symbols.facts import ImportFact

_PYTHON_FROM = re.compile(r"from\s*([\w.\s]+?)\s*\bimport\b\s*(.*)", re.DOTALL)
_COMMENT = re.compile(r"#[^\n]*|\\\r?\n")


def python_imports(statement: bytes, line: int) -> Iterator[ImportFact]:
    """`import a.b as c`, `from .x import (y as z, …)`."""
    text = _COMMENT.sub(" ", statement.decode("utf-8", "replace")).strip()
    found = _PYTHON_FROM.match(text)
    if found:
        module, names = re.sub(r"\s", "", found[1]), found[2].strip("() \t\r\n")
        for name, alias in _renamed(names):
            yield ImportFact(module, name, alias, line)
    else:
        for name, alias in _renamed(text.removeprefix("import")):
            yield ImportFact(name, "", alias, line)


def _renamed(names: str) -> Iterator[tuple[str, str]]:
    """`a as b, c` as (a, b), (c, "")."""
    for part in names.split(","):
        words = part.split()
        if words:
            yield words[0], words[2] if len(words) > 2 and words[1] == "as" else ""
