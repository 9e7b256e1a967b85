"""Lines that match a pattern, in time linear in the text: google-re2's only door.

re2 lets go of the interpreter lock while it scans, and no pattern can make it hang.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import re2

from rlm_indexers.corpus import GrepResult, Match, Span
from rlm_indexers.errors import PatternError
from rlm_indexers.reader import Pack

COUNTED_LINES = 200_000
"""Matching lines after which counting stops."""
SHOWN_BYTES = 2000
"""Of one line; the rest is cut."""


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


def grep(pack: Pack, request: Request, wanted: Callable[[str], bool] | None = None) -> GrepResult:
    """Matching lines in order of document and line, from `offset` on; `wanted` chooses documents by id.

    Raises PatternError where the pattern breaks. A match lies within one line; `^` and `$` are that line's ends.
    """
    compiled = _compile(request)
    shown: list[Match] = []
    total = 0
    for i in range(len(pack)):
        if wanted is not None and not wanted(pack.id_of(i)):
            continue
        data = pack.data(i)
        if compiled.search(data) is None:
            continue
        for start in _matching_lines(compiled, bytes(data)):
            if request.offset <= total < request.offset + request.limit:
                shown.append(_shown(pack, i, start, request.context))
            total += 1
            if total >= COUNTED_LINES:
                return GrepResult(tuple(shown), total, truncated=True)
    return GrepResult(tuple(shown), total, truncated=False)


def documents_with(pack: Pack, word: str) -> Iterator[int]:
    """The documents whose text holds a word, whole where it is made of plain letters; nothing for the empty word."""
    if not word:
        return
    plain = word.isascii() and word.replace("_", "a").isalnum()
    compiled = _compile(Request(word, word=plain, literal=True))
    yield from (i for i in range(len(pack)) if compiled.search(pack.data(i)) is not None)


def _compile(request: Request) -> "re2._Regexp[bytes]":
    pattern = re2.escape(request.pattern) if request.literal else request.pattern
    if request.word:
        pattern = rf"\b(?:{pattern})\b"
    options = re2.Options()
    options.never_nl = True  # no match across lines, whatever the pattern says
    options.log_errors = False
    options.case_sensitive = not request.ignore_case
    try:
        return re2.compile(f"(?m:{pattern})".encode(), options)
    except (re2.error, UnicodeEncodeError) as error:
        reason = error.args[0] if error.args else error
        said = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        hint = "no look-around or back-references; pass literal=True to search for the text itself"
        raise PatternError(f"the pattern {request.pattern!r} cannot be searched for: {said} ({hint})") from error


def _matching_lines(compiled: "re2._Regexp[bytes]", data: bytes) -> Iterator[int]:
    """Offsets within matching lines, one for each."""
    at = 0
    while at <= len(data) and (match := compiled.search(data, at)):
        found = match.start()
        if found == len(data) and (not data or data.endswith(b"\n")):
            return  # an empty match after the last line is in no line
        yield found
        at = data.find(b"\n", found) + 1
        if not at:
            return


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
