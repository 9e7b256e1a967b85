"""Work units: documents grouped so that each costs about the same. A unit can be pickled to any executor."""

from collections.abc import Iterable, Iterator, Sequence

from rlm_indexers.symbols.extract import extract
from rlm_indexers.symbols.facts import Kept, kept, text_only

UNIT_BYTES = 4 << 20
UNIT_DOCUMENTS = 1000

Item = tuple[str, bytes]
"""A language and a document."""


def kept_facts(language: str, data: bytes) -> Kept:
    """The facts of one document. Text-only with the reason, whatever goes wrong short of the process dying."""
    try:
        return kept(extract(language, data), language)
    except MemoryError:
        return kept(text_only("parser-memory"), language)
    except Exception as error:  # noqa: BLE001 - what goes wrong with one document costs that document
        return kept(text_only(f"parser-failed: {type(error).__name__}: {error}"[:200]), language)


def run_unit(unit: Sequence[Item]) -> list[Kept]:
    """The facts of each document of a unit, in this process: what an executor is given to do."""
    return [kept_facts(language, data) for language, data in unit]


def units(items: Iterable[Item]) -> Iterator[list[Item]]:
    """The documents in their order, in groups of up to 4 MB; a larger document is a unit of its own."""
    unit: list[Item] = []
    size = 0
    for language, data in items:
        if unit and (size + len(data) > UNIT_BYTES or len(unit) == UNIT_DOCUMENTS):
            yield unit
            unit, size = [], 0
        unit.append((language, data))
        size += len(data)
    if unit:
        yield unit
