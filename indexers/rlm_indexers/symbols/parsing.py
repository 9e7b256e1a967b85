"""The only door to tree-sitter: languages, compiled queries, parsed trees.

A language whose grammar is not installed or whose query does not compile is switched off with the reason; the others
go on. py-tree-sitter holds the GIL while it parses: call this in worker processes, never on an event loop.
"""

import hashlib
import importlib
import importlib.util
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import tree_sitter
from tree_sitter import Language, Node, Parser, Query, QueryCursor

__all__ = ["GRAMMARS", "Captures", "Grammar", "LanguageState", "Node", "load", "state_of", "version"]

Captures = dict[str, list[Node]]
DEEPEST = 1000
"""Nodes deeper than this are not looked at: 100,000 nested calls would cost their number squared."""


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
    queries: tuple[str, ...] = ()
    """Queries of ours; none: the tags of the grammar."""
    function: str = "language"


GRAMMARS: dict[str, Source] = {
    "python": Source("tree_sitter_python", 1, ("python",)),
    "javascript": Source("tree_sitter_javascript", 1, ("javascript",)),
    "typescript": Source("tree_sitter_typescript", 1, ("typescript",), "language_typescript"),
    "tsx": Source("tree_sitter_typescript", 1, ("typescript", "tsx"), "language_tsx"),
    "go": Source("tree_sitter_go", 1, ("go",)),
    "rust": Source("tree_sitter_rust", 1, ("rust",)),
    "java": Source("tree_sitter_java", 1, ("java",)),
    "c": Source("tree_sitter_c", 1, ("c",)),
    "cpp": Source("tree_sitter_cpp", 1, ("c", "cpp")),
    "csharp": Source("tree_sitter_c_sharp", 1, ("csharp",)),
    "ruby": Source("tree_sitter_ruby", 1, ("ruby",)),
    "php": Source("tree_sitter_php", 1, ("php",), "language_php"),
    "kotlin": Source("tree_sitter_kotlin", 2, ("kotlin",)),
    "bash": Source("tree_sitter_bash", 2, ("bash",)),
    "swift": Source("tree_sitter_swift", 2, ("swift",)),
    "scala": Source("tree_sitter_scala", 2, ("scala",)),
    "lua": Source("tree_sitter_lua", 2, ("lua",)),
    # Not among our dependencies; used where they are installed.
    "dart": Source("tree_sitter_dart", 2),
    "elixir": Source("tree_sitter_elixir", 2),
    "fortran": Source("tree_sitter_fortran", 2),
    "ocaml": Source("tree_sitter_ocaml", 2, (), "language_ocaml"),
    "json": Source("tree_sitter_json", 3, ("json",)),
    "yaml": Source("tree_sitter_yaml", 3, ("yaml",)),
    "toml": Source("tree_sitter_toml", 3, ("toml",)),
    "html": Source("tree_sitter_html", 3, ("html",)),
    "css": Source("tree_sitter_css", 3, ("css",)),
}


class Grammar:
    """A language ready to parse: documents in, captured nodes out. Not for use by two threads at once."""

    def __init__(self, source: Source) -> None:
        language = Language(getattr(importlib.import_module(source.module), source.function)())
        self.tags = not source.queries
        self._parser = Parser(language)
        self._query = Query(language, query_text(source))

    def parse(self, data: bytes) -> Node:
        """The root of a document."""
        return self._parser.parse(data).root_node

    def captures(self, root: Node) -> Captures:
        """The nodes that a query of ours captures, by capture name, in no certain order."""
        return self._cursor().captures(root)

    def matches(self, root: Node) -> list[Captures]:
        """What a tags query finds: in each match the node and, as `name`, its name."""
        return [captures for _, captures in self._cursor().matches(root)]

    def _cursor(self) -> QueryCursor:
        cursor = QueryCursor(self._query)
        cursor.set_max_start_depth(DEEPEST)
        return cursor


@cache
def load(language: str) -> Grammar | str:
    """The grammar of a language, or the reason why there is none."""
    source = GRAMMARS.get(language)
    if source is None:
        return "no-grammar"
    try:
        return Grammar(source)
    except ImportError:
        return f"grammar-not-installed: {source.module}"
    except Exception as error:  # noqa: BLE001 - whatever one grammar does, the other languages go on
        return f"query-does-not-compile: {str(error)[:200]}"


def state_of(language: str) -> LanguageState:
    """Whether a language of `GRAMMARS` works here. Compiles its query when first asked."""
    loaded, tier = load(language), GRAMMARS[language].tier
    return LanguageState(tier, enabled=False, reason=loaded) if isinstance(loaded, str) else LanguageState(tier, True)


def query_text(source: Source) -> str:
    """The query that finds definitions and references: of ours, or the grammar's own tags."""
    if source.queries:
        folder = Path(__file__).with_name("queries")
        return "".join((folder / f"{name}.scm").read_text("utf-8") for name in source.queries)
    grammar = importlib.import_module(source.module).__file__ or ""
    return (Path(grammar).with_name("queries") / "tags.scm").read_text("utf-8")


@cache
def version() -> str:
    """What changes when a query, a grammar or this package does."""
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(file.read_bytes())
    for query in sorted(Path(__file__).with_name("queries").glob("*.scm")):
        digest.update(query.read_bytes())
    for name, source in sorted(GRAMMARS.items()):
        digest.update(f"{name} {_installed(source.module)} ".encode())
    return digest.hexdigest()[:12]


def _installed(module: str) -> str:
    """The version of a grammar, by the names of the folders beside tree-sitter's: importlib.metadata costs 30 ms."""
    found = [name for name in _beside() if name.startswith(f"{module}-") and name.endswith(".dist-info")]
    if found:
        return found[0].removeprefix(f"{module}-").removesuffix(".dist-info")
    if importlib.util.find_spec(module) is None:
        return "none"
    from importlib import metadata

    return metadata.version(module.replace("_", "-"))


@cache
def _beside() -> tuple[str, ...]:
    return tuple(sorted(entry.name for entry in Path(tree_sitter.__file__).parents[1].iterdir()))
