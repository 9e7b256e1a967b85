"""Lines that match a pattern, in time linear in the text: google-re2's only door.

The whole text of a pack is scanned in one go, documents and the lines between them alike, by several threads: re2 lets
go of the interpreter lock while it scans. No pattern can make it hang.
"""

import os
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import re2

from rlm_indexers.corpus import GrepResult, Match, Span
from rlm_indexers.errors import PatternError
from rlm_indexers.pack.reader import Entry, Pack
from rlm_indexers.search.literals import alternatives, from_literal

COUNTED_LINES = 200_000
"""Matching lines after which counting stops."""
SHOWN_BYTES = 2000
"""Of one line; the rest is cut."""
PART_BYTES = 8 << 20
"""Of text that a thread scans at a time."""
MOST_THREADS = 4
MOST_SCANS = 4
"""Scans for one alternative each that cost less than one for all of them."""
MISSES = 1000
"""Lines that look promising and do not match, after which looking for promising lines does not pay."""
_NEWLINE = re.compile(rb"\n")
_NEWLINE_BYTE = 10
_ALONE = re.compile(r"\\[Az]|\(\?[a-zA-Z]*-")
"""In a pattern for which the ends of a document matter."""
_NO_LETTER = r"[^\pL\pM\p{Nd}\p{Nl}\p{Pc}]"
"""What is not part of a word."""
Wanted = Callable[[str], bool]
Place = tuple[int, int]
"""A document and the offset in it at which a matching line ends."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to look for: the meanings are those of `rg`."""

    pattern: str
    limit: int = 100
    offset: int = 0
    ignore_case: bool = False
    word: bool = False
    literal: bool = False
    context: int = 0


def grep(pack: Pack, request: Request, wanted: Wanted | None = None) -> GrepResult:
    """Matching lines in order of document and line, from `offset` on; `wanted` chooses documents by id.

    Raises PatternError where the pattern breaks. A match lies within one line; `^` and `$` are that line's ends.
    """
    sought = _sought(request)
    shown: list[Place] = []
    total = 0
    for found in _in_order(pack, sought, wanted):
        shown += found[max(request.offset - total, 0) : max(request.offset + request.limit - total, 0)]
        total += len(found)
        if total >= COUNTED_LINES:
            break
    shown = shown[: max(COUNTED_LINES - request.offset, 0)]
    matches = tuple(_shown(pack, i, offset, request.context) for i, offset in shown)
    return GrepResult(matches, min(total, COUNTED_LINES), truncated=total >= COUNTED_LINES)


# The pattern


@dataclass(frozen=True, slots=True)
class _Sought:
    """A pattern, and a part of it that is found sooner: no line without the part matches the whole."""

    whole: "re2._Regexp[bytes]"
    part: "re2._Regexp[bytes] | None"
    alone: bool
    """Whether each document is a text of its own to it."""


def _sought(request: Request) -> list[_Sought]:
    """What to scan for; a line with any of it matches."""
    pattern = re2.escape(request.pattern) if request.literal else request.pattern
    _compiled(pattern, request)  # by itself, so that nothing put around it makes it a valid one
    asked = f"(?:^|{_NO_LETTER})(?:{pattern})(?:{_NO_LETTER}|$)" if request.word else pattern
    alone = bool(_ALONE.search(pattern))
    choices = alternatives(pattern)
    if not (request.word or alone) and len(choices) <= MOST_SCANS and all(map(from_literal, choices)):
        return [_scan(each, each, request) for each in choices]
    return [_scan(pattern, asked, request)]


def _scan(pattern: str, asked: str, request: Request) -> _Sought:
    alone = bool(_ALONE.search(pattern))
    part = "" if alone else from_literal(pattern)
    return _Sought(_compiled(asked, request), _compiled(part, request) if part not in ("", asked) else None, alone)


def _compiled(pattern: str, request: Request) -> "re2._Regexp[bytes]":
    options = re2.Options()
    options.never_nl = True  # no match across lines, whatever the pattern says
    options.never_capture = True
    options.log_errors = False
    options.case_sensitive = not request.ignore_case
    try:
        return re2.compile(f"(?m:{pattern})".encode(), options)
    except (re2.error, UnicodeEncodeError) as error:
        reason = error.args[0] if error.args else error
        said = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        hint = "no look-around or back-references; pass literal=True to search for the text itself"
        raise PatternError(f"the pattern {request.pattern!r} cannot be searched for: {said} ({hint})") from error


# The text


