"""Which symbols a new pack takes over from the previous one, in runs, and which are to be extracted."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rlm_indexers import extraction
from rlm_indexers.corpus import Skipped
from rlm_indexers.pack.writer import Packed, Taken


@dataclass(frozen=True, slots=True)
class Part:
    """Documents in a row of the new pack, and where they begin in the previous one if their symbols stand there."""

    numbers: range
    old: int | None = None


class Reuse:
    """What is known of documents that were `taken` from the previous pack: nothing if it was extracted another way."""

    def __init__(self, previous: Packed | None, taken: Sequence[Taken]) -> None:
        usable = previous is not None and previous.pack.meta.get("extraction") == extraction.version()
        self._taken = taken if usable else ()
        failed = previous.without_symbols if previous is not None and usable else ()
        numbers = {previous.pack.index(each.id): each for each in failed} if previous else {}
        self._failed = {number: each for number, each in numbers.items() if number is not None}

    def parts(self, count: int) -> Iterator[Part]:
        """All documents of a pack of so many. What failed for no fault of its own is not taken over."""
        again = sorted(number for number, each in self._failed.items() if each.reason.startswith(extraction.PASSING))
        at = 0
        for run in self._taken:
            old = run.old
            for broken in [n for n in again if run.old <= n < run.old + run.count] + [run.old + run.count]:
                start, stop = run.new + old - run.old, run.new + broken - run.old
                if start < stop:
                    yield from (Part(range(at, start)), Part(range(start, stop), old))
                    at = stop
                old = broken + 1
        yield Part(range(at, count))

    def failures(self, part: Part) -> Iterator[Skipped]:
        """Documents of a part that have no symbols though their language could, as was found before."""
        if part.old is not None:
            known = range(part.old, part.old + len(part.numbers))
            yield from (each for number, each in self._failed.items() if number in known)
