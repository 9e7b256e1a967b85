"""The plain values a corpus is made of. Standard library only; nothing here reads a file."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

JSON = Any
"""What `json.dumps` accepts."""

Kind = Literal["repo", "folder", "history"]
CitationState = Literal["verified", "repaired", "rejected"]


@dataclass(frozen=True, slots=True, order=True)
class Span:
    r"""Lines `start` to `end` of a document: 1-based, inclusive, counted by `\n` over the stored bytes."""

    document: str
    start: int
    end: int

    def __str__(self) -> str:
        return f"{self.document}:{self.start}-{self.end}"


@dataclass(frozen=True, slots=True)
class Citation:
    """A span, the text quoted from it, and what checking it showed."""

    span: Span
    quote: str
    state: CitationState
    reason: str
    sha256: str
    """Of the raw bytes of the document's source."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where text came from, holding from this line on until the next anchor: `{"page": 3}`, `{"record": 12, …}`."""

    line: int
    values: dict[str, JSON]

    def __post_init__(self) -> None:
        if self.line < 1 or "line" in self.values:
            raise ValueError(
                f"anchor at line {self.line} with {sorted(self.values)}: lines start at 1, and are no value"
            )


@dataclass(frozen=True, slots=True)
class SourceDocument:
    """One text on its way into a corpus."""

    id: str
    """Path-like, unique in the corpus, without control characters."""
    data: bytes | memoryview
    """UTF-8 as it is stored, cited and counted."""
    sha256: str
    """Of the raw bytes of the source, in hex."""
    anchors: tuple[Anchor, ...] = ()
    flags: tuple[str, ...] = ()
    language: str = ""


@dataclass(frozen=True, slots=True)
class Unchanged:
    """A document to be taken over from the previous pack of the same source, bit for bit."""

    id: str


@dataclass(frozen=True, slots=True)
class UnchangedRun:
    """Documents `start` to `stop` (not included), by number in the previous pack, all taken over bit for bit."""

    start: int
    stop: int


@dataclass(frozen=True, slots=True, order=True)
class Skipped:
    """Something of the source that has no text in the corpus. `reason`: a stable slug, optionally `: detail`."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of a source can be found: answers about absence rest on it."""

    indexed: int
    """Documents with text and, where the language has them, symbols."""
    text_only: int
    """Documents whose text is searched, but for which no symbols could be had though the language has them."""
    skipped: tuple[Skipped, ...] = ()
    languages: dict[str, int] = field(default_factory=dict)
    """Documents per language; `""` counts those of none."""
    without_symbols: tuple[Skipped, ...] = ()
    """The text-only documents, each with the reason."""
    parsed: dict[str, int] = field(default_factory=dict)
    """Documents per language whose definitions were looked for and can be found."""

    def as_json(self, limit: int | None = None) -> dict[str, JSON]:
        """The coverage with at most `limit` of the skipped spelt out; counts per reason are always complete."""
        return {
            "indexed": self.indexed,
            "text_only": self.text_only,
            "skipped": [{"id": s.id, "reason": s.reason} for s in self.skipped[:limit]],
            "skipped_total": len(self.skipped),
            "skipped_by_reason": _by_reason(self.skipped),
            "text_only_by_reason": _by_reason(self.without_symbols),
            "languages": dict(sorted(self.languages.items(), key=lambda item: (-item[1], item[0]))),
            "parsed": dict(sorted(self.parsed.items(), key=lambda item: (-item[1], item[0]))),
        }


def _by_reason(left_out: Iterable[Skipped]) -> dict[str, int]:
    reasons: dict[str, int] = {}
    for each in left_out:
        slug = each.reason.partition(":")[0]
        reasons[slug] = reasons.get(slug, 0) + 1
    return dict(sorted(reasons.items()))


Packable = SourceDocument | Unchanged | UnchangedRun
"""What a pack is made of."""


@dataclass(slots=True)
class Fetched:
    """A source being read. `skipped` (and `facts`, if the source says so) fill while `documents` is iterated."""

    kind: Kind
    name: str
    documents: Iterable[Packable]
    """Lazy, and sorted by the UTF-8 bytes of the id."""
    skipped: list[Skipped] = field(default_factory=list)
    facts: dict[str, JSON] = field(default_factory=dict)
    """`root`, `revision`, `dirty`, …: part of the corpus id, so nothing that changes from load to load."""
    fingerprint: str = ""
    """Known before `documents` is iterated, and the same only if all the rest is; "" when it cannot be known."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A content-addressed part of a pack file."""

    sha256: str
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Symbol:
    """One definition. Lines are 1-based and inclusive; `line` is where the name stands."""

    document: str
    name: str
    qualname: str
    kind: str
    line: int
    start_line: int
    end_line: int
    parent: str
    language: str
    signature: str

    @property
    def span(self) -> Span:
        return Span(self.document, self.start_line, self.end_line)


@dataclass(frozen=True, slots=True)
class Hit:
    """One result of a ranked search; a higher score is better."""

    span: Span
    score: float
    kind: Literal["text", "symbol"]
    title: str


class Hits(list[Hit]):
    """A page of a ranked search, best first; `total`: how many passages share a word with the question."""

    def __init__(self, hits: Iterable[Hit] = (), total: int = 0) -> None:
        super().__init__(hits)
        self.total = total


@dataclass(frozen=True, slots=True)
class Match:
    """One line that a pattern matched; `before` and `after` hold context lines when asked for."""

    span: Span
    text: str
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GrepResult:
    """The first matching lines in order of (document, line), and how many there are."""

    matches: tuple[Match, ...]
    total: int
    """Matching lines; a lower bound when `truncated`."""
    truncated: bool
    """Counting stopped early: there may be more than `total`."""


@dataclass(frozen=True, slots=True)
class CorpusInfo:
    """What is known of a loaded corpus without opening its pack."""

    id: str
    name: str
    kind: Kind
    source: str
    documents: int
    bytes: int
    lines: int
    facts: dict[str, JSON]
    loaded_at: float
    """Seconds since the epoch."""
