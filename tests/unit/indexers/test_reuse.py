"""Which symbols are taken over from the pack before."""

from pathlib import Path

from rlm_indexers import extraction
from rlm_indexers.corpus import Skipped
from rlm_indexers.pack.reuse import Part, Reuse
from rlm_indexers.pack.writer import Packed, Taken
from tests.support.packs import pack_of


def reuse(*failed: Skipped, version: str | None = None) -> Reuse:
    pack = pack_of(dict.fromkeys("abcdef", "x\n"), {"extraction": version or extraction.version()})
    return Reuse(Packed(Path(), pack, (), failed), [Taken(new=1, old=0, count=4), Taken(new=6, old=5, count=1)])


def extracted(found: Reuse) -> list[int]:
    """The numbers of the documents, of eight, that are extracted anew; each document stands in one part."""
    parts = list(found.parts(8))
    assert [number for part in parts for number in part.numbers] == list(range(8))
    assert all(part.old is None or part.numbers.start - part.old == 1 for part in parts)
    return [number for part in parts if part.old is None for number in part.numbers]


def test_only_documents_that_are_new_are_extracted():
    assert extracted(reuse()) == [0, 5, 7]


def test_what_failed_for_no_fault_of_its_own_is_tried_again():
    assert extracted(reuse(Skipped("c", "parser-timeout: 10 s"), Skipped("f", "parser-crashed"))) == [0, 3, 5, 6, 7]


def test_what_failed_for_good_keeps_its_reason():
    found = reuse(Skipped("b", "parser-refused"))
    assert extracted(found) == [0, 5, 7]
    assert list(found.failures(Part(range(1, 5), 0))) == [Skipped("b", "parser-refused")]
    assert list(found.failures(Part(range(6, 7), 5))) == []


def test_symbols_of_another_version_are_not_taken_over():
    assert extracted(reuse(version="older")) == list(range(8))
