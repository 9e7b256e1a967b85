"""The seen ledger: which corpus lines stood in a prompt of this run, root's or sub-model's.

Lines in the display format carry their address, so they are compared with the pack where they claim to be; a line that
differs from the corpus was not seen, whoever printed it. Lines without an address are kept as hashes: a cited line was
also seen when its text was shown bare.
"""

import heapq
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rlm_indexers.corpus import Span

if TYPE_CHECKING:
    from rlm_indexers.pack.reader import Pack
    from rlm_mcp.engine.texts import Texts

CUT = "[…]"
"""What stands where a very long line was cut, at its end and, behind a match, at its start."""
FRAGMENT = 200
"""Characters of a very long line that count as having seen it, when no quote says which part matters."""
RAW_LINES = 500_000
CANDIDATES = 8
NEAR = 16
"""Lines between two that are read from the pack together."""

_HEADER = re.compile(r"(?P<document>.+):(?P<start>\d+)-(?P<end>\d+)$")
_NUMBERED = re.compile(r" *(?P<line>\d+)\| ?(?P<text>.*)$")
_LISTED = re.compile(r"(?P<document>.+?):(?P<line>\d+)\| ?(?P<text>.*)$")


class Ledger:
    """What models were shown of one corpus. Recording costs time by what is recorded, never by the corpus."""

    def __init__(self, pack: "Pack | Texts", parent: "Ledger | None" = None) -> None:
        self._pack = pack
        self._parent = parent
        self._lines: dict[int, _Lines] = {}
        self._fragments: dict[tuple[int, int], list[str]] = {}
        self._raw: set[int] = set()
        self._longest: list[tuple[int, str]] = []
        self._looked = False

    def child(self) -> "Ledger":
        """A child's ledger: what its models are shown enters this one too; whether it looked is its own affair."""
        return Ledger(self._pack, self)

    def record(self, text: str, *, looked: bool = True) -> None:
        """Enter what a prompt showed. `looked` is False for what was shown unasked, before any cell ran."""
        if self._parent is not None:
            self._parent.record(text, looked=looked)
        before = self._looked
        shown: _Shown = {}
        document: int | None = None
        for line in text.split("\n"):
            numbered = _NUMBERED.match(line)
            if numbered and document is not None:
                shown.setdefault(document, []).append((int(numbered["line"]), numbered["text"]))
            else:
                document = self._bare(line, numbered, shown)
        for i, lines in shown.items():
            for stretch in _stretches(lines):
                self._show(i, stretch)
        self._looked = before or (self._looked and looked)

    def seen(self, span: Span, quote: str | None = None) -> bool:
        """Whether every line of the span that says anything was shown; of a line cut short, the part with the quote."""
        return span.document in self._pack and not self.unseen(span, quote)

    def unseen(self, span: Span, quote: str | None = None) -> list[int]:
        """The lines of the span that nobody was shown."""
        i = self._pack.index(span.document)
        if i is None:
            return list(range(span.start, span.end + 1))
        shown = self._lines.get(i)
        hidden = [
            number
            for number, text in self._true_lines(i, span.start, span.end)
            if not ((shown is not None and shown.covers(number)) or self._seen_otherwise(i, number, text, quote))
        ]
        # A commit may be known by its first line only.
        return hidden + list(range(max(span.start, self._pack.line_count(i) + 1), span.end + 1))

    def any_corpus_text(self) -> bool:
        """Whether a line with its address was shown because somebody looked. See also `candidates`."""
        return self._looked

    def candidates(self) -> list[str]:
        """The longest bare lines shown: when none of them is in the corpus, nothing of it was shown bare."""
        return [line for _, line in self._longest]

    def _bare(self, line: str, numbered: "re.Match[str] | None", shown: "_Shown") -> int | None:
        """Enter a line outside any block; the document, if the line opens a block."""
        header = _HEADER.match(line)
        if header and (document := self._pack.index(header["document"])) is not None:
            return document
        listed = _LISTED.match(line)
        if listed and (document := self._pack.index(listed["document"])) is not None:
            shown.setdefault(document, []).append((int(listed["line"]), listed["text"]))
        else:
            self._keep_raw(numbered["text"] if numbered else line)
        return None

    def _keep_raw(self, line: str) -> None:
        text = line.strip()
        if not text or len(self._raw) >= RAW_LINES:
            return
        self._raw.add(hash(text))
        if len(text) < 12:
            return
        heapq.heappush(self._longest, (len(text), text))
        if len(self._longest) > CANDIDATES:
            heapq.heappop(self._longest)

    def _show(self, document: int, stretch: list[tuple[int, str]]) -> None:
        """Enter the lines of a stretch that are what the pack says they are."""
        true = dict(self._true_lines(document, stretch[0][0], stretch[-1][0]))
        for number, shown in stretch:
            text = true.get(number)
            if text is None:
                continue
            if shown.rstrip("\r") == text:
                self._lines.setdefault(document, _Lines()).add(number)
                self._looked = True
            elif CUT in shown:
                self._show_part(document, number, shown, text)

    def _show_part(self, document: int, number: int, shown: str, text: str) -> None:
        part = shown.removeprefix(CUT + " ").removesuffix(" " + CUT)
        if len(part) >= 40 and part in text:
            self._fragments.setdefault((document, number), []).append(part)
            self._looked = True

    def _seen_otherwise(self, i: int, number: int, text: str, quote: str | None) -> bool:
        if not any(character.isalnum() for character in text) or hash(text.strip()) in self._raw:
            return True
        parts = self._fragments.get((i, number), ())
        wanted = [line for line in quote.split("\n") if line in text] if quote else []
        return any(all(line in part for line in wanted) if wanted else len(part) >= FRAGMENT for part in parts)

    def _true_lines(self, i: int, start: int, end: int) -> Iterator[tuple[int, str]]:
        """Number and text of each line of the range that exists, a few hundred at a time."""
        last = min(end, self._pack.line_count(i))
        for at in range(max(start, 1), last + 1, 512):
            data = self._pack.lines(i, at, min(at + 511, last))
            for number, line in enumerate(data.split(b"\n"), at):
                yield number, line.decode("utf-8", "replace").rstrip("\r")


_Shown = dict[int, list[tuple[int, str]]]
"""By document: the numbers and texts of lines as a prompt showed them."""


def _stretches(lines: list[tuple[int, str]]) -> Iterator[list[tuple[int, str]]]:
    """The lines in order, those near each other together: finding a line costs more than reading the next few."""
    stretch: list[tuple[int, str]] = []
    for line in sorted(lines):
        if stretch and line[0] - stretch[-1][0] > NEAR:
            yield stretch
            stretch = []
        stretch.append(line)
    if stretch:
        yield stretch


class _Lines:
    """A set of line numbers, kept as disjoint ranges in order."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []

    def covers(self, number: int) -> bool:
        at = bisect_right(self._starts, number) - 1
        return at >= 0 and number <= self._ends[at]

    def add(self, number: int) -> None:
        if self.covers(number):
            return
        at = bisect_left(self._starts, number)
        joins_left = at > 0 and self._ends[at - 1] == number - 1
        joins_right = at < len(self._starts) and self._starts[at] == number + 1
        if joins_left and joins_right:
            self._ends[at - 1] = self._ends.pop(at)
            self._starts.pop(at)
        elif joins_left:
            self._ends[at - 1] = number
        elif joins_right:
            self._starts[at] = number
        else:
            self._starts.insert(at, number)
            self._ends.insert(at, number)
