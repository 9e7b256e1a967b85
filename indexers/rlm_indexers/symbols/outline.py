"""A corpus at first sight: folders, languages, and the definitions that matter most, within a budget of tokens."""

import builtins
import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from math import sqrt

from rlm_indexers.symbols.everyday import BUILT_IN_MEMBERS
from rlm_indexers.symbols.facts import Facts, ReferenceFact, SymbolFact
from rlm_indexers.symbols.nesting import LEAVES
from rlm_indexers.symbols.ranking import Uses

CHARACTERS_PER_TOKEN = 4
SHOWN_FOLDERS = 12
SYMBOLS_PER_DOCUMENT = 8
ENTRY_NAMES = frozenset({"main", "cli", "app", "index", "server", "manage", "__main__", "lib", "mod", "setup"})
_BUILT_IN = frozenset(dir(builtins))
_BY_ROLE = {"import": 4.0, "type": 2.0, "name": 0.0}
_TEST = re.compile(
    r"(?:^|/)(?:tests?|spec|__tests__|testdata)(?:/|$)|(?:^|/)test_|_test\.|\.test\.|\.spec\.|Test\.java$"
)


def uses_of(document: str, facts: Facts, flags: Iterable[str] = ()) -> Uses:
    """What a document says for the ranking. `flags`: those of the corpus, `generated`, `vendored`, …"""
    defines = frozenset(s.name for s in facts.symbols if s.kind not in LEAVES or not s.parent)
    minor = not {"generated", "vendored", "minified"}.isdisjoint(flags) or is_test(document)
    uses: dict[str, float] = {}
    for reference in facts.references:
        uses[reference.name] = uses.get(reference.name, 0.0) + _says(reference)
    return Uses(document, defines, {name: weight for name, weight in uses.items() if weight}, minor)


def _says(reference: ReferenceFact) -> float:
    """How much a use of a name says about who defines it: an import much, a member of an unknown thing little."""
    if reference.role != "call":
        return _BY_ROLE[reference.role]
    if not reference.receiver:
        return 0.0 if reference.name in _BUILT_IN else 1.0
    return 0.0 if reference.name in BUILT_IN_MEMBERS else 0.2


def is_test(document: str) -> bool:
    """Whether a document is a test, by its path."""
    return _TEST.search(document) is not None


def wanted_by(question: str, defining: Mapping[str, Iterable[str]]) -> dict[str, float]:
    """The documents a question leans to: those that define what it names, rarer names more. `defining`: name → them."""
    wanted: dict[str, float] = {}
    for word in set(re.findall(r"\w{3,}", question)):
        documents = list(defining.get(word, ()))
        for document in documents:
            wanted[document] = wanted.get(document, 0.0) + 1 / len(documents)
    return wanted


def outline(
    ranks: Mapping[str, float],
    symbols: Mapping[str, Iterable[SymbolFact]],
    languages: Mapping[str, int],
    *,
    tokens: int = 1000,
    uses: Mapping[str, float] | None = None,
) -> str:
    """The outline as text, at most so many tokens (of 4 characters).

    `ranks`: from `ranking.rank`; `symbols`: of the documents to be shown, at least the first few dozen by rank;
    `languages`: documents of each; `uses`: how often a name is used in the corpus, which orders symbols in a document.
    """
    left = tokens * CHARACTERS_PER_TOKEN
    lines: list[str] = []
    for line in _head(ranks, languages):
        lines.append(line)
        left -= len(line) + 1
    for document in sorted(ranks, key=lambda each: (-ranks[each], each)):
        block = _block(document, symbols.get(document, ()), uses or {})
        size = sum(len(line) + 1 for line in block)
        if size > left:
            break
        lines += block
        left -= size
    return "\n".join(lines)[: tokens * CHARACTERS_PER_TOKEN]


def _head(ranks: Mapping[str, float], languages: Mapping[str, int]) -> Iterable[str]:
    counted = sorted(((count, name) for name, count in languages.items() if name), reverse=True)
    yield f"{len(ranks)} documents: " + ", ".join(f"{name} {count}" for count, name in counted[:8])
    folders = Counter(_folder(document) for document in ranks)
    yield "folders: " + ", ".join(f"{name}/ {count}" for name, count in folders.most_common(SHOWN_FOLDERS) if name)
    entries = [document for document in ranks if _is_entry(document)]
    if entries:
        yield "entry points: " + ", ".join(sorted(entries, key=lambda each: -ranks[each])[:8])


def _folder(document: str) -> str:
    return "/".join(document.split("/")[:-1][:2])


def _is_entry(document: str) -> bool:
    stem = posixpath.basename(document).partition(".")[0]
    return stem in ENTRY_NAMES and document.count("/") <= 3 and not is_test(document)


def _block(document: str, symbols: Iterable[SymbolFact], uses: Mapping[str, float]) -> list[str]:
    """A document and its most used definitions, in the order in which they stand."""
    shown = [s for s in symbols if s.kind not in LEAVES and s.parent.count(".") < 2]
    best = sorted(shown, key=lambda s: (-_worth(s, uses), s.line))[:SYMBOLS_PER_DOCUMENT]
    lines = [f"{document}:"] if best else []
    lines += [f"  {s.line}| {s.signature[:100] or s.qualname}" for s in sorted(best, key=lambda s: s.line)]
    return lines


def _worth(symbol: SymbolFact, uses: Mapping[str, float]) -> float:
    outer = 1.0 if not symbol.parent else 0.5
    return outer * (0.1 if symbol.name.startswith("_") else 1.0) * (1 + sqrt(uses.get(symbol.name, 0)))
