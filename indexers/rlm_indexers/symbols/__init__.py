"""Symbol maps: the definitions, references and imports of a document. Nothing outside imports tree-sitter."""

import importlib
from typing import TYPE_CHECKING, Any

from rlm_indexers.symbols.extract import extract
from rlm_indexers.symbols.facts import (
    UNKNOWN,
    Facts,
    ImportFact,
    Kept,
    ReferenceFact,
    SymbolFact,
    facts_from_json,
    facts_to_json,
    kept,
    symbol_rows,
    text_only,
)
from rlm_indexers.symbols.outlines import OUTLINES
from rlm_indexers.symbols.parsing import GRAMMARS, LanguageState, state_of, version

if TYPE_CHECKING:
    from rlm_indexers.symbols.extractor import Extractor
    from rlm_indexers.symbols.workers import Limits

__all__ = [
    "EXTRACTOR_VERSION",
    "LANGUAGES",
    "UNKNOWN",
    "Extractor",
    "Facts",
    "ImportFact",
    "Kept",
    "LanguageState",
    "Limits",
    "ReferenceFact",
    "SymbolFact",
    "extract",
    "facts_from_json",
    "facts_to_json",
    "kept",
    "supported",
    "symbol_rows",
    "text_only",
]

EXTRACTOR_VERSION: str
"""Part of the key under which facts are kept: another when a query, a grammar or the extraction changes."""

LANGUAGES = frozenset(GRAMMARS) | frozenset(OUTLINES)
"""Those in which something may be found: in any other a document has text only, and no reason need be given."""


def supported() -> dict[str, LanguageState]:
    """What is known about each language here; compiles all queries when first asked."""
    outlined = {language: LanguageState(3, enabled=True) for language in OUTLINES}
    return {**{language: state_of(language) for language in GRAMMARS}, **outlined}


_LATER = {"Extractor": "extractor", "Limits": "workers"}
"""What lies in modules that a worker process has no use for and need not wait for."""


def __getattr__(name: str) -> Any:
    """What is worked out or imported when first asked for."""
    if name == "EXTRACTOR_VERSION":
        return version()
    if name in _LATER:
        return getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
