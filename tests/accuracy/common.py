"""What every accuracy script shares: files of a language, our definitions in them, and two sets compared."""

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rlm_indexers.languages import language_of
from rlm_indexers.symbols import Extractor, Facts, SymbolFact

LARGEST = 1 << 20
"""Larger files have text and no symbols."""


@dataclass(frozen=True, slots=True, order=True)
class Found:
    """One definition, whoever found it."""

    path: str
    name: str
    line: int
    end: int = 0
    qualname: str = ""


@dataclass(frozen=True, slots=True)
class Score:
    """How far two sets of definitions agree."""

    truth: int
    found: int
    both: int

    @property
    def recall(self) -> float:
        return self.both / self.truth if self.truth else 1.0

    @property
    def precision(self) -> float:
        return self.both / self.found if self.found else 1.0


def sources(root: Path, languages: Iterable[str]) -> Iterator[tuple[Path, str]]:
    """The files of some languages below a folder, sorted, too large ones left out."""
    wanted = set(languages)
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.is_symlink() and path.stat().st_size <= LARGEST:
            language = language_of(path.name)
            if language in wanted:
                yield path, language


def facts_of(files: Iterable[tuple[Path, str]]) -> Iterator[tuple[Path, Facts]]:
    with Extractor() as extractor:
        yield from extractor.extract_many((path, language, path.read_bytes()) for path, language in files)


def compare(truth: Iterable[Found], ours: Iterable[Found], key: Callable[[Found], object]) -> Score:
    """Agreement on a key; what is there twice must be found twice."""
    wanted, got = Counter(map(key, truth)), Counter(map(key, ours))
    return Score(wanted.total(), got.total(), (wanted & got).total())


def by_line(found: Found) -> object:
    return found.path, found.name, found.line


def by_span(found: Found) -> object:
    return found.path, found.name, found.line, found.end


def by_qualname(found: Found) -> object:
    return found.path, found.qualname, found.line


def differences(truth: list[Found], ours: list[Found], key: Callable[[Found], object], limit: int = 6) -> None:
    """A few of each kind of disagreement, for whoever wants to explain them."""
    wanted, got = Counter(map(key, truth)), Counter(map(key, ours))
    for title, left in (("missed", wanted - got), ("extra", got - wanted)):
        for entry in list(left)[:limit]:
            sys.stderr.write(f"  {title}: {entry}\n")


def row(*cells: object) -> str:
    """A line of a Markdown table."""
    return "| " + " | ".join(f"{c:.5f}" if isinstance(c, float) else str(c) for c in cells) + " |"


def ours(path: Path, facts: Facts, kinds: set[str], name: Callable[[SymbolFact], str]) -> Iterator[Found]:
    for symbol in facts.symbols:
        if symbol.kind in kinds:
            yield Found(str(path), name(symbol), symbol.line, symbol.end_line, symbol.qualname)