def _in_order(pack: Pack, sought: list[_Sought], wanted: Wanted | None) -> Iterator[list[Place]]:
    """The matching lines of one part of the pack after the other."""

    def places(part: range) -> list[Place]:
        found = [_places(pack, part, each, wanted) for each in sought]
        return found[0] if len(found) == 1 else sorted(set().union(*found))

    parts = _parts(pack, alone=sought[0].alone)
    if sought[0].alone or len(pack.region) <= PART_BYTES:
        yield from map(places, parts)
        return
    threads = ThreadPoolExecutor(min(os.cpu_count() or 1, MOST_THREADS), "grep")
    try:
        yield from threads.map(places, parts)
    finally:
        threads.shutdown(cancel_futures=True)


def _parts(pack: Pack, *, alone: bool) -> Iterable[range]:
    """The documents, in ranges of about `PART_BYTES` of text, or one by one."""
    if alone:
        return (range(i, i + 1) for i in range(len(pack)))
    offsets = range(PART_BYTES, len(pack.region), PART_BYTES)
    cuts = [bisect_right(range(len(pack)), offset, key=lambda i: pack.entry(i).text) for offset in offsets]
    return (range(start, stop) for start, stop in pairwise([0, *cuts, len(pack)]) if start < stop)


def _places(pack: Pack, documents: range, sought: _Sought, wanted: Wanted | None) -> list[Place]:
    """The matching lines of documents that lie side by side."""
    found: list[Place] = []
    here = _Here(pack, documents)
    base = here.start
    lines = _Lines(sought, pack.region[base : _end(pack.entry(documents[-1]))])
    while len(found) < COUNTED_LINES and (at := lines.following()) is not None:
        if not here.reaches(base + at):
            continue
        if wanted is not None and not here.wanted_by(wanted):
            lines.at = here.end + 1 - base
        else:
            found.append((here.number, base + lines.at - 1 - here.start))
    return found


class _Lines:
    """The matching lines of a text, one after the other; move `at`, the start of a line, to skip some."""

    def __init__(self, sought: _Sought, text: memoryview) -> None:
        self._whole, self._part = sought.whole, sought.part
        self._text = text
        self._missed = 0
        self.at = 0

    def following(self) -> int | None:
        """A place in the next matching line."""
        while self.at <= len(self._text) and (match := (self._part or self._whole).search(self._text, self.at)):
            found, start = int(match.start()), self.at
            newline = _NEWLINE.search(self._text, found)
            self.at = newline.end() if newline else len(self._text) + 1
            if self._part is None or self._matches(self._line_start(start, found), self.at - 1):
                return found
        return None

    def _matches(self, start: int, end: int) -> bool:
        if self._whole.search(bytes(self._text[start:end])):
            return True
        self._missed += 1
        if self._missed == MISSES:
            self._part = None
        return False

    def _line_start(self, low: int, found: int) -> int:
        looked = 256
        while (start := max(low, found - looked)) > low:
            newline = bytes(self._text[start:found]).rfind(b"\n")
            if newline >= 0:
                return start + newline + 1
            looked *= 8
        return low + bytes(self._text[low:found]).rfind(b"\n") + 1


class _Here:
    """The document that an offset of the region lies in. Ask in ascending order."""

    def __init__(self, pack: Pack, documents: range) -> None:
        self._pack = pack
        self._stop = documents.stop
        self._meant: bool | None = None
        self._enter(documents.start)

    def reaches(self, offset: int) -> bool:
        """Whether a line of a document begins at an offset or holds it, rather than the line before a document."""
        if offset > self.end:
            later = range(self.number, self._stop)
            self._enter(later[bisect_right(later, offset, key=lambda i: self._pack.entry(i).text) - 1])
        return offset < self.end or (offset == self.end and self._unfinished)

    def wanted_by(self, wanted: Wanted) -> bool:
        if self._meant is None:
            self._meant = wanted(self._pack.id_of(self.number))
        return self._meant

    def _enter(self, number: int) -> None:
        entry = self._pack.entry(number)
        self.number, self.start, self.end = number, entry.text, _end(entry)
        self._unfinished = entry.size > 0 and self._pack.region[self.end - 1] != _NEWLINE_BYTE
        self._meant = None


def _end(entry: Entry) -> int:
    return entry.text + entry.size


# The answer


def _shown(pack: Pack, i: int, offset: int, context: int) -> Match:
    line = pack.line_at(i, offset)
    document, last = pack.id_of(i), pack.line_count(i)
    before = tuple(_text(pack, i, n) for n in range(max(1, line - context), line))
    after = tuple(_text(pack, i, n) for n in range(line + 1, min(last, line + context) + 1))
    return Match(Span(document, line, line), _text(pack, i, line), before, after)


def _text(pack: Pack, i: int, line: int) -> str:
    raw = pack.lines(i, line, line).removesuffix(b"\r")
    text = raw[:SHOWN_BYTES].decode("utf-8", "ignore" if len(raw) > SHOWN_BYTES else "replace")
    return text + " […]" if len(raw) > SHOWN_BYTES else text
