"""Where a quote stands in bytes: as it is but for line endings, or with other white space. Linear time, whatever it is.

Quotes and corpora may both be hostile, so nothing here backtracks: text and quote are brought to one form and searched
by `bytes.find`, and what is found is carried back to the places it came from. Work is done chunk by chunk, so that
other threads run in between.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator

Places = Callable[[memoryview, int, int], Iterator[tuple[int, int]]]
"""Start and end, in the region, of each occurrence that lies between two offsets."""

CHUNK = 4 << 20
_BREAK = re.compile(rb"\r\n|\r")
_SPACE = re.compile(rb"[ \t\n\r\f\v]+")


def exact(quote: str) -> Places:
    """Occurrences that differ in line endings at most."""
    needle = _BREAK.sub(b"\n", _bytes(quote))
    return lambda region, low, high: _chunks(region, low, high, 2 * len(needle) + 16, needle, _with_newlines)


def loose(quote: str) -> Places:
    """Occurrences that differ in the amount and kind of white space at most."""
    words = _bytes(quote).split()
    needle = b" ".join(words)
    probe = _probe(words)

    def narrowed(chunk: bytes, wanted: bytes) -> Iterator[tuple[int, int]]:
        return _with_spaces(chunk, wanted) if probe.search(chunk) else iter(())

    return lambda region, low, high: _chunks(region, low, high, 8 * len(needle) + 4096, needle, narrowed)


def _probe(words: list[bytes]) -> "re.Pattern[bytes]":
    """A few words around the longest: a chunk without them need not be brought to one form. Their number is bounded,
    and with it what a search for them can cost.
    """
    at = max(range(len(words)), key=lambda i: len(words[i]), default=0)
    return re.compile(rb"[ \t\n\r\f\v]+".join(map(re.escape, words[max(0, at - 2) : at + 4])))


def _chunks(
    region: memoryview,
    low: int,
    high: int,
    reach: int,
    needle: bytes,
    find: Callable[[bytes, bytes], Iterator[tuple[int, int]]],
) -> Iterator[tuple[int, int]]:
    """What `find` finds in chunks that overlap by `reach`, each once."""
    if not needle:
        return
    for at in range(low, high, CHUNK):
        chunk = bytes(region[at : min(high, at + CHUNK + reach)])
        for start, end in find(chunk, needle):
            if start < CHUNK or at + CHUNK >= high:
                yield at + start, at + end


def _with_newlines(chunk: bytes, needle: bytes) -> Iterator[tuple[int, int]]:
    if b"\r" not in chunk:
        yield from ((at, at + len(needle)) for at in _find_all(chunk, needle))
        return
    pairs = [match.start() - n for n, match in enumerate(re.finditer(rb"\r\n", chunk))]
    for at in _find_all(_BREAK.sub(b"\n", chunk), needle):
        start, end = at, at + len(needle)
        # Each pair before a place has lost one byte; a pair that ends the quote is left whole.
        yield start + bisect_right(pairs, start - 1), end + bisect_right(pairs, end - 1)


def _with_spaces(chunk: bytes, needle: bytes) -> Iterator[tuple[int, int]]:
    lost, shift = [], []
    total = 0
    for run in _SPACE.finditer(chunk):
        lost.append(run.start() - total)
        total += run.end() - run.start() - 1
        shift.append(total)
    for at in _find_all(_SPACE.sub(b" ", chunk), needle):
        yield _back(at, lost, shift), _back(at + len(needle) - 1, lost, shift) + 1


def _back(at: int, lost: list[int], shift: list[int]) -> int:
    """Where a byte of the collapsed text stood: it was moved by all that the runs before it lost."""
    before = bisect_right(lost, at - 1)
    return at + (shift[before - 1] if before else 0)


def _find_all(text: bytes, needle: bytes) -> Iterator[int]:
    at = text.find(needle)
    while at >= 0:
        yield at
        at = text.find(needle, at + 1)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
