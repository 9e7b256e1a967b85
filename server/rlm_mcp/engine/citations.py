"""Citations checked against the host's own copy of the corpus: verified, repaired, or rejected with the reason.

A quote is verified when it stands in the cited lines character by character; only line endings are forgiven. It is
repaired when it differs in white space alone, or stands in exactly one other place: the citation then carries the true
span and the true text. Everything else is rejected. Nothing a model or a sandbox said enters into it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from rlm_indexers.corpus import Citation, CitationState, Span
from rlm_indexers.pack.reader import Pack
from rlm_mcp.engine import quotes
from rlm_mcp.engine.quotes import Places

QUOTE_SHOWN = 2_000
"""Characters of text that a citation without a quote carries along."""
QUOTE_LONGEST = 65_536
UNIQUE_LENGTH = 16
"""Non-blank characters below which a quote is too short to say where it belongs."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A citation, and whether a model of this run was shown its lines."""

    citation: Citation
    seen: bool
    unseen_lines: tuple[int, ...] = ()
    """Of one that was not seen: the lines that nobody was shown."""


_NUMBERED = re.compile(r"^ *\d+\| ?", re.MULTILINE)


def verify(pack: Pack, document: str, start: int, end: int, quote: str | None = None) -> Citation:
    """The citation of lines `start` to `end` of `document`, checked. A blank quote counts as none."""
    given = Span(document, start, end)
    quote = (quote or "").strip("\r\n")
    if len(quote) > QUOTE_LONGEST:
        return _rejected(given, quote[:QUOTE_SHOWN], f"the quote has {len(quote):,} characters; cite less")
    i = pack.index(document)
    if i is not None:
        return _in_document(pack, i, given, quote)
    ids = _by_suffix(pack, document)
    if len(ids) != 1:
        return _elsewhere(pack, given, quote, _no_document(pack, document, ids))
    name = pack.id_of(ids[0])
    found = _in_document(pack, ids[0], Span(name, start, end), quote)
    state: CitationState = "rejected" if found.state == "rejected" else "repaired"
    reason = "; ".join(filter(None, (f"{document} is {name} here", found.reason)))
    return replace(found, state=state, reason=reason, span=given if state == "rejected" else found.span)


def _in_document(pack: Pack, i: int, span: Span, quote: str) -> Citation:
    """The citation checked in a document that exists."""
    lines = pack.line_count(i)
    fault = _range_fault(span, lines)
    if not quote.strip():
        return _rejected(span, "", fault) if fault else _plain(pack, i, span)
    if not fault and (found := _within(pack, i, span, quote)):
        return found
    return _elsewhere(pack, span, quote, fault or "the quote is not in these lines", i)


def _range_fault(span: Span, lines: int) -> str:
    if span.start < 1 or span.end < span.start:
        return f"lines {span.start}-{span.end} are no range: lines count from 1, the first comes first"
    if span.end > lines:
        return f"{span.document} has {lines:,} lines; line {span.end:,} does not exist"
    return ""


def _plain(pack: Pack, i: int, span: Span) -> Citation:
    """The span exists and nothing more is claimed: it carries its own text, cut at a line's end when long."""
    text = _text(pack.lines(i, span.start, min(span.end, span.start + 200)))
    if len(text) > QUOTE_SHOWN:
        text = text[:QUOTE_SHOWN].rpartition("\n")[0] or text[:QUOTE_SHOWN]
    return Citation(span, text, "verified", "", pack.document(i).sha256)


def _within(pack: Pack, i: int, span: Span, quote: str) -> Citation | None:
    """The quote found in the cited lines: as it stands, or with other white space."""
    base = pack.document(i).offset
    low, high = base + pack.line_start(i, span.start), base + pack.line_start(i, span.end + 1)
    for find, state, reason in _readings(quote):
        place = next(find(pack.region, low, high), None)
        if place is not None:
            text = _text(bytes(pack.region[place[0] : place[1]]))
            return Citation(span, text, state, reason, pack.document(i).sha256)
    return None


def _elsewhere(pack: Pack, span: Span, quote: str, fault: str, i: int | None = None) -> Citation:
    """The citation re-anchored where its quote stands, if that is one place: in its document, else in the corpus."""
    if len("".join(quote.split())) < UNIQUE_LENGTH:
        return _rejected(span, quote, fault)
    scopes = [(0, len(pack.region))]
    if i is not None:
        document = pack.document(i)
        scopes.insert(0, (document.offset, document.offset + document.size))
    for low, high in scopes:
        for find, _, _ in _readings(quote):
            places = _places(pack, find, low, high)
            if len(places) > 1:
                return _rejected(span, quote, f"{fault}, and stands in more than one other place")
            if places:
                return _moved(pack, places[0], fault)
    return _rejected(span, quote, f"{fault}, nor anywhere in the corpus" if i is not None else fault)


def _moved(pack: Pack, place: tuple[int, int], fault: str) -> Citation:
    i, start = pack.locate(place[0])
    _, end = pack.locate(place[1] - 1)
    document = pack.document(i)
    text = _text(bytes(pack.region[place[0] : place[1]]))
    return Citation(Span(document.id, start, end), text, "repaired", f"moved: {fault}", document.sha256)


def _places(pack: Pack, find: Places, low: int, high: int) -> list[tuple[int, int]]:
    """Up to two places where the quote stands within one document's text; headers between documents are not text."""
    found: list[tuple[int, int]] = []
    for start, end in find(pack.region, low, high):
        document = pack.document(pack.locate(start)[0])
        if document.offset <= start and end <= document.offset + document.size:
            found.append((start, end))
            if len(found) == 2:
                break
    return found


def _readings(quote: str) -> Iterator[tuple[Places, CitationState, str]]:
    """How the quote may be read: as it stands, with other white space, and without line numbers copied into it."""
    yield quotes.exact(quote), "verified", ""
    yield quotes.loose(quote), "repaired", "white space differed"
    bare = _NUMBERED.sub("", quote)
    if bare.strip() and len(_NUMBERED.findall(quote)) == quote.count("\n") + 1:
        yield quotes.exact(bare), "repaired", "line numbers stood in the quote"
        yield quotes.loose(bare), "repaired", "line numbers stood in the quote"


def _by_suffix(pack: Pack, document: str) -> list[int]:
    """Up to two documents whose id ends with this path, whole components only."""
    tail = document.replace("\\", "/").removeprefix("./").strip("/")
    if not tail:
        return []
    found: list[int] = []
    for i in range(len(pack)):
        name = pack.id_of(i)
        if name == tail or name.endswith("/" + tail):
            found.append(i)
            if len(found) == 2:
                break
    return found


def _no_document(pack: Pack, document: str, ids: list[int]) -> str:
    """Why the document was not found, with those that the model may have meant."""
    if len(ids) > 1:
        return f"{document} could be {' or '.join(map(pack.id_of, ids))}; cite the whole id"
    same = [
        name for name in map(pack.id_of, range(len(pack))) if name.rpartition("/")[2] == document.rpartition("/")[2]
    ]
    near = f"; there is {', '.join(same[:3])}" if same else ""
    return f"no such document{near}"


def _rejected(span: Span, quote: str, reason: str) -> Citation:
    return Citation(span, quote, "rejected", reason, "")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace").replace("\r\n", "\n")
