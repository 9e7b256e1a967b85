"""The only door to tree-sitter: languages, compiled queries, parsed trees.

A language whose grammar is not installed or whose query does not compile is switched off with the reason; the others
go on. py-tree-sitter holds the GIL while it parses: call this in worker processes, never on an event loop.
"""

import hashlib
import importlib
import importlib.metadata
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

from tree_sitter import Language, Node, Parser, Query, QueryCursor

__all__ = ["GRAMMARS", "Captures", "Grammar", "LanguageState", "Node", "load", "state_of", "version"]

Captures = dict[str, list[Node]]


@dataclass(frozen=True, slots=True)
class LanguageState:
    """Whether symbols can be had for a language: 1 = queries of ours, 2 = the grammar's own tags, 3 = an outline."""

    tier: Literal[1, 2, 3]
    enabled: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a grammar comes from: the module of its wheel, and the function in it that hands the grammar out."""

    module: str
    tier: Literal[1, 2, 3] = 1
    function: str = "language"
    query: str = ""
    """The name of a query of ours, when it is not the language's."""


GRAMMARS: dict[str, Source] = {
    "python": Source("tree_sitter_python"),
}


class Grammar:
    """A language ready to parse: documents in, captured nodes out. Not for use by two threads at once."""

    def __init__(self, source: Source, name: str) -> None:
        language = Language(getattr(importlib.import_module(source.module), source.function)())
        self._parser = Parser(language)
        self._query = Query(language, query_text(source, name))

    def read(self, data: bytes) -> tuple[Node, Captures]:
        """The root of a parsed document, and the nodes captured in it by capture name (in no certain order)."""
        root = self._parser.parse(data).root_node
        return root, QueryCursor(self._query).captures(root)


@cache
def load(language: str) -> Grammar | str:
    """The grammar of a language, or the reason why there is none."""
    source = GRAMMARS.get(language)
    if source is None:
        return "no-grammar"
    try:
        return Grammar(source, language)
    except ImportError:
        return f"grammar-not-installed: {source.module}"
    except Exception as error:  # noqa: BLE001 - whatever one grammar does, the other languages go on
        return f"query-does-not-compile: {str(error)[:200]}"


def state_of(language: str) -> LanguageState:
    """Whether a language of `GRAMMARS` works here. Compiles its query when first asked."""
    loaded, tier = load(language), GRAMMARS[language].tier
    return LanguageState(tier, enabled=False, reason=loaded) if isinstance(loaded, str) else LanguageState(tier, True)


def query_text(source: Source, name: str) -> str:
    """The query that finds definitions and references: ours, or for tier 2 the grammar's own."""
    return files(__package__).joinpath("queries", f"{source.query or name}.scm").read_text("utf-8")


@cache
def version() -> str:
    """What changes when a query, a grammar or this package does."""
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(file.read_bytes())
    for name, source in sorted(GRAMMARS.items()):
        digest.update(f"{name} {_installed(source.module)} ".encode())
        digest.update(query_text(source, name).encode())
    return digest.hexdigest()[:12]


def _installed(module: str) -> str:
    try:
        return importlib.metadata.version(module.replace("_", "-"))
    except importlib.metadata.PackageNotFoundError:
        return "none"
