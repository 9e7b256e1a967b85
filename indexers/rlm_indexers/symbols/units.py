"""Work units: documents grouped so that each costs about the same. A unit can be pickled to any executor."""

from collections.abc import Iterable, Iterator, Sequence

from rlm_indexers.symbols.extract import extract
from rlm_indexers.symbols.facts import facts_to_json, text_only

UNIT_BYTES = 4 << 20
UNIT_DOCUMENTS = 1000

Item = tuple[str, bytes]
"""A language and a document."""


def facts_json(language: str, data: bytes) -> str:
    """The facts of one document as JSON. Text-only with the reason, whatever goes wrong short of the process dying."""
    try:
        return facts_to_json(extract(language, data))
    except MemoryError:
        return facts_to_json(text_only("parser-memory"))
    except Exception as error:  # noqa: BLE001 - what goes wrong with one document costs that document
        return facts_to_json(text_only(f"parser-failed: {type(error).__name__}: {error}"[:200]))


def run_unit(unit: Sequence[Item]) -> list[str]:
    """The facts of each document of a unit, in this process: what an executor is given to do."""
    return [facts_json(language, data) for language, data in unit]


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
